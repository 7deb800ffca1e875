// throughline connector check: whether a manifest is right by itself, and, with --url, whether it fits its API.

import { UsageError } from "../app/usage-error.js";
import { tableOf } from "../config/api.js";
import { variableOf } from "../config/substitute.js";
import { ConfigError } from "../config/yaml.js";
import { readManifest } from "../connectors/registry.js";
import { anyTable } from "../manifest/column-schema.js";
import type { Manifest } from "../manifest/manifest.js";
import { makeLog } from "../observe/log.js";
import { type Account, openAccount } from "../upstream/account.js";
import { ProbedTable, type ProbeResult } from "../upstream/probe.js";
import { nameList } from "../upstream/words.js";
import type { Command } from "./command.js";
import { type Finding, isError, lineOf } from "./finding.js";

const timeoutMs = 20_000;

export const checkConnector: Command = async ({ names: [file = ""], flags, json }, io) => {
  const manifest = readValidManifest(file, io.err);
  if (!manifest) return 2;
  const base = flags["url"];
  if (base !== undefined && !(typeof base === "string" && /^https?:$/.test(protocolOf(base))))
    throw new UsageError("--url takes the address of the API, such as https://api.example.com");
  const account = typeof base === "string" ? accountOf(manifest, base) : undefined;
  const tables = Object.keys(manifest.tables);
  const summary = { level: "ok", file, api: manifest.api, tables };
  const says = `describes "${manifest.api}": ${tables.join(", ")}`;
  io.out(json ? JSON.stringify(summary) : lineOf({ level: "ok", subject: file, says }));
  if (!account) return 0;
  let wrong = false;
  for (const [name, tableManifest] of Object.entries(manifest.tables)) {
    if (name === anyTable) {
      io.err("tables that only the API tells of are not looked at");
      continue;
    }
    const probeResult = await new ProbedTable(account, tableOf(name, undefined), tableManifest).probe();
    const findings = findingsOf(`${manifest.api}.${name}`, probeResult);
    wrong ||= findings.some(isError);
    if (json) io.out(JSON.stringify(probeResult));
    else for (const finding of findings) io.out(lineOf(finding));
  }
  return wrong ? 1 : 0;
};

/** Undefined: it has mistakes, and each is told. */
function readValidManifest(file: string, tell: (line: string) => void): Manifest | undefined {
  try {
    return readManifest(file);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    for (const mistake of cause.mistakes) tell(mistake);
    return undefined;
  }
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}

/** What the manifest asks of a config comes from the environment here. */
function accountOf(manifest: Manifest, base: string): Account {
  const { api } = manifest;
  const config = Object.entries(manifest.config).map(([key, { about, default: fallback }]) => {
    const variable = variableOf(api, key);
    const value = process.env[variable] || fallback;
    if (value === undefined) throw new UsageError(`the environment variable ${variable} is not set: ${about}`);
    return [key, value] as const;
  });
  const log = makeLog({ level: "error", format: "auto" });
  return openAccount({ api, manifest, base, config: Object.fromEntries(config), timeoutMs, waitMs: timeoutMs, log });
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
  if (records === 0 && failed === null) return [warning("has no records, so nothing could be compared"), ...findings];
  if (findings.some(isError)) return findings;
  const countWords = records === 1 ? "1 record came, and all its" : `${records} records came, and all their`;
  return [{ level: "ok", subject, says: `${countWords} values fit` }, ...findings];
}

function article(kind: string): string {
  return `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}
