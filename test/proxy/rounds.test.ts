// What a proxy does again and again: how often it is tried when it fails, and what the log says of that.

import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FailureLog } from "../../src/proxy/failure-log.js";
import { Rounds } from "../../src/proxy/rounds.js";

let lines: Record<string, unknown>[];
const log = pino({ level: "info" }, { write: (line: string) => lines.push(JSON.parse(line)) });
const said = () => lines.map(({ msg }) => msg);
const unreachable = () => Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { syscall: "connect" });

beforeEach(() => {
  lines = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("P15: a Postgres that is away for an hour is told in a few lines, each a sentence without a stack", async () => {
  let isAway = true;
  const triedAtMs: number[] = [];
  const work = async () => {
    triedAtMs.push(performance.now());
    if (isAway) throw unreachable();
  };
  const rounds = new Rounds(log, [{ what: "recovery", firstMs: 0, everyMs: 500, work }]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  const waitsMs = triedAtMs.slice(1).map((at, index) => Math.round(at - (triedAtMs[index] ?? 0)));
  expect(waitsMs.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(said()[0]).toBe(
    "recovery failed, and is tried again: Postgres can't be reached (connect ECONNREFUSED 127.0.0.1:5432)",
  );
  expect(said()[1]).toMatch(/^recovery has failed \d+ times since \d{4}-/);
  expect(lines.length).toBeLessThanOrEqual(13);
  expect(JSON.stringify(lines)).not.toContain("stack");
  isAway = false;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(said().at(-1)).toMatch(/^recovery works again after 1\d\d failures$/);
  const before = triedAtMs.length;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(triedAtMs.length - before).toBe(10);
  await rounds.stop();
});

test("P15: when one round works again, those that wait for the same Postgres are tried at once", async () => {
  let isAway = true;
  const tries = { soon: 0, late: 0 };
  const workOf = (name: keyof typeof tries) => async () => {
    tries[name] += 1;
    if (isAway) throw unreachable();
  };
  const rounds = new Rounds(log, [
    { what: "presence", everyMs: 500, longestMs: 2_000, work: workOf("soon") },
    { what: "recovery", everyMs: 500, work: workOf("late") },
  ]);
  await vi.advanceTimersByTimeAsync(600_000);
  isAway = false;
  const before = tries.late;
  await vi.advanceTimersByTimeAsync(2_001);
  expect(tries.late).toBeGreaterThan(before);
  await rounds.stop();
});

test("P15: a round that fails for a reason of its own is not tried more often than one that succeeds", async () => {
  let tries = 0;
  const work = async () => {
    tries += 1;
    throw Object.assign(new Error("canceling statement due to statement timeout"), { code: "57014" });
  };
  const rounds = new Rounds(log, [{ what: "forgetting", firstMs: 0, everyMs: 3_600_000, work }]);
  await vi.advanceTimersByTimeAsync(4 * 3_600_000 - 1);
  expect(tries).toBe(4);
  await rounds.stop();
});

test("a round that has been stopped is not begun again, and its end waits for the one under way", async () => {
  let end = () => {};
  let begun = 0;
  const work = () => {
    begun += 1;
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  };
  const rounds = new Rounds(log, [{ what: "recovery", firstMs: 0, everyMs: 1, work }]);
  await vi.advanceTimersByTimeAsync(1);
  let hasStopped = false;
  const stopped = rounds.stop().then(() => {
    hasStopped = true;
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(hasStopped).toBe(false);
  end();
  await stopped;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(begun).toBe(1);
});

test("each kind of failure is told once, and one that comes between them is not hidden", () => {
  const failures = new FailureLog(log, "recovery");
  failures.failed(unreachable());
  failures.failed(Object.assign(new Error("Connection terminated unexpectedly")));
  failures.failed(Object.assign(new Error("permission denied for table secret_name"), { code: "42501" }));
  failures.failed(unreachable());
  failures.failed(Object.assign(new Error("permission denied for table secret_name"), { code: "42501" }));
  expect(said()).toEqual([
    "recovery failed, and is tried again: Postgres can't be reached (connect ECONNREFUSED 127.0.0.1:5432)",
    "recovery failed, and is tried again",
  ]);
  expect(failures.count).toBe(5);
  failures.succeeded();
  failures.succeeded();
  expect(said().slice(2)).toEqual(["recovery works again after 5 failures"]);
});

test("a work that is hastened is done soon, and steady haste does not put it off", async () => {
  const work = vi.fn(async () => undefined);
  const rounds = new Rounds(log, [{ what: "looking", everyMs: 3_600_000, work }]);
  for (let ms = 0; ms < 1_000; ms += 10) {
    rounds.hasten("looking");
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(work).toHaveBeenCalledTimes(4);
  await rounds.stop();
});
