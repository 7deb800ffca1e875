// What is parked of a mirror: it is written when what it waits for has ended, and read again where the mirror has something newer.

import type { Pool } from "pg";
import { z } from "zod";
import { isTurnTaken } from "../mirror/turn.js";
import { withConfined } from "../postgres/confined.js";
import { withLease } from "../postgres/connection.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import { type Reader, refreshRows } from "./sweep.js";

export interface ParkedCount {
  /** Null: they wait for an open write or a lock, or are read again. Otherwise why Postgres refuses them. */
  readonly sqlstate: string | null;
  readonly count: number;
}

const parkedCount = z.object({ sqlstate: z.string().nullable(), count: z.number() });

/** What is parked of a mirror, counted by why. */
export function countParked(pool: Reader["lease"]["client"], mirror: number): Promise<readonly ParkedCount[]> {
  return queryRows(
    pool,
    "what is parked of a mirror",
    parkedCount,
    "select sqlstate, count(*)::int as count from throughline.parked where mirror = $1 group by sqlstate order by sqlstate nulls first",
    [mirror],
  );
}

/** Writes what waits for nothing any more, and reads again what the mirror has newer; with `refused`, also what Postgres refused. Throws ReadFailed. */
export async function tendParked(
  reader: Reader,
  { mirror, table }: MirroredTable,
  { refused = false }: { readonly refused?: boolean } = {},
): Promise<void> {
  await withConfined(reader.pool, (client) => client.query("select throughline.release($1)", [mirror.id]));
  const keys = await queryTexts(
    reader.lease.client,
    "the parked rows to read again",
    "select key from throughline.parked where mirror = $1 and entry is null and (sqlstate is null or $2) order by key",
    [mirror.id, refused],
  );
  await refreshRows(reader, mirror, table, keys);
}

const waitingMirror = z.object({ mirror: z.number() });

/** Tends the mirrors in which something waits, but for what Postgres refused. Throws what the first of them fails with, when all have been tried. */
export async function tendAllParked(
  pool: Pool,
  background: Pool,
  mirrors: () => Promise<readonly MirroredTable[]>,
): Promise<void> {
  const waiting = await queryRows(
    background,
    "the mirrors in which something is parked",
    waitingMirror,
    "select distinct mirror from throughline.parked where sqlstate is null",
  );
  if (waiting.length === 0) return;
  const failures: unknown[] = [];
  for (const known of await mirrors()) {
    if (!waiting.some(({ mirror }) => mirror === known.mirror.id)) continue;
    await withLease(background, (lease) => tendParked({ pool, lease }, known)).catch((cause: unknown) => {
      // Another reader takes its time: the next round comes soon.
      if (!isTurnTaken(cause)) failures.push(cause);
    });
  }
  if (failures.length > 0) throw failures[0];
}
