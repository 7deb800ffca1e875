// The unique index of a mirror column: what it is called, and which there are. One is known by what it is over, not by its name.

import type { PoolClient } from "pg";
import { z } from "zod";
import { isLongName } from "../config/name-length.js";
import { hashedName, quoteName } from "../postgres/quote.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import type { MirrorColumn } from "./column.js";

/** A mirror table, as SQL names it. */
export interface IndexedTable {
  readonly schema: string;
  readonly table: string;
}

/** Returns what the index is called where that name is free, which is also the constraint that an error names. */
export function uniqueIndexName({ table }: Pick<IndexedTable, "table">, { name }: Pick<MirrorColumn, "name">): string {
  const plain = `${table}_${name}_key`;
  return isLongName(plain) ? hashedIndexName(table, name) : plain;
}

/** Two tables may have the same text by table and column, and Postgres would cut a long one. */
function hashedIndexName(table: string, column: string): string {
  return hashedName(`${table}_${column}`, JSON.stringify([table, column]), 16, "_key");
}

/** Returns the SQL that builds the index of a column, under a name that nothing else of its schema has. */
export async function uniqueIndexSql(
  client: PoolClient,
  { schema, table }: IndexedTable,
  column: Pick<MirrorColumn, "name">,
  how: "concurrently" | "at once" = "at once",
): Promise<string> {
  const name = uniqueIndexName({ table }, column);
  const sql = "select relname from pg_class where relnamespace = to_regnamespace($1) and relname = $2";
  const taken = await queryTexts(client, "the relation of a name", sql, [quoteName(schema), name]);
  const free = taken.length === 0 ? name : hashedIndexName(table, column.name);
  const kind = how === "concurrently" ? "create unique index concurrently" : "create unique index";
  return `${kind} ${quoteName(free)} on ${quoteName(schema)}.${quoteName(table)} (${quoteName(column.name)})`;
}

const uniqueIndex = z.object({
  column: z.string(),
  name: z.string(),
  /** Whether it keeps values unique: one that was interrupted while it was built does not. */
  valid: z.boolean(),
  /** Whether it goes by a name that we give. */
  isOurs: z.boolean(),
});

export type UniqueIndex = Readonly<z.infer<typeof uniqueIndex>>;

/** Returns the unique indexes over one column of a table each, but for its primary key. An ON CONFLICT can name their columns. */
export async function findUniqueIndexes(
  client: PoolClient,
  { schema, table }: IndexedTable,
): Promise<readonly UniqueIndex[]> {
  const indexes = await queryRows(
    client,
    "the unique indexes of a mirror",
    uniqueIndex.omit({ isOurs: true }),
    `select a.attname::text as column, c.relname::text as name, i.indisvalid as valid
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = format('%I.%I', $1::text, $2::text)::regclass and i.indisunique and not i.indisprimary and i.indimmediate
       and i.indnkeyatts = 1 and i.indpred is null and i.indexprs is null order by i.indisvalid desc, c.relname`,
    [schema, table],
  );
  return indexes.map((index) => ({ ...index, isOurs: isOurName(table, index) }));
}

function isOurName(table: string, { column, name }: Pick<UniqueIndex, "column" | "name">): boolean {
  // Earlier versions let Postgres cut the name.
  const plain = `${table}_${column}_key`;
  return name === plain || name === hashedIndexName(table, column) || (isLongName(plain) && plain.startsWith(name));
}
