// Long work of the process itself, cut so that no client waits for it.

import { setTimeout as delay } from "node:timers/promises";

/** The event loop is held so long at a time, and then is free for as long. */
const sliceMs = 5;

/** Runs `work` to its end in slices, and returns its result; undefined when `stopping` says so before. It must yield every millisecond or so. */
export async function inSlices<T>(work: Generator<void, T>, stopping: () => boolean): Promise<T | undefined> {
  for (;;) {
    const beginsMs = performance.now();
    let step = work.next();
    while (!step.done && performance.now() - beginsMs < sliceMs) step = work.next();
    if (step.done) return step.value;
    await delay(sliceMs);
    if (stopping()) return undefined;
  }
}
