// Indexes of the user's own on a mirror. They are built and dropped CONCURRENTLY, so that no client waits for it: outside of a transaction.

import { DatabaseError, type Pool, type PoolClient } from "pg";
import { z } from "zod";
import { memberOf } from "../config/member.js";
import { suggestion } from "../config/suggest.js";
import { withAdvisoryLock } from "../postgres/advisory-lock.js";
import { isConnectionLost } from "../postgres/connection-lost.js";
import { hashedName, quoteName } from "../postgres/quote.js";
import { queryRows } from "../postgres/rows.js";
import type { Mirror } from "./column.js";
import { columnNames, findMirror } from "./found-mirror.js";
import { indexLock } from "./migrate.js";
import { MigrateError } from "./migrate-error.js";

/** An index over these columns, in this order, of the mirror of a resource. */
export interface LocalIndex {
  readonly api: string;
  readonly resource: string;
  readonly columns: readonly string[];
}

export interface ConcurrentWork {
  /** The longest wait for a transaction that is in the way, in which no client waits; ten minutes if absent. */
  readonly waitMs?: number | undefined;
  /** Hears the DDL right before it is run. */
  readonly begin?: (sql: string) => void;
}

/**
 * Builds a plain index: a B-tree over columns, and nothing that computes. Returns its DDL. Throws MigrateError when it can't be, or when
 * there is such an index; what was begun is taken away again.
 */
export function addLocalIndex(pool: Pool, index: LocalIndex, work: ConcurrentWork = {}): Promise<string> {
  return alone(pool, index, async (client, mirror) => {
    const { target, name, quotedName, list } = await namesOf(client, mirror, index);
    const existing = (await sameIndexes(client, mirror, index)).find(({ valid }) => valid);
    if (existing) throw new MigrateError(`${target} has an index on (${list}) already: "${existing.name}"`);
    // One that was interrupted is there, and of no use.
    const dropUnfinished = async (waitMs?: number) => {
      const same = await sameIndexes(client, mirror, index);
      const isThere = same.some((one) => one.name === name && !one.valid);
      if (isThere) await run(client, `drop index concurrently ${quotedName}`, { waitMs });
    };
    await dropUnfinished(work.waitMs).catch(
      explainFailure(`an unfinished index on (${list}) of ${target} is in the way`),
    );
    const sql = `create index concurrently ${quoteName(name)} on ${target} (${index.columns.map(quoteName).join(", ")})`;
    work.begin?.(sql);
    try {
      await run(client, sql, work);
    } catch (cause) {
      const rest = await dropUnfinished(leftoverWaitMs).then(
        () => "",
        () => `; what there is of it is of no use, and the next "throughline index" takes it away`,
      );
      return explainFailure(`the index on (${list}) of ${target} was not built`, rest)(cause);
    }
    return sql;
  });
}

/** Drops an index that `addLocalIndex` made, or began to make. Returns the DDL. Throws MigrateError when there is none, or another one. */
export function dropLocalIndex(pool: Pool, index: LocalIndex, work: ConcurrentWork = {}): Promise<string> {
  return alone(pool, index, async (client, mirror) => {
    const { target, name, quotedName, list } = await namesOf(client, mirror, index);
    const same = await sameIndexes(client, mirror, index);
    const [other] = same;
    if (!same.some((one) => one.name === name)) {
      if (other?.unique)
        throw new MigrateError(`"${other.name}" keeps the values of (${list}) in ${target} unique, and stays`);
      if (other)
        throw new MigrateError(
          `"${other.name}" on (${list}) of ${target} was not made by "throughline index": the role that made it drops it`,
        );
      const all = await indexesOf(client, mirror);
      const ours = all.filter((one) => one.name === indexName(mirror, one.columns));
      const lists = ours.map(({ columns }) => columns.join());
      throw new MigrateError(`${target} has no index on (${list}); ${suggestion(index.columns.join(), lists)}`);
    }
    const sql = `drop index concurrently ${quotedName}`;
    work.begin?.(sql);
    await run(client, sql, work).catch(explainFailure(`the index on (${list}) of ${target} was not dropped`));
    return sql;
  });
}

const patienceMs = 600_000;
/** For what is left of a failure: the person who is to hear of it waits meanwhile. */
const leftoverWaitMs = 5_000;

/** A migration beside it would have the clients wait for both, and so is refused meanwhile (`runAlone`). */
async function alone(
  pool: Pool,
  { api, resource }: LocalIndex,
  work: (client: PoolClient, mirror: Mirror) => Promise<string>,
): Promise<string> {
  const sql = await withAdvisoryLock(pool, indexLock, async (lease) => {
    // What is set for it stays on the connection.
    lease.discard();
    return work(lease.client, await findMirror(lease.client, api, resource));
  });
  if (sql !== undefined) return sql;
  throw new MigrateError('a migration or another "throughline index" is at work: try again when it has ended');
}

/** A wait of CREATE INDEX CONCURRENTLY, also for the end of another's transaction, is one for a lock. */
async function run(client: PoolClient, sql: string, { waitMs = patienceMs }: ConcurrentWork): Promise<void> {
  await client.query(`set statement_timeout = 0; set lock_timeout = ${waitMs}`);
  await client.query(sql);
}

/** Returns what throws a failure as a MigrateError, in a sentence that begins with `what`, if Postgres has spoken, and otherwise as it is. */
function explainFailure(what: string, rest = ""): (cause: unknown) => never {
  return (cause) => {
    if (!(cause instanceof DatabaseError) || isConnectionLost(cause)) throw cause;
    throw new MigrateError(`${what}: ${memberOf(reasons, cause.code ?? "") ?? cause.message}${rest}`);
  };
}

const reasons: Readonly<Record<string, string>> = {
  "55P03": "a transaction that was open when this began has not ended; try again when it has",
  "40P01": "another change of the table was under way; try again",
};

interface IndexNames {
  readonly target: string;
  readonly name: string;
  /** With its schema. */
  readonly quotedName: string;
  /** The columns, for people. */
  readonly list: string;
}

/** Throws MigrateError for a column that is not there, or is there twice. */
async function namesOf(client: PoolClient, mirror: Mirror, { columns }: LocalIndex): Promise<IndexNames> {
  const target = `${quoteName(mirror.schema)}.${quoteName(mirror.table)}`;
  const known = await columnNames(client, mirror);
  const stranger = columns.find((column) => !known.includes(column));
  if (stranger !== undefined)
    throw new MigrateError(`${target} has no column "${stranger}"; ${suggestion(stranger, known)}`);
  const twice = columns.find((column, index) => columns.indexOf(column) < index);
  if (twice !== undefined) throw new MigrateError(`an index has each column once, and "${twice}" is named twice`);
  const name = indexName(mirror, columns);
  return { target, name, quotedName: `${quoteName(mirror.schema)}.${quoteName(name)}`, list: columns.join(", ") };
}

/** The names of indexes are those of a schema, and two tables may have the same text by table and columns. */
function indexName({ table }: Mirror, columns: readonly string[]): string {
  return hashedName([table, ...columns].join("_"), JSON.stringify([table, ...columns]), 16, "_idx");
}

const indexRow = z.object({
  name: z.string(),
  unique: z.boolean(),
  /** Postgres uses it. */
  valid: z.boolean(),
  columns: z.array(z.string()),
});

type ExistingIndex = z.infer<typeof indexRow>;

async function sameIndexes(client: PoolClient, mirror: Mirror, { columns }: LocalIndex): Promise<ExistingIndex[]> {
  const all = await indexesOf(client, mirror);
  return all.filter(
    (one) => one.columns.length === columns.length && one.columns.every((name, n) => name === columns[n]),
  );
}

/** The indexes that do for a query what one of ours would. */
async function indexesOf(client: PoolClient, { relation }: Mirror): Promise<ExistingIndex[]> {
  return queryRows(
    client,
    "the indexes of a mirror",
    indexRow,
    `select c.relname::text as name, i.indisunique as unique, i.indisvalid as valid, part.columns
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
       cross join lateral (select array_agg(a.attname::text order by n) as columns,
           bool_and(o.opcdefault and i.indoption[n - 1] = 0 and i.indcollation[n - 1] = a.attcollation) as plain
         from generate_series(1, i.indnkeyatts) n join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[n - 1]
           join pg_opclass o on o.oid = i.indclass[n - 1]) part
     where i.indrelid = $1 and m.amname = 'btree' and i.indpred is null and i.indexprs is null and part.plain
     order by i.indisunique desc, c.relname`,
    [relation],
  );
}
