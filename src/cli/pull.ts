// throughline pull: copy everything once; what was interrupted goes on where it stopped.

import { open, wantedTables } from "../app/open.js";
import { pullAll } from "../app/pull.js";
import type { PulledTable } from "../app/pulled-table.js";
import { UsageError } from "../app/usage-error.js";
import { assertNever } from "../config/assert-never.js";
import { whyClosed } from "../mirror/closed-rows.js";
import { missingIndexWords } from "../mirror/missing-index.js";
import { requireSchema } from "../mirror/schema.js";
import type { ParkedCount } from "../sync/parked.js";
import { type Command, type Io, interruptionSignal, numberFlag } from "./command.js";
import { configOf } from "./config-of.js";
import { inexactList } from "./inexact-words.js";
import { PullProgress } from "./progress.js";

export const pullCommand: Command = async (options, io) => {
  const workers = numberFlag(options, "workers", 4);
  if (workers === 0) throw new UsageError("--workers takes a number from 1");
  const instance = wantedTables(open(configOf(options)), options.names);
  const signal = interruptionSignal();
  const progress = new PullProgress(io);
  try {
    await requireSchema(instance.pool);
    const results = await pullAll(instance, {
      workers,
      full: options.flags["full"] === true,
      signal,
      progress: (table, rows) => progress.at(table, rows),
      startsAnew: (table, reason) => {
        progress.clear();
        io.err(`${table}: the place where the copy was to go on is forgotten, and it begins anew (${reason})`);
      },
      ended: (table) => {
        progress.ends(table.table);
        tell(io, options.json, table);
      },
    });
    progress.clear();
    if (!signal.aborted) return results.some(({ kind }) => kind === "failed") ? 1 : 0;
    io.err('interrupted; "throughline pull" goes on where this one stopped');
    return 130;
  } finally {
    await instance.pool.end();
  }
};

function tell(io: Io, json: boolean, result: PulledTable): void {
  const { kind, table } = result;
  switch (kind) {
    case "interrupted":
      return;
    case "failed":
      io.err(`${table}: ${result.reason}`);
      return;
    case "copied": {
      const { kind: _, ...counts } = result;
      io.out(json ? JSON.stringify(counts) : copiedWords(result));
      return;
    }
    default:
      assertNever(kind);
  }
}

function copiedWords(result: Extract<PulledTable, { kind: "copied" }>): string {
  const { table, rows, deleted, withheld, parked, closed, missingIndexes, inexact } = result;
  const withheldWords = `, ${withheld} not listed any more, and left for they are more than half: "throughline pull --full" asks for each`;
  const missingWords = (deleted === 0 ? "" : `, ${deleted} deleted upstream`) + (withheld === 0 ? "" : withheldWords);
  const refusals = [
    ...missingIndexes.map(missingIndexWords),
    ...closed.map((row) => `${row.key} is closed, ${whyClosed(row)}`),
    ...inexactList(inexact),
  ];
  return `${table}: ${rows} rows${missingWords}${parked.map(parkedWords).join("")}${refusals.map((words) => `, ${words}`).join("")}`;
}

function parkedWords({ sqlstate, count }: ParkedCount): string {
  return sqlstate === null ? `, ${count} parked behind open writes` : `, ${count} refused by Postgres (${sqlstate})`;
}
