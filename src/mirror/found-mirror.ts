// The mirror that a person names to change it, as it is in the database.

import type { PoolClient } from "pg";
import { queryTexts } from "../postgres/rows.js";
import { loadMirrors } from "./catalogue.js";
import type { Mirror } from "./column.js";
import { MigrateError } from "./migrate-error.js";
import { requireMember } from "./roles.js";
import { requireSchema } from "./schema.js";

/** Returns the mirror of that resource. Throws MigrateError when there is none yet, or this login may not change it, and WrongSchema when this program did not install the schema. */
export async function findMirror(client: PoolClient, api: string, resource: string): Promise<Mirror> {
  // The guard has to fit the functions that it calls.
  await requireSchema(client);
  await requireMember(client);
  const mirrors = await loadMirrors(client);
  const mirror = mirrors.find((one) => one.api === api && one.resource === resource);
  if (!mirror) throw new MigrateError(`${api}.${resource} has no mirror yet: run "throughline migrate"`);
  return mirror;
}

/** Returns the names of all columns of its table, the local ones too, in their order. */
export function columnNames(client: PoolClient, { relation }: Mirror): Promise<readonly string[]> {
  return queryTexts(
    client,
    "the columns of a mirror",
    "select attname from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped order by attnum",
    [relation],
  );
}
