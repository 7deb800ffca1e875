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
