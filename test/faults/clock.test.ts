// The clock of the proxies jumps by days, forwards and back (libfaketime); order is told by moments, which no clock draws.

import { expect, test } from "vitest";
import { fakeClock } from "./fake-clock.js";
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
