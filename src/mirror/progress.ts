// How far the copy of each mirror is, and how many rows it has, as people want to know it.

import type { Pool } from "pg";
import { z } from "zod";
import { quoteName } from "../postgres/quote.js";
import { queryRows } from "../postgres/rows.js";
import { type InexactColumn, loadInexact } from "./inexact.js";
import type { MissingIndex } from "./missing-index.js";

export interface MirrorProgress {
  readonly mirror: number;
  readonly api: string;
  readonly resource: string;
  readonly rows: number;
  /** False: Postgres's own estimate. */
  readonly exact: boolean;
  /** `migrated`: no pull has written a page yet; `pulling`: one has, and not its last. */
  readonly stage: "migrated" | "pulling" | "complete";
  /** Whether a pull is at it now. */
  readonly running: boolean;
  /** ISO 8601: when a pull last ended with nothing missing. */
  readonly completedAt: string | null;
  /** Rows that wait, or are closed, and are missing or older meanwhile. */
  readonly parked: number;
  /** Unique columns whose index is away. */
  readonly missingIndexes: readonly MissingIndex[];
  readonly inexact: readonly InexactColumn[];
}

/** Up to so many rows are counted, each time. */
const countedRows = 10_000;

const progressRow = z.object({
  mirror: z.number(),
  api: z.string(),
  resource: z.string(),
  schema: z.string(),
  table: z.string(),
  stage: z.enum(["migrated", "pulling", "complete"]),
  running: z.boolean(),
  completedAt: z.string().nullable(),
  parked: z.number(),
  missingIndexes: z
    .record(z.string(), z.array(z.string()))
    .transform((byColumn) => Object.entries(byColumn).map(([column, keys]): MissingIndex => ({ column, keys }))),
  /** By its last ANALYZE; -1: there was none. */
  estimate: z.number(),
  /** By what was written since the counters began. */
  live: z.number(),
});

type ProgressRow = z.output<typeof progressRow>;

const rowCount = z.object({ rows: z.number() });

/** Of every registered mirror whose table exists. */
export async function loadMirrorProgress(pool: Pool): Promise<readonly MirrorProgress[]> {
  const mirrors = await queryRows(
    pool,
    "the progress of each mirror",
    progressRow,
    `select m.id as mirror, m.api, m.resource, m.schema_name as schema, m.table_name as table,
       case when m.checkpoint is not null then 'pulling' when m.complete_at is not null then 'complete' else 'migrated' end as stage,
       exists (select from pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 2
         and l.database = (select oid from pg_database where datname = current_database())
         and l.classid::int8 = hashtext('throughline pull')::int8 & 4294967295 and l.objid::int8 = m.id) as running,
       to_char(m.complete_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "completedAt",
       (select count(*)::int from throughline.parked p where p.mirror = m.id) as parked,
       m.missing_indexes as "missingIndexes",
       c.reltuples::float8 as estimate, pg_stat_get_live_tuples(c.oid)::float8 as live
     from throughline.mirror m join pg_class c on c.oid = to_regclass(format('%I.%I', m.schema_name, m.table_name)) order by m.id`,
  );
  const progress: MirrorProgress[] = [];
  for (const { schema, table, estimate, live, ...mirror } of mirrors) {
    const inexact = await loadInexact(pool, mirror.mirror);
    progress.push({ ...mirror, ...(await rowsOf(pool, { schema, table, estimate, live })), inexact });
  }
  return progress;
}

async function rowsOf(
  pool: Pool,
  { schema, table, estimate, live }: Pick<ProgressRow, "schema" | "table" | "estimate" | "live">,
): Promise<Pick<MirrorProgress, "rows" | "exact">> {
  if (estimate > countedRows) return { rows: estimate, exact: false };
  const [count] = await queryRows(
    pool,
    "the number of rows of a mirror",
    rowCount,
    `select count(*)::int as rows from (select from ${quoteName(schema)}.${quoteName(table)} limit $1) counted`,
    [countedRows + 1],
  );
  const rows = count?.rows ?? 0;
  return rows <= countedRows ? { rows, exact: true } : { rows: Math.max(rows, live), exact: false };
}
