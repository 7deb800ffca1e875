// Rows of a mirror that have one value in a column that the API calls unique.

import type { PoolClient } from "pg";
import { z } from "zod";
import { quoteName } from "../postgres/quote.js";
import { queryRows } from "../postgres/rows.js";
import type { Mirror } from "./column.js";
import { amongKeysSql, keySql } from "./key.js";

const sharedRow = z.object({ keys: z.array(z.string()) });

/** Returns the keys of two rows that have one value in a column, among those of `keys` or all; undefined when there are none. */
export async function findShared(
  client: PoolClient,
  { schema, table, key }: Pick<Mirror, "schema" | "table" | "key">,
  column: string,
  keys?: readonly string[],
): Promise<readonly string[] | undefined> {
  const name = quoteName(column);
  const some = keys === undefined ? "" : `and ${amongKeysSql(key, "t", "$1::text[]")}`;
  const [row] = await queryRows(
    client,
    "the rows that share a value",
    sharedRow,
    `select (array_agg(${keySql(key, "t")} order by ${keySql(key, "t")}))[1:2] as keys from ${quoteName(schema)}.${quoteName(table)} t
     where t.${name} is not null ${some} group by t.${name} having count(*) > 1 limit 1`,
    keys === undefined ? [] : [keys],
  );
  return row?.keys;
}
