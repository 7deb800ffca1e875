// Clients write, and at every arrow something goes wrong. In `npm test` a few runs; `npm run faults -- --runs N --seed S` for more.

import { expect, test } from "vitest";
import { runFaults } from "./harness.js";
import { startWorld } from "./world.js";

const runs = Number(process.env["FAULTS_RUNS"] ?? 20);
const seed = Number(process.env["FAULTS_SEED"] ?? 1);
const only = process.env["FAULTS_ONLY"];

test(`P6, P7, P8: whatever fails, nothing is lost and nothing is sent twice (${runs} runs, seed ${seed})`, async () => {
  const world = await startWorld(18);
  try {
    expect(await runFaults(world, { runs, seed, only })).toEqual([]);
  } finally {
    await world.close();
  }
}, 3_600_000);
