// What tests do to sessions, and how they wait for what other sessions of their database do, as Postgres sees it.

import { once } from "node:events";
import { connect } from "node:net";
import type pg from "pg";

/** Cancels as libpq does: by a connection of its own to `port`, with the key of the session. */
export async function cancel(client: pg.Client, port: number): Promise<void> {
  const { processID, secretKey } = Object.assign({ processID: 0, secretKey: 0 }, client);
  const request = Buffer.alloc(16);
  for (const [i, word] of [16, 80877102, processID, secretKey].entries()) request.writeInt32BE(word, 4 * i);
  const socket = connect(port, "127.0.0.1");
  socket.write(request);
  socket.resume();
  await once(socket, "close");
}

/** The client's end, without a word. */
export function vanish(client: pg.Client): void {
  const { connection } = Object.assign({ connection: { stream: { destroy: () => {} } } }, client);
  connection.stream.destroy();
}

/** A session of the database waits for a lock. */
export function untilBlocked(admin: pg.Client): Promise<void> {
  return until(admin, "exists", "wait_event_type = 'Lock'");
}

/** A session of the application sleeps in pg_sleep. */
export function untilAsleep(admin: pg.Client): Promise<void> {
  return until(admin, "exists", "wait_event = 'PgSleep' and usename = 'app'");
}

/** A call has been noted, and may have been sent. */
export function untilSent(admin: pg.Client): Promise<void> {
  return untilTrue(admin, "exists (select from throughline.journal where state = 'sent')");
}

/** The application has no session any more. */
export function untilGone(admin: pg.Client): Promise<void> {
  return until(admin, "not exists", "usename = 'app'");
}

function until(admin: pg.Client, which: "exists" | "not exists", condition: string): Promise<void> {
  return untilTrue(
    admin,
    `${which} (select from pg_stat_activity where datname = current_database() and ${condition})`,
  );
}

/** Until an SQL condition holds: asked anew every 10 ms, for at most a minute. */
export async function untilTrue(admin: pg.Client, condition: string): Promise<void> {
  await admin.query(
    `do $$begin
       for i in 1..6000 loop
         perform pg_stat_clear_snapshot();
         if ${condition} then return; end if;
         perform pg_sleep(0.01);
       end loop;
       raise 'after a minute it still does not hold: %', $condition$${condition}$condition$;
     end$$`,
  );
}
