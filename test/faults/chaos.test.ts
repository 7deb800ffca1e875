// Everything fails at once. In `npm test` for some writes; `npm run chaos -- --writes N --seed S` for more.

import { expect, test } from "vitest";
import { runChaos } from "./chaos.js";

const writes = Number(process.env["CHAOS_WRITES"] ?? 100);
const seed = Number(process.env["FAULTS_SEED"] ?? 1);

// What mutants do is seen sooner where one thing fails at a time.
test.skipIf(writes === 0)(
  `P6, P7, P8, P12, P13: whatever fails at once, what was told holds (${writes} writes, seed ${seed})`,
  async () => {
    expect(await runChaos({ writes, seed })).toEqual([]);
  },
  3_600_000,
);
