// Copies the configured tables once, several at a time; an interrupted copy goes on where it stopped.

import { Explained } from "../config/explained.js";
import { loadMirrors } from "../mirror/catalogue.js";
import { loadClosedRows } from "../mirror/closed-rows.js";
import type { Mirror } from "../mirror/column.js";
import { loadInexact } from "../mirror/inexact.js";
import { missingIndexesOf } from "../mirror/missing-index.js";
import { ConnectionLost } from "../postgres/connection-lost.js";
import { backfill } from "../sync/backfill.js";
import { tendIndexes } from "./missing-indexes.js";
import { type Opened, openMirrors } from "./open.js";
import type { PulledTable } from "./pulled-table.js";
import { remedyFor } from "./remedy.js";

export interface PullOptions {
  /** How many tables are copied at the same time; 4 if absent. The rate budget of their API is one all the same. */
  readonly workers?: number | undefined;
  /** Begin at the first page even where an earlier copy can go on, and look up each record that is no longer listed. */
  readonly full?: boolean | undefined;
  /** Aborted: each copy stops after the page that is under way, and no further one begins. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each page, with the rows of that table so far. */
  progress?(table: string, rows: number): void;
  /** Called when the API has forgotten the place where a table's copy was to go on, so that it begins anew; `reason` has the API's words. */
  startsAnew?(table: string, reason: string): void;
  /** Called as soon as a table's copy has ended. */
  ended?(table: PulledTable): void;
}

/** How many closed rows are told of. */
const mostClosed = 3;

type Copied = Extract<PulledTable, { kind: "copied" }>;

/** In what a mirror is not what upstream has now, and why. */
async function shortcomingsOf(
  { pool }: Opened,
  { id }: Mirror,
): Promise<Pick<Copied, "closed" | "missingIndexes" | "inexact">> {
  const closed = await loadClosedRows(pool, mostClosed, id);
  const mirror = (await loadMirrors(pool)).find((one) => one.id === id);
  return {
    closed: closed.map(({ key, sqlstate, columns, reason }) => ({ key, sqlstate, columns, reason })),
    missingIndexes: mirror ? missingIndexesOf(mirror) : [],
    inexact: await loadInexact(pool, id),
  };
}

/** Copies every opened table. Returns how each ended, in the order in which they did. Throws only for a fault of ours. */
export async function pullAll(opened: Opened, options: PullOptions = {}): Promise<readonly PulledTable[]> {
  const { workers = 4, full = false, signal, progress, startsAnew, ended: onEnd } = options;
  const results: PulledTable[] = [];
  const end = (table: PulledTable) => {
    results.push(table);
    onEnd?.(table);
  };
  const queue = [...(await openMirrors(opened))];
  for (const { api, table } of opened.tables) {
    if (!queue.some(({ mirror }) => mirror.api === api.name && mirror.resource === table.resource)) {
      const reason = 'is not migrated: run "throughline migrate"';
      end({ kind: "failed", table: `${api.name}.${table.resource}`, reason });
    }
  }
  const work = async () => {
    for (let next = queue.shift(); next && !signal?.aborted; next = queue.shift()) {
      const { mirror, table: source } = next;
      const table = `${mirror.api}.${mirror.resource}`;
      try {
        const result = await backfill(opened.pool, mirror, source, {
          full,
          ...(signal && { signal }),
          progress: (rows) => progress?.(table, rows),
          startsAnew: (reason) => startsAnew?.(table, reason),
        });
        const { isInterrupted, ...counts } = result;
        if (isInterrupted) end({ kind: "interrupted", table });
        else end({ kind: "copied", table, ...counts, ...(await shortcomingsOf(opened, mirror)) });
      } catch (cause) {
        if (!(cause instanceof Explained)) throw cause;
        const remedy =
          cause instanceof ConnectionLost
            ? ': run "throughline pull" again, it goes on where it stopped'
            : remedyFor(cause, { name: mirror.api, values: source.account.config });
        end({ kind: "failed", table, reason: `${cause.message}${remedy}` });
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  if (results.some(({ kind }) => kind === "copied"))
    // The copies are whole; the next pull or a proxy tries again.
    await tendIndexes(opened, opened.pool).catch((err: unknown) =>
      opened.log.warn({ err }, "it could not be looked whether a unique index can come back"),
    );
  return results;
}
