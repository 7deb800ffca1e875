// throughline status: how each configured table stands, in a line; with --watch again and again.

import { setTimeout as delay } from "node:timers/promises";
import { type Opened, open, wantedTables } from "../app/open.js";
import { type LastFailure, loadSummaries, type OpenEntries } from "../journal/summary.js";
import { type ClosedRow, loadClosedRows, whyClosed } from "../mirror/closed-rows.js";
import type { InexactColumn } from "../mirror/inexact.js";
import { type MissingIndex, missingIndexWords } from "../mirror/missing-index.js";
import { loadMirrorProgress } from "../mirror/progress.js";
import { requireSchema, schemaVersion } from "../mirror/schema.js";
import { awaitInterruption, type Command, type Io } from "./command.js";
import { configOf } from "./config-of.js";
import { inexactList } from "./inexact-words.js";

/** How many closed rows of a table are shown. */
const mostClosed = 3;
const everyMs = 2_000;
const clearScreen = "\x1b[H\x1b[2J";

/** One table; with --json just as it is. */
interface TableStatus {
  readonly table: string;
  readonly stage: "not migrated" | "migrated" | "pulling" | "complete";
  /** Whether a pull is at it now. */
  readonly running: boolean;
  readonly rows: number | null;
  /** Whether the rows were counted; otherwise Postgres's estimate. */
  readonly exact: boolean;
  readonly completedAt: string | null;
  readonly parked: number;
  /** Unique columns whose index is away. */
  readonly missingIndexes: readonly MissingIndex[];
  /** Rows that Postgres refuses: the first of them, and how many there are. */
  readonly closed: readonly Omit<ClosedRow, "mirror">[];
  readonly closedCount: number;
  readonly inexact: readonly InexactColumn[];
  readonly open: readonly OpenEntries[];
  readonly lastFailure: LastFailure | null;
}

export const statusCommand: Command = async (options, io) => {
  const instance = wantedTables(
    open(configOf(options)),
    options.names,
    (word) => `the config has no API or table "${word}"`,
  );
  try {
    const watching = options.flags["watch"] === true;
    const stop = new AbortController();
    const interruption = watching ? awaitInterruption().then(() => stop.abort()) : undefined;
    do {
      const tables = await statusOf(instance);
      if (watching && !options.json && process.stdout.isTTY) process.stdout.write(clearScreen);
      show(tables, options.json, io);
    } while (interruption && (await isAgain(stop.signal)));
    return 0;
  } finally {
    await instance.pool.end();
  }
};

async function isAgain(signal: AbortSignal): Promise<boolean> {
  await delay(everyMs, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

async function statusOf({ pool, tables }: Opened): Promise<readonly TableStatus[]> {
  const isInstalled = (await schemaVersion(pool)) !== undefined;
  if (isInstalled) await requireSchema(pool);
  const mirrors = isInstalled ? await loadMirrorProgress(pool) : [];
  const standings = isInstalled ? await loadSummaries(pool) : [];
  const closedRows = isInstalled ? await loadClosedRows(pool, mostClosed) : [];
  return tables.map(({ api: { name: api }, table: { resource } }): TableStatus => {
    const table = `${api}.${resource}`;
    const progress = mirrors.find((one) => one.api === api && one.resource === resource);
    if (!progress) return { table, ...notMigrated };
    const { mirror, api: _api, resource: _resource, ...standing } = progress;
    const { open: entries = [], lastFailure = null } = standings.find((one) => one.mirror === mirror) ?? {};
    const mine = closedRows.filter((row) => row.mirror === mirror);
    const closed = mine.map(({ mirror: _mirror, count: _count, ...row }) => row);
    return { table, ...standing, closed, closedCount: mine[0]?.count ?? 0, open: entries, lastFailure };
  });
}

const notMigrated = {
  stage: "not migrated",
  running: false,
  rows: null,
  exact: true,
  completedAt: null,
  parked: 0,
  missingIndexes: [],
  closed: [],
  closedCount: 0,
  inexact: [],
  open: [],
  lastFailure: null,
} as const;

function show(tables: readonly TableStatus[], json: boolean, io: Io): void {
  const lines = json ? tables.map((table) => JSON.stringify(table)) : alignColumns(tables.map(cells));
  for (const line of lines) io.out(line);
}

function cells(of: TableStatus): readonly string[] {
  const {
    table,
    stage,
    running,
    rows,
    exact,
    completedAt,
    parked,
    closedCount,
    inexact,
    open: entries,
    lastFailure,
  } = of;
  const notes = [
    parked > closedCount ? `${parked - closedCount} parked` : "",
    ...of.missingIndexes.map(missingIndexWords),
    closedWords(of),
    ...inexactList(inexact),
    ...entries.map(({ state, count, oldestSeconds }) => `${count} ${state} (oldest ${age(oldestSeconds)})`),
    lastFailure ? `last ${lastFailure.state} ${[lastFailure.sqlstate ?? "", lastFailure.at].join(" ").trim()}` : "",
  ];
  // A copy that nobody is at any more says what to do.
  const pull = stage === "complete" || stage === "not migrated" || running ? "" : ': run "throughline pull"';
  const migrate = stage === "not migrated" ? ': run "throughline migrate"' : "";
  const stageWords = `${stage === "pulling" && !running ? "pull stopped" : stage}${migrate}${pull}`;
  const rowWords = rows === null ? "-" : `${exact ? "" : "~"}${rows} rows`;
  return [
    table,
    rowWords,
    completedAt === null ? stageWords : `${stageWords} ${completedAt}`,
    notes.filter(Boolean).join(", "),
  ];
}

function closedWords({ closed, closedCount }: Pick<TableStatus, "closed" | "closedCount">): string {
  if (closedCount === 0) return "";
  const rows = closed.map((row) => `${row.key}, ${whyClosed(row)}`).join("; ");
  return `${closedCount} closed: ${rows}${closedCount > closed.length ? "; …" : ""}`;
}

/** In columns, as wide as they have to be. */
function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(width(column)))
      .join("  ")
      .trimEnd(),
  );
}

/** In the largest unit of which it has one. */
function age(seconds: number): string {
  const units = [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
  ] as const;
  const [unit, size] = units.find(([, least]) => seconds >= least) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}
