// throughline check: config, database, guards, tokens and drift; one line each.

import { exposuresOf } from "../app/exposures.js";
import { type Opened, open, openMirrors, wantedTables } from "../app/open.js";
import { remedyFor } from "../app/remedy.js";
import type { ApiConfig } from "../config/api.js";
import type { MirrorColumn } from "../mirror/column.js";
import { loadInexact } from "../mirror/inexact.js";
import { unknownTypeWords } from "../upstream/discover.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import { nameList } from "../upstream/words.js";
import { type Command, reasonOf } from "./command.js";
import { configOf } from "./config-of.js";
import { checkMirror, checkServer } from "./database-checks.js";
import { type Finding, isError, lineOf } from "./finding.js";
import { inexactRemedy, inexactWords } from "./inexact-words.js";

export const checkCommand: Command = async (options, io) => {
  const instance = wantedTables(open(configOf(options)), options.names);
  try {
    const findings = await findAll(instance, options.flags["offline"] === true);
    for (const finding of findings) {
      io.out(options.json ? JSON.stringify(finding) : lineOf(finding));
    }
    return findings.some(isError) ? 1 : 0;
  } finally {
    await instance.pool.end();
  }
};

async function findAll(instance: Opened, offline: boolean): Promise<Finding[]> {
  const { pool, config, tables } = instance;
  const findings: Finding[] = [{ level: "ok", subject: "config", says: `${tables.length} tables configured` }];
  for (const exposure of exposuresOf(instance, config.listen)) findings.push({ level: "warning", ...exposure });
  let mirrors: readonly MirroredTable[] | undefined;
  try {
    const server = await checkServer(instance);
    findings.push(...server);
    if (!server.some(isError)) {
      mirrors = await openMirrors(instance);
      for (const { mirror } of mirrors) findings.push(...(await checkMirror(pool, mirror, config.postgres.grant)));
    }
  } catch (cause) {
    findings.push({ level: "error", subject: "postgres", says: `${reasonOf(cause)}: look at postgres.url` });
  }
  for (const { api, table } of tables) {
    const mirroredTable = mirrors?.find(({ mirror }) => mirror.api === api.name && mirror.resource === table.resource);
    const subject = `${api.name}.${table.resource}`;
    if (mirrors && !mirroredTable) {
      findings.push({ level: "error", subject, says: 'is not migrated: run "throughline migrate"' });
    } else if (mirroredTable && !mirroredTable.mirror.complete) {
      const says = `is not complete, so UPDATE and DELETE are refused: run "throughline pull ${subject}"`;
      findings.push({ level: "warning", subject, says });
    }
    for (const one of mirroredTable ? await loadInexact(pool, mirroredTable.mirror.id) : [])
      findings.push({ level: "warning", subject, says: `${inexactWords(one)}: ${inexactRemedy(one)}` });
    if (!offline) findings.push(...(await checkApi(subject, api, table, mirroredTable)));
  }
  return findings;
}

async function checkApi(
  subject: string,
  api: ApiConfig,
  table: MirroredTable["table"],
  mirroredTable: MirroredTable | undefined,
): Promise<Finding[]> {
  try {
    const columns = await table.columns();
    // Only an answer shows that the credentials are good.
    if (!table.discovers) await table.list(columns, null);
    const drift = mirroredTable ? driftOf(mirroredTable.mirror.columns, columns) : [];
    const warning = (says: string): Finding => ({ level: "warning", subject, says });
    const unknown = unknownTypeWords(columns).map(warning);
    if (drift.length > 0)
      return [warning(`the API has ${drift.join(", and ")}: run "throughline migrate"`), ...unknown];
    return [{ level: "ok", subject, says: `the API answers, ${columns.length} columns` }, ...unknown];
  } catch (cause) {
    return [{ level: "error", subject, says: `${reasonOf(cause)}${remedyFor(cause, api)}` }];
  }
}

/** What has changed in the API since it was migrated. */
function driftOf(before: readonly MirrorColumn[], now: readonly MirrorColumn[]): string[] {
  const namesOf = (columns: readonly MirrorColumn[]) => nameList(columns.map(({ name }) => name));
  const newColumns = now.filter(({ name }) => before.every((column) => column.name !== name));
  const missingColumns = before.filter(({ name }) => now.every((column) => column.name !== name));
  const retypedColumns = now.filter(({ name, type }) =>
    before.some((column) => column.name === name && column.type !== type),
  );
  return [
    ...(newColumns.length > 0 ? [`new columns (${namesOf(newColumns)})`] : []),
    ...(missingColumns.length > 0 ? [`columns no more (${namesOf(missingColumns)})`] : []),
    ...(retypedColumns.length > 0 ? [`columns of another type (${namesOf(retypedColumns)})`] : []),
  ];
}
