// Waiting for what other sessions of a test's database do, as Postgres sees it.

import type pg from "pg";

/** A session of the database waits for a lock. */
export function untilBlocked(admin: pg.Client): Promise<void> {
  return until(admin, "exists", "wait_event_type = 'Lock'");
}

/** A session of the application sleeps in pg_sleep. */
export function untilAsleep(admin: pg.Client): Promise<void> {
  return until(admin, "exists", "wait_event = 'PgSleep' and usename = 'app'");
}

/** The application has no session any more. */
export function untilGone(admin: pg.Client): Promise<void> {
  return until(admin, "not exists", "usename = 'app'");
}

async function until(admin: pg.Client, which: "exists" | "not exists", condition: string): Promise<void> {
  await admin.query(
    `do $$begin
       for i in 1..1000 loop
         perform pg_stat_clear_snapshot();
         if ${which} (select from pg_stat_activity where datname = current_database() and ${condition}) then return; end if;
         perform pg_sleep(0.01);
       end loop;
       raise 'after 10 s still not: ${which} session of %', current_database();
     end$$`,
  );
}
