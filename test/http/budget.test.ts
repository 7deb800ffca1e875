// The budget of calls: who waits for room under the API's limits, how long, and in which order.

import { expect, test, vi } from "vitest";
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

test("every limit holds, and a pause holds every caller", async () => {
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
  budget.pauseFor(5000);
  now = 60;
  expect(await budget.admit(write(0))).toEqual({ kind: "denied", retryAfterMs: 4940 });
});

test("P15: a pause has an end within a day, whatever is asked for, and is told as it is kept", () => {
  for (const asked of [86_400_001, 1e300, Number.POSITIVE_INFINITY]) {
    const budget = new Budget([], () => 0);
    expect(budget.pauseFor(asked)).toBe(86_400_000);
    // A shorter one does not end it.
    expect(budget.pauseFor(1_000)).toBe(86_400_000);
  }
  for (const asked of [-1, Number.NEGATIVE_INFINITY, Number.NaN, 0]) expect(new Budget([]).pauseFor(asked)).toBe(20);
});

test("a wait that is longer than a timer takes is no wait of a millisecond", async () => {
  const warnings = vi.spyOn(process, "emitWarning");
  const budget = new Budget([{ calls: 1, perMs: 2 ** 40 }]);
  await budget.admit(write(0));
  const cancel = new AbortController();
  const onWait = async () => {
    setImmediate(() => cancel.abort());
  };
  const admission = budget.admit({ ...write(Number.POSITIVE_INFINITY), signal: cancel.signal, onWait });
  expect(await admission).toEqual({ kind: "cancelled" });
  expect(warnings).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

test("a call that may wait is admitted when there is room", async () => {
  const budget = new Budget([{ calls: 1, perMs: 20 }]);
  await budget.admit(write(0));
  expect(await budget.admit(write(10_000))).toEqual({ kind: "granted" });
});

const read = (waitMs: number) => ({ path: "/records", lane: "read" as const, waitMs });

test("the sync leaves a fifth of a window to statements", async () => {
  const budget = new Budget([{ calls: 5, perMs: 1000 }], () => 0);
  for (let i = 0; i < 4; i += 1) expect(await budget.admit(read(0))).toEqual({ kind: "granted" });
  expect(await budget.admit(read(0))).toEqual({ kind: "denied", retryAfterMs: 1000 });
  expect(await budget.admit(write(0))).toEqual({ kind: "granted" });
  expect(await budget.admit(write(0))).toEqual({ kind: "denied", retryAfterMs: 1000 });
});

test("a statement that waits goes before a read that asked first", async () => {
  const budget = new Budget([{ calls: 1, perMs: 30 }]);
  await budget.admit(write(0));
  const order: string[] = [];
  const asked = [read(10_000), write(10_000)].map((one) => budget.admit(one).then(() => order.push(one.lane)));
  await Promise.all(asked);
  expect(order).toEqual(["write", "read"]);
});

test("a call that is cancelled while it waits leaves its place to others", async () => {
  const budget = new Budget([{ calls: 1, perMs: 30 }]);
  await budget.admit(write(0));
  const cancel = new AbortController();
  const waits = async () => cancel.abort();
  expect(await budget.admit({ ...write(10_000), signal: cancel.signal, onWait: waits })).toEqual({ kind: "cancelled" });
  expect(await budget.admit(read(10_000))).toEqual({ kind: "granted" });
});

test("each refusal in a row makes the pause longer, until a call succeeds", () => {
  const budget = new Budget([]);
  expect([budget.penaltyMs(), budget.penaltyMs(), budget.penaltyMs()]).toEqual([1_000, 2_000, 4_000]);
  for (let time = 0; time < 9; time += 1) budget.penaltyMs();
  expect(budget.penaltyMs()).toBe(30_000);
  budget.resetBackoff();
  expect(budget.penaltyMs()).toBe(1_000);
});
