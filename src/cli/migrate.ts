// throughline migrate: create or extend schemas, mirrors, guards and grants; or take mirrors away.

import { dropAll, migrateAll } from "../app/migrate.js";
import { open, wantedTables } from "../app/open.js";
import { UsageError } from "../app/usage-error.js";
import type { Command } from "./command.js";
import { configOf } from "./config-of.js";

export const migrateCommand: Command = async (options, io) => {
  const { names, flags, json } = options;
  const [dryRun, drop] = [flags["dry-run"] === true, flags["drop"] === true];
  if (drop && names.length === 0)
    throw new UsageError("migrate --drop takes the names of what to drop: API or API.TABLE");
  const instance = wantedTables(open(configOf(options)), names);
  try {
    const statements = drop
      ? await dropAll(instance, dryRun)
      : await migrateAll(instance, { dryRun, allowDrop: flags["allow-drop"] === true });
    for (const sql of statements) io.out(json ? JSON.stringify({ sql }) : sql.startsWith("--") ? sql : `${sql};`);
    io.err(
      statements.length === 0
        ? "nothing to do"
        : dryRun
          ? "dry run: nothing was changed"
          : `${statements.length} changes made`,
    );
    return 0;
  } finally {
    await instance.pool.end();
  }
};
