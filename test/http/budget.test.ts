import { expect, test } from "vitest";
import { Budget } from "../../src/http/budget.js";

const write = (waitMs: number) => ({ path: "/records", lane: "write" as const, waitMs });

test("a call that would have to wait longer than it may is denied at once, with the time to wait", async () => {
  let now = 0;
  const budget = new Budget([{ calls: 2, perMs: 1000 }], () => now);
  expect(await budget.admit(write(0))).toEqual({ kind: "granted" });
  now = 100;
  expect(await budget.admit(write(0))).toEqual({ kind: "granted" });
  expect(await budget.admit(write(500))).toEqual({ kind: "denied", retryAfterMs: 900 });
  now = 1000;
  expect(await budget.admit(write(0))).toEqual({ kind: "granted" });
  expect(await budget.admit(write(0))).toEqual({ kind: "denied", retryAfterMs: 100 });
});

test("every limit holds, and a rest holds everybody", async () => {
  let now = 0;
  const budget = new Budget(
    [
      { calls: 10, perMs: 100 },
      { calls: 1, perMs: 50 },
    ],
    () => now,
  );
  expect(await budget.admit(write(0))).toEqual({ kind: "granted" });
  expect(await budget.admit(write(0))).toEqual({ kind: "denied", retryAfterMs: 50 });
  budget.rest(5000);
  now = 60;
  expect(await budget.admit(write(0))).toEqual({ kind: "denied", retryAfterMs: 4940 });
});

test("a call that may wait is admitted when there is room", async () => {
  const budget = new Budget([{ calls: 1, perMs: 20 }]);
  await budget.admit(write(0));
  expect(await budget.admit(write(10_000))).toEqual({ kind: "granted" });
});
