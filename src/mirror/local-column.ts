// Local columns: the user's own on a mirror, of which upstream knows nothing. The guard has them compiled in, so it changes with them.

import type { PoolClient } from "pg";
import { isLongName, longestName } from "../config/name-length.js";
import { suggestion } from "../config/suggest.js";
import { quoteName } from "../postgres/quote.js";
import type { Mirror } from "./column.js";
import { columnNames, findMirror } from "./found-mirror.js";
import { localType } from "./local-type.js";
import { qualifyTypesSql, runAlone } from "./migrate.js";
import { MigrateError } from "./migrate-error.js";
import { putGuard } from "./put-guard.js";
import { type Admin, serverOf } from "./roles.js";

/** Which column, of the mirror of which resource. */
export interface LocalColumn {
  readonly api: string;
  readonly resource: string;
  readonly name: string;
}

/** Returns the DDL that was run. Throws MigrateError. */
export async function addLocalColumn(admin: Admin, column: LocalColumn, type: string): Promise<string> {
  const { name } = column;
  return alter(admin, column, async (client, mirror, target, local) => {
    if (local.includes(name)) throw new MigrateError(`${target} has a column "${name}" already, a local one`);
    if (name === "" || isLongName(name))
      throw new MigrateError(`the name of a column has 1 to ${longestName} bytes, not ${Buffer.byteLength(name)}`);
    refuseMirrorColumn(mirror, name, "choose another name for a local column");
    return `alter table ${target} add column ${quoteName(name)} ${await localType(client, type)}`;
  });
}

/** The same. */
export async function dropLocalColumn(admin: Admin, column: LocalColumn): Promise<string> {
  const { name } = column;
  return alter(admin, column, async (_, mirror, target, local) => {
    refuseMirrorColumn(mirror, name, `"columns" of the table in the config says which columns are mirrored`);
    if (!local.includes(name))
      throw new MigrateError(`${target} has no local column "${name}"; ${suggestion(name, local)}`);
    return `alter table ${target} drop column ${quoteName(name)}`;
  });
}

function refuseMirrorColumn({ api, resource, columns }: Mirror, name: string, hint: string): void {
  const mirrorColumn = columns.find((column) => column.name === name);
  if (!mirrorColumn) return;
  const upstream = mirrorColumn.upstream === name ? "" : `, there "${mirrorColumn.upstream}"`;
  throw new MigrateError(`"${name}" of ${api}.${resource} is a column of the API's${upstream}: ${hint}`);
}

type Decide = (client: PoolClient, mirror: Mirror, target: string, local: readonly string[]) => Promise<string>;

async function alter({ pool, login }: Admin, { api, resource }: LocalColumn, decide: Decide): Promise<string> {
  const inUse = `${api}.${resource} is in use by another transaction: nothing was changed, try again`;
  return runAlone(pool, { inUse }, async (client) => {
    const mirror = await findMirror(client, api, resource);
    const target = `${quoteName(mirror.schema)}.${quoteName(mirror.table)}`;
    const sql = await decide(client, mirror, target, await localColumns(client, mirror));
    await client.query(sql);
    await client.query(qualifyTypesSql);
    const key = mirror.key.map(({ name }) => name);
    await putGuard(client, { ...mirror, key }, await serverOf(client, login));
    return sql;
  });
}

async function localColumns(client: PoolClient, mirror: Mirror): Promise<readonly string[]> {
  const mirrorNames = new Set(mirror.columns.map(({ name }) => name));
  const names = await columnNames(client, mirror);
  return names.filter((name) => !mirrorNames.has(name));
}
