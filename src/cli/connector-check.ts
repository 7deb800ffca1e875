// throughline connector check: whether a manifest and its hooks are right by themselves, and, with --url, whether they fit their API.

import { resolve } from "node:path";
import { UsageError } from "../app/usage-error.js";
import { tableOf } from "../config/api.js";
import { memberOf } from "../config/member.js";
import { variableOf } from "../config/substitute.js";
import { ConfigError } from "../config/yaml.js";
import { hooksOf, readManifest } from "../connectors/registry.js";
import { anyTable } from "../manifest/column-schema.js";
import { type CheckedHooks, tryOnPage } from "../manifest/hooks.js";
import type { Manifest } from "../manifest/manifest.js";
import { doubtlessSchema } from "../manifest/manifest-doubts.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { TableManifest } from "../manifest/table-schema.js";
import { makeLog } from "../observe/log.js";
import { type Account, openAccount } from "../upstream/account.js";
import { ProbedTable } from "../upstream/probe.js";
import { nothingRead, type ProbeResult } from "../upstream/probe-result.js";
import { DescribedTables } from "../upstream/probe-tables.js";
import { nameList } from "../upstream/words.js";
import type { Command } from "./command.js";
import { type Finding, isError, lineOf } from "./finding.js";

const timeoutMs = 20_000;

export const checkConnector: Command = async ({ names: [file = ""], flags, json }, io) => {
  const valid = readValidManifest(file, io.err);
  if (!valid) return 2;
  const { manifest, hooks } = valid;
  const base = flags["url"];
  if (base !== undefined && !(typeof base === "string" && isBase(base)))
    throw new UsageError("--url takes the address of the API without a query, such as https://api.example.com");
  const account = typeof base === "string" ? accountOf(manifest, hooks, base) : undefined;
  const tables = Object.keys(manifest.tables);
  const summary = { level: "ok", file, api: manifest.api, tables };
  const says = `describes "${manifest.api}": ${tables.join(", ")}`;
  io.out(json ? JSON.stringify(summary) : lineOf({ level: "ok", subject: file, says }));
  if (!account) return 0;
  let wrong = false;
  for (const [name, tableManifest] of Object.entries(manifest.tables)) {
    for (const { subject, result } of await probeAll(account, name, tableManifest, io.err)) {
      const findings = findingsOf(`${manifest.api}.${subject}`, result);
      wrong ||= findings.some(isError);
      if (json) io.out(JSON.stringify(result));
      else for (const finding of findings) io.out(lineOf(finding));
    }
  }
  if (account.tokens?.losesRefreshToken)
    io.err("the API gave out a new refresh token, which nothing here keeps: the one in the environment may be used up");
  return wrong ? 1 : 0;
};

/** Of the tables that only the API tells of, so many are looked at. */
const mostDescribed = 3;

interface Probed {
  readonly subject: string;
  readonly result: ProbeResult;
}

/** Probes a table of the manifest, or some of those that the API tells of. */
async function probeAll(
  account: Account,
  name: string,
  manifest: TableManifest,
  tell: (line: string) => void,
): Promise<readonly Probed[]> {
  const probe = async (subject: string): Promise<Probed> => ({
    subject,
    result: await new ProbedTable(account, tableOf(subject, undefined), manifest).probe(),
  });
  if (name !== anyTable) return [await probe(name)];
  try {
    const names = await new DescribedTables(account, tableOf(name, undefined), manifest).names();
    const shown = names?.slice(0, mostDescribed) ?? [];
    if (names?.length !== shown.length || shown.length === 0)
      tell(
        `tables that only the API tells of are not looked at${shown.length === 0 ? "" : `, but for ${nameList(shown)}`}`,
      );
    const probed: Probed[] = [];
    for (const one of shown) probed.push(await probe(one));
    return probed;
  } catch (cause) {
    if (!(cause instanceof ReadFailed)) throw cause;
    return [{ subject: name, result: { ...nothingRead, table: name, failed: cause.message } }];
  }
}

interface ValidManifest {
  readonly manifest: Manifest;
  readonly hooks: CheckedHooks | undefined;
}

/** Undefined: it or its hooks have mistakes, and each is told. */
function readValidManifest(file: string, tell: (line: string) => void): ValidManifest | undefined {
  try {
    const manifest = readManifest(file, doubtlessSchema);
    const hooks = hooksOf(resolve(file));
    if (hooks) tryOnPage(hooks);
    return { manifest, hooks };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    for (const mistake of cause.mistakes) tell(mistake);
    return undefined;
  }
}

function isBase(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) && !/[?#]/.test(url);
}

/** What the manifest asks of a config comes from the environment here. */
function accountOf(manifest: Manifest, hooks: CheckedHooks | undefined, base: string): Account {
  const { api } = manifest;
  const config = Object.entries(manifest.config).map(([key, { about, default: fallback }]) => {
    const variable = variableOf(api, key);
    const value = memberOf(process.env, variable) || fallback;
    if (value === undefined) throw new UsageError(`the environment variable ${variable} is not set: ${about}`);
    return [key, value] as const;
  });
  const log = makeLog({ level: "error", format: "auto" });
  return openAccount({
    api,
    manifest,
    base,
    hooks,
    config: Object.fromEntries(config),
    timeoutMs,
    waitMs: timeoutMs,
    log,
  });
}

function findingsOf(subject: string, probeResult: ProbeResult): Finding[] {
  const {
    records,
    repeated,
    missing,
    partial,
    unknownTypes,
    undecoded,
    unmirrored,
    lists,
    proofless,
    foundAgain,
    mistakes,
    untried,
    failed,
  } = probeResult;
  const error = (says: string): Finding => ({ level: "error", subject, says });
  const warning = (says: string): Finding => ({ level: "warning", subject, says });
  const findings: Finding[] = undecoded.map(({ column, type, found: kind, records: wrong }) =>
    error(
      `column "${column}" is no ${type} in ${wrong} of ${records} records, but ${article(kind)}: mend its type or codec`,
    ),
  );
  if (repeated > 0)
    findings.push(error(`${repeated} of ${records} records have the key of another one: mend "key", or "record.key"`));
  if (foundAgain === false) findings.push(error('"read.get" does not find the first record by its key'));
  for (const mistake of mistakes) findings.push(error(mistake));
  if (failed !== null) findings.push(error(failed));
  for (const { name, failed: why } of lists) if (why !== null) findings.push(error(`"read.${name}": ${why}`));
  for (const path of proofless)
    findings.push(error(`"errors.rules": "if" proves nothing by GET ${path}, so that no record would ever be gone`));
  if (missing.length > 0) findings.push(warning(`in no record: ${nameList(missing)}`));
  for (const { column, records: having } of partial)
    findings.push(
      warning(
        `column "${column}" is in ${having} of ${records} records: say what a missing one means by "columns.${column}.absent", a value or null`,
      ),
    );
  for (const says of unknownTypes) findings.push(warning(says));
  if (unmirrored.length > 0) findings.push(warning(`mirrored by no column: ${nameList(unmirrored)}`));
  if (untried.length > 0 && records > 0) findings.push(warning(`not tried: ${untried.join("; ")}`));
  if (records === 0 && failed === null) return [warning("has no records, so nothing could be compared"), ...findings];
  if (findings.some(isError)) return findings;
  const countWords = records === 1 ? "1 record came, and all its" : `${records} records came, and all their`;
  return [{ level: "ok", subject, says: `${countWords} values fit` }, ...findings];
}

function article(kind: string): string {
  return `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}
