// throughline migrate: create or extend schemas, mirrors, guards and grants.

import { migrate } from "../mirror/migrate.js";
import type { Command } from "./command.js";
import { type Opened, open, readConfig } from "./open.js";

export const migrateCommand: Command = async (options, io) => {
  const opened = open(readConfig(options.config));
  try {
    const dryRun = options.flags["dry-run"] === true;
    const done = await migrateAll(opened, dryRun);
    for (const sql of done) io.out(options.json ? JSON.stringify({ sql }) : `${sql};`);
    io.err(
      done.length === 0 ? "nothing to do" : dryRun ? "dry run: nothing was changed" : `${done.length} changes made`,
    );
    return 0;
  } finally {
    await opened.pool.end();
  }
};

/** Discovers every configured table and migrates its mirror. Returns the DDL. */
export async function migrateAll({ pool, tables, config }: Opened, dryRun: boolean): Promise<readonly string[]> {
  const mirrors = [];
  for (const { api, config: mirrored, table } of tables) {
    const columns = await table.columns();
    const { resource } = table;
    mirrors.push({ api: api.name, resource, schema: api.name, table: mirrored.as, key: table.keyColumns, columns });
  }
  return migrate(pool, mirrors, config.postgres.grant, dryRun);
}
