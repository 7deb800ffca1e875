// Measures the CPU that the turns of this thread's event loop take. Time in which the machine runs something else does not count.

import { readFileSync } from "node:fs";

interface Turns {
  /** The CPU of the longest turn, in milliseconds. */
  readonly worstMs: number;
  /** The CPU of all turns, in milliseconds. */
  readonly totalMs: number;
}

/** Begins to measure. `stop` returns what the turns since then have taken. */
export function startTurnMeter(): { stop(): Turns } {
  const beginsMs = threadCpuMs();
  let before = beginsMs;
  let worstMs = 0;
  let next: NodeJS.Immediate;
  const look = () => {
    const now = threadCpuMs();
    worstMs = Math.max(worstMs, now - before);
    before = now;
  };
  const everyTurn = () => {
    look();
    next = setImmediate(everyTurn);
  };
  next = setImmediate(everyTurn);
  return {
    stop() {
      clearImmediate(next);
      look();
      return { worstMs, totalMs: before - beginsMs };
    },
  };
}

/** Linux counts it for each thread, in nanoseconds; elsewhere the whole process is measured, compiler and garbage collector included. */
function threadCpuMs(): number {
  if (process.platform !== "linux") {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ", 1)[0]) / 1e6;
}
