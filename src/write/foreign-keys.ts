// A value that names a record of another table of its API has to be that of one there is: in its mirror, or, if that is behind, upstream.

import type { Pool } from "pg";
import { memberOf } from "../config/member.js";
import { storedAs } from "../manifest/column-types.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { Mirror } from "../mirror/column.js";
import { amongKeysSql, keySql } from "../mirror/key.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import { quoteName } from "../postgres/quote.js";
import { queryTexts } from "../postgres/rows.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import { missingReference } from "./errors/value-errors.js";
import type { RowToSend } from "./plan.js";

/** What can't be asked is left to the API. */
export async function refuseMissingReferences(
  pool: Pool,
  mirrors: readonly MirroredTable[],
  mirror: Mirror,
  rows: readonly RowToSend[],
): Promise<SqlError | undefined> {
  for (const column of mirror.columns) {
    const target = mirrors.find(
      ({ mirror: { api, resource } }) => api === mirror.api && resource === column.references,
    );
    // An empty text is no reference.
    const values = [...new Set(rows.flatMap(({ values }) => memberOf(values, column.name) || []))];
    if (target?.mirror.key.length !== 1 || values.length === 0) continue;
    if (!(await someMissing(pool, target, values))) continue;
    return missingReference(mirror, column, target.mirror);
  }
  return undefined;
}

async function someMissing(pool: Pool, target: MirroredTable, values: readonly string[]): Promise<boolean> {
  const type = target.mirror.key[0]?.type ?? "text";
  const keys = values.flatMap((value) => storedAs(type, value) ?? []);
  // What can't be a key is none.
  if (keys.length < values.length) return true;
  return (await missingUpstream(target, await missingHere(pool, target.mirror, keys))).length > 0;
}

async function missingHere(pool: Pool, { schema, table, key }: Mirror, values: readonly string[]): Promise<string[]> {
  const found = await queryTexts(
    pool,
    "the keys that a foreign key names",
    `select ${keySql(key, "t")} from ${quoteName(schema)}.${quoteName(table)} t where ${amongKeysSql(key, "t", "$1::text[]")}`,
    [values],
  );
  const here = new Set(found);
  return values.filter((value) => !here.has(value));
}

async function missingUpstream({ mirror, table }: MirroredTable, keys: readonly string[]): Promise<readonly string[]> {
  if (keys.length === 0) return [];
  try {
    const there = new Set((await table.getNow(mirror.columns, keys)).map(({ key }) => key));
    return keys.filter((key) => !there.has(key));
  } catch (cause) {
    if (cause instanceof ReadFailed) return [];
    throw cause;
  }
}
