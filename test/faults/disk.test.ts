// The disk of Postgres is full for a while: a tmpfs with nothing left. Needs to be root, as mount does.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runFaults } from "./harness.js";
import { startWorld, type World } from "./world.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-disk-"));
const filler = join(folder, "filler");
const before = process.env["TMPDIR"];
let world: World;
beforeAll(async () => {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=640m", "none", folder]);
  process.env["TMPDIR"] = folder;
  world = await startWorld(18);
});
afterAll(async () => {
  await world.close();
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  execFileSync("umount", [folder]);
  rmSync(folder, { recursive: true, force: true });
});

test("P6: nothing is lost or sent twice while the disk is full and after it has room again", async () => {
  const violations = await runFaults(world, {
    runs: 60,
    seed: 4,
    // Postgres can't be started again on a full disk.
    traps: false,
    disturb: async (random) => {
      const filled = fill();
      // Full before the batch begins, or somewhere in its midst.
      if (random.below(3) === 0) await filled;
      return async () => {
        await filled;
        rmSync(filler, { force: true });
        // Postgres may have given up.
        await world.restart("immediate");
      };
    },
  });
  expect(violations).toEqual([]);
}, 600_000);

async function fill(): Promise<void> {
  for (let bytes = 4 * 1024 * 1024; bytes >= 4_096; bytes /= 2) {
    try {
      for (;;) await appendFile(filler, Buffer.alloc(bytes));
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "ENOSPC")) throw cause;
    }
  }
}
