// The schema "throughline" of a database: its version, and whether this program can work with it.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { Explained } from "../config/explained.js";
import { queryRows } from "../postgres/rows.js";

/** The version of the installed SQL and of the guards; raised with every change of them. */
export const installedVersion = 7;

/** The schema is missing, or is another program's. */
class WrongSchema extends Explained {}

const versionRow = z.object({ version: z.number() });

/** Undefined: the schema is not there. */
export async function schemaVersion(client: Pool | PoolClient): Promise<number | undefined> {
  const result = await client.query("select where to_regclass('throughline.version') is not null");
  if (result.rowCount === 0) return undefined;
  const sql = "select version from throughline.version";
  const [row] = await queryRows(client, "the version of the schema", versionRow, sql);
  return row?.version;
}

/** What is wrong with a schema of this version, and what to do; undefined: nothing. */
export function wrongSchema(version: number | undefined): string | undefined {
  if (version === installedVersion) return undefined;
  if (version === undefined) return 'schema "throughline" is missing: run "throughline migrate"';
  const newer = version > installedVersion;
  const mend = newer ? "this program is older: install the version that migrated it" : 'run "throughline migrate"';
  return `schema "throughline" has version ${version}, not ${installedVersion}: ${mend}`;
}

/** Throws WrongSchema for one that this program can't work with. */
export async function requireSchema(client: Pool | PoolClient): Promise<void> {
  const wrong = wrongSchema(await schemaVersion(client));
  if (wrong !== undefined) throw new WrongSchema(wrong);
}
