// What is parked of a mirror: it is written when what it waits for has ended, and read again where the mirror has something newer.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { together } from "../journal/reconcile.js";
import type { Mirror } from "../mirror/column.js";
import { hasKeySql } from "../mirror/key.js";
import { isTurnTaken } from "../mirror/turn.js";
import { withConfined } from "../postgres/confined.js";
import { withLease } from "../postgres/connection.js";
import { quoteName } from "../postgres/quote.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { forEachApi, type MirroredTable } from "../upstream/mirrored-table.js";
import { type Reader, refreshRows } from "./sweep.js";

const parkedCount = z.object({
  /** Null: they wait for an open write or a lock, or are read again. Otherwise why Postgres refuses them. */
  sqlstate: z.string().nullable(),
  count: z.number(),
});

export type ParkedCount = Readonly<z.infer<typeof parkedCount>>;

/** What is missing in a mirror, counted by why. A row that is there, and that a call writes again and again, is not. */
export function countMissing(client: PoolClient, { id, key, schema, table }: Mirror): Promise<readonly ParkedCount[]> {
  return queryRows(
    client,
    "what is missing in a mirror",
    parkedCount,
    `select sqlstate, count(*)::int as count from throughline.parked p where mirror = $1 and (sqlstate is not null or not exists (
       select from ${quoteName(schema)}.${quoteName(table)} t where ${hasKeySql(key, "t", "p.key")}))
     group by sqlstate order by sqlstate nulls first`,
    [id],
  );
}

const released = z.object({ pages: z.number() });

/** Writes what waits for nothing any more. */
async function release(pool: Pool, mirror: number): Promise<void> {
  for (;;) {
    const sql = "select throughline.release($1) as pages";
    const [row] = await withConfined(pool, (client) => queryRows(client, "what is released", released, sql, [mirror]));
    if (!row || row.pages === 0) return;
  }
}

/** Writes what waits for nothing any more, and reads again what the mirror has newer; with `refused`, also what Postgres refused. Throws ReadFailed. */
export async function tendParked(
  reader: Reader,
  known: MirroredTable,
  { refused = false }: { readonly refused?: boolean } = {},
): Promise<void> {
  await release(reader.pool, known.mirror.id);
  let read: readonly string[] = [];
  for (let round = 1; round <= mostRounds; round += 1) {
    const keys = await keysToRead(reader.lease.client, known.mirror, refused && round === 1);
    if (keys.every((key) => read.includes(key))) return;
    await readAgain(reader, known, keys);
    read = keys;
  }
}

/** A row whose unique value another one holds is read once more together with that one, which has been parked for it. */
const mostRounds = 3;

function keysToRead(client: PoolClient, { id }: Mirror, refused: boolean): Promise<readonly string[]> {
  return queryTexts(
    client,
    "the parked rows to read again",
    "select key from throughline.parked where mirror = $1 and entry is null and (sqlstate is null or $2) order by key",
    [id, refused],
  );
}

/** A row that upstream refuses to tell of stays parked, and keeps no other waiting. */
async function readAgain(reader: Reader, { mirror, table }: MirroredTable, keys: readonly string[]): Promise<void> {
  // A row that takes its value back from the one that took it would do so for ever.
  const read = (some: readonly string[]) => refreshRows(reader, mirror, table, some, { givesWay: true });
  // One after the other: a reader has one turn.
  await together(keys, read, 1);
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
  const due = (await mirrors()).filter(({ mirror: { id } }) => waiting.some(({ mirror }) => mirror === id));
  // What needs no request waits for no API.
  for (const { mirror } of due) await release(pool, mirror.id);
  const failures: unknown[] = [];
  await forEachApi(due, async (tables) => {
    for (const known of tables)
      await withLease(background, (lease) => tendParked({ pool, lease }, known)).catch((cause: unknown) => {
        // Another reader takes its time: the next round comes soon.
        if (!isTurnTaken(cause)) failures.push(cause);
      });
  });
  if (failures.length > 0) throw failures[0];
}
