// A fuzzer for time, by an API: its answers to a write grow, and neither the program nor the others spend more on each byte.

import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { query } from "../proxy/build.js";
import { answerShapes } from "./answer-shapes.js";
import { type Cost, costComplaints, costOfSession, type RestCpuMs, restCpu } from "./cost.js";
import { type HostileStack, recordCount, startHostileStack } from "./hostile-stack.js";
import type { Neighbours } from "./neighbours.js";
import { seconds } from "./seed.js";
import { verdict } from "./verdict.js";

const sizes = (seconds === undefined ? [64, 4096] : [64, 512, 2048, 8192]).map((kilobytes) => kilobytes << 10);
/** Each to a record of its own: one whose fate is unknown is shut for the next write. */
const write = (record: number) => query(`update enemy.things set label = 'x' where target = 'r${record}'`);

let stack: HostileStack;
let others: Neighbours;
let rest: RestCpuMs;
let records = 0;
beforeAll(async () => {
  stack = await startHostileStack();
  others = await stack.neighbours({ readers: 90, writers: 10 });
  rest = await restCpu(stack, () => delay(1_000));
}, 300_000);
afterAll(() => stack.close());

/** The client's part is small, so that the answer's bytes are what it cost. */
async function costOfAnswer(bytes: number, answer: (typeof answerShapes)[number]["answer"]): Promise<Cost> {
  let asked = 0;
  stack.enemy.setDoor(async (outgoing) => {
    asked += 1;
    await answer(outgoing, bytes);
    return "answered";
  });
  records += 1;
  const cost = await costOfSession(stack, write(records % recordCount), rest);
  stack.enemy.setDoor(undefined);
  return { ...cost, bytes, mistreatment: cost.mistreatment ?? (asked === 0 ? "the API was not asked" : undefined) };
}

test.each(answerShapes)(
  "P15: a long answer costs no more for each byte than a short one, and nobody waits for it: $name",
  async ({ answer, mostBytes = sizes.at(-1) ?? 0 }) => {
    const found = await verdict(
      stack,
      async () => others,
      async () => {
        const costs: Cost[] = [];
        for (const bytes of [...sizes.filter((size) => size < mostBytes), mostBytes]) {
          costs.push(await costOfAnswer(bytes, answer));
          const complaints = costComplaints(costs);
          if (complaints.length > 0) return complaints;
        }
        return [];
      },
    );
    expect(found).toEqual([]);
  },
);

test("P15: whatever Retry-After an API names, the others and its next statements have an answer", async () => {
  const values = [
    "0",
    "-1",
    "1e400",
    "99999999999",
    "0x10",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "9".repeat(8000),
    "NaN",
    " ",
    "1, 2",
  ];
  for (const value of values) {
    const found = await verdict(
      stack,
      async () => others,
      async () => {
        const answer = (status: number) => async (outgoing: Parameters<(typeof answerShapes)[number]["answer"]>[0]) => {
          outgoing.writeHead(status, { "retry-after": value }).end("{}");
        };
        const costs = [await costOfAnswer(1024, answer(429)), await costOfAnswer(1024, answer(503))];
        // It may be left in peace for a while.
        return costComplaints(costs).filter((text) => !text.includes("was not asked"));
      },
    );
    expect(found, `Retry-After: ${value.slice(0, 40)}`).toEqual([]);
  }
  expect(stack.program.complaints().filter((line) => !line.startsWith("{"))).toEqual([]);
});
