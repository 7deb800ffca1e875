// Takes mirrors away: their tables, what guards them, and their entry in the register. Nothing of it changes upstream.

import type { Pool } from "pg";
import { quoteName } from "../postgres/quote.js";
import type { Mirror } from "./column.js";
import { runAlone } from "./migrate.js";
import { MigrateError } from "./migrate-error.js";
import { functionsOf } from "./put-guard.js";

/** Returns the DDL. Throws MigrateError while a call on one of them is open. */
export async function dropMirrors(pool: Pool, mirrors: readonly Mirror[], dryRun: boolean): Promise<readonly string[]> {
  const inUse = "a mirror is in use by another transaction: nothing was dropped, try again";
  return runAlone(pool, { dryRun, inUse }, async (client) => {
    const statements: string[] = [];
    for (const { id, schema, table } of mirrors) {
      const target = `${quoteName(schema)}.${quoteName(table)}`;
      // What is noted of it is noted before we look.
      await client.query(`lock table ${target} in access exclusive mode`);
      const open = await client.query("select from throughline.journal where mirror = $1 and closed_at is null", [id]);
      if (open.rowCount !== 0)
        throw new MigrateError(
          `${target} has ${open.rowCount} open journal entries: "throughline journal list --open" shows them`,
        );
      const sql = `drop table ${target}`;
      await client.query(sql);
      statements.push(sql);
      for (const signature of await functionsOf(client, id)) await client.query(`drop function ${signature}`);
      // Its journal and what is parked of it go with its entry.
      await client.query("delete from throughline.mirror where id = $1", [id]);
    }
    return statements;
  });
}
