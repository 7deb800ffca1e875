// Brings the mirrors of the configured tables up to date with their APIs, or takes them away.

import { ReadFailed } from "../manifest/read-failed.js";
import { dropMirrors } from "../mirror/drop.js";
import { type MirrorToMigrate, migrate } from "../mirror/migrate.js";
import { unknownTypeWords } from "../upstream/discover.js";
import { asAdmin, type Opened, openMirrors } from "./open.js";
import { remedyFor } from "./remedy.js";

/** Discovers every configured table and migrates its mirror. Returns the DDL that changed something. Throws ReadFailed. */
export async function migrateAll(
  opened: Opened,
  how: { readonly dryRun: boolean; readonly allowDrop?: boolean },
): Promise<readonly string[]> {
  const { tables, config } = opened;
  const { grant } = config.postgres;
  // Whoever describes columns may ask for a token, and a token that is good for a single use needs its place first.
  const needsPlace = !how.dryRun && tables.some(({ table }) => table.account.tokens?.isStored);
  const first = needsPlace ? await asAdmin(opened, (admin) => migrate(admin, [], grant, how)) : [];
  const mirrors: MirrorToMigrate[] = [];
  for (const { api, config: tableConfig, table } of tables) {
    const columns = await table.columns().catch((cause: unknown): never => {
      if (!(cause instanceof ReadFailed)) throw cause;
      throw new ReadFailed(`${cause.message}${remedyFor(cause, api)}`, cause.sqlstate);
    });
    const { resource } = table;
    for (const says of unknownTypeWords(columns)) opened.log.warn({ table: `${api.name}.${resource}` }, says);
    mirrors.push({ api: api.name, resource, schema: api.name, table: tableConfig.as, key: table.keyColumns, columns });
  }
  return [...first, ...(await asAdmin(opened, (admin) => migrate(admin, mirrors, grant, how)))];
}

/** Takes away the mirrors of all opened tables. Returns the DDL. */
export async function dropAll(opened: Opened, dryRun: boolean): Promise<readonly string[]> {
  const mirrors = await openMirrors(opened);
  return asAdmin(opened, ({ pool }) =>
    dropMirrors(
      pool,
      mirrors.map(({ mirror }) => mirror),
      dryRun,
    ),
  );
}
