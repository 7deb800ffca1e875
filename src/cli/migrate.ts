// throughline migrate: create or extend schemas, mirrors, guards and grants; or take mirrors away.

import { ReadFailed } from "../manifest/read-failed.js";
import { dropMirrors } from "../mirror/drop.js";
import { migrate } from "../mirror/migrate.js";
import { type Command, UsageError } from "./command.js";
import { mendOf } from "./mend.js";
import { configOf, type Opened, open, openMirrors, wantedTables } from "./open.js";

export const migrateCommand: Command = async (options, io) => {
  const { names, flags, json } = options;
  const [dryRun, drop] = [flags["dry-run"] === true, flags["drop"] === true];
  if (drop && names.length === 0)
    throw new UsageError("migrate --drop takes the names of what to drop: API or API.TABLE");
  const opened = wantedTables(open(configOf(options)), names);
  try {
    const done = drop
      ? await dropAll(opened, dryRun)
      : await migrateAll(opened, { dryRun, allowDrop: flags["allow-drop"] === true });
    for (const sql of done) io.out(json ? JSON.stringify({ sql }) : sql.startsWith("--") ? sql : `${sql};`);
    io.err(
      done.length === 0 ? "nothing to do" : dryRun ? "dry run: nothing was changed" : `${done.length} changes made`,
    );
    return 0;
  } finally {
    await opened.pool.end();
  }
};

async function dropAll(opened: Opened, dryRun: boolean): Promise<readonly string[]> {
  const known = await openMirrors(opened);
  return dropMirrors(
    opened.pool,
    known.map(({ mirror }) => mirror),
    dryRun,
  );
}

/** Discovers every configured table and migrates its mirror. Returns the DDL. */
export async function migrateAll(
  { pool, tables, config }: Opened,
  how: { readonly dryRun: boolean; readonly allowDrop?: boolean },
): Promise<readonly string[]> {
  const mirrors = [];
  for (const { api, config: mirrored, table } of tables) {
    const columns = await table.columns().catch((cause: unknown): never => {
      if (!(cause instanceof ReadFailed)) throw cause;
      throw new ReadFailed(`${cause.message}${mendOf(cause, api)}`, cause.sqlstate);
    });
    const { resource } = table;
    mirrors.push({ api: api.name, resource, schema: api.name, table: mirrored.as, key: table.keyColumns, columns });
  }
  return migrate(pool, mirrors, config.postgres.grant, how);
}
