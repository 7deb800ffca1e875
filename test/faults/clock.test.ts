// The clock of the proxies jumps by days, forwards and back (libfaketime); order is told by moments, which no clock draws.

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runFaults } from "./harness.js";
import type { Random } from "./random.js";
import { startWorld } from "./world.js";

test("P6, P8: a clock that jumps changes nothing", async () => {
  const library = libfaketime();
  const folder = mkdtempSync(join(tmpdir(), "throughline-clock-"));
  const offset = join(folder, "offset");
  writeFileSync(offset, "+0");
  // A clock that jumps is that of the day; the monotonic one does not.
  const fake = { FAKETIME_TIMESTAMP_FILE: offset, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
  const world = await startWorld(18, { LD_PRELOAD: library, ...fake });
  try {
    const disturb = async (random: Random) => {
      writeFileSync(offset, random.pick(["+3d", "-3d", "+90d", "-1h", "+0"]));
      return undefined;
    };
    expect(await runFaults(world, { runs: 40, seed: 3, disturb })).toEqual([]);
  } finally {
    await world.close();
    rmSync(folder, { recursive: true });
  }
}, 600_000);

function libfaketime(): string {
  for (const folder of readdirSync("/usr/lib")) {
    const path = `/usr/lib/${folder}/faketime/libfaketime.so.1`;
    if (existsSync(path)) return path;
  }
  throw new Error("libfaketime is not installed: apt-get install faketime");
}
