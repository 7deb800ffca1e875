// What only a superuser can do to a mirror, and a test does: makes it what upstream is not.

import type pg from "pg";
import { guardTriggers } from "../../src/mirror/guard-table.js";

/** Runs a statement on a mirror without its guard. No transaction may be open on the mirror. */
export async function pastGuard(admin: pg.Client, table: string, sql: string): Promise<void> {
  const guard = (state: string) =>
    `alter table ${table} ${Object.values(guardTriggers)
      .map((name) => `${state} trigger "${name}"`)
      .join(", ")}`;
  await admin.query(`begin; ${guard("disable")}; ${sql}; ${guard("enable always")}; commit`);
}
