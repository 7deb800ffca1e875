// The clocks of the proxies and of Postgres jump by days (libfaketime); order is told by moments, which no clock draws.

import { expect, test } from "vitest";
import { startPostgres } from "../../src/app/embedded-postgres.js";
import { withConfined } from "../../src/postgres/confined.js";
import { OwnPool } from "../../src/postgres/own-pool.js";
import { refused } from "../support/answers.js";
import { fakeClock, withEnv } from "./fake-clock.js";
import { runFaults } from "./harness.js";
import type { Random } from "./random.js";
import { startWorld } from "./world.js";

test("P6, P8: a clock that jumps changes nothing", async () => {
  const clock = fakeClock();
  const world = await startWorld(18, { env: clock.env });
  try {
    const disturb = async (random: Random) => {
      clock.set(random.pick(["+3d", "-3d", "+90d", "-1h", "+0"]));
      return undefined;
    };
    expect(await runFaults(world, { runs: 40, seed: 3, disturb })).toEqual([]);
  } finally {
    await world.close();
    clock.remove();
  }
}, 600_000);

test("P13: a wait for a lock ends, though Postgres's clock was moved on and its own time-out ends it no more", async () => {
  const clock = fakeClock();
  const postgres = await withEnv(clock.env, () => startPostgres(18));
  const pool = new OwnPool({ connectionString: postgres.urlOf("postgres", "postgres"), max: 2 });
  try {
    const holder = await pool.connect();
    await holder.query("create table public.held (no int)");
    await holder.query("begin; lock table public.held in access exclusive mode");
    // A timer of ten minutes runs from now on, whatever becomes of what it was for.
    for (const setting of ["10min", "0"]) await pool.query(`set idle_session_timeout = '${setting}'`);
    clock.set("+3d");
    const told = await refused(
      withConfined(pool, (client) => client.query("set lock_timeout = '250ms'; select from public.held")),
    );
    expect(told).toMatchObject({ code: "57014" });
    // The connection whose timer runs has gone.
    expect(pool.totalCount).toBe(1);
    holder.release(true);
  } finally {
    await pool.close();
    await postgres.stop();
    clock.remove();
  }
});
