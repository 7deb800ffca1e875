// Long computations in slices: other sessions get their turn of the event loop in between.

/** A computation that yields wherever it can be interrupted: at least once in about a millisecond of work. */
export type Slices<T> = Generator<undefined, T, undefined>;

/** How much of one turn of the loop all sliced computations together take. A yield, and the garbage collector, come on top. */
const turnMs = 8;

/** What sliced computations have taken of this turn. */
let takenMs = 0;
let isTurnEndAwaited = false;
const waiting: (() => void)[] = [];

/** Runs the computation in slices and returns its result. A short one ends within this turn of the loop. Throws what the computation throws. */
export async function inSlices<T>(work: Slices<T>): Promise<T> {
  for (;;) {
    while (takenMs >= turnMs) await nextTurn();
    const step = runSlice(work);
    if (step.done) return step.value;
  }
}

/** Does what `inSlices` does, and gives up when `stopping` says so: then the result is undefined. */
export function inSlicesUnless<T>(stopping: () => boolean, work: Slices<T>): Promise<T | undefined> {
  return inSlices(givingUp(stopping, work));
}

function* givingUp<T>(stopping: () => boolean, work: Slices<T>): Slices<T | undefined> {
  for (;;) {
    if (stopping()) return undefined;
    const step = work.next();
    if (step.done) return step.value;
    yield;
  }
}

/** Runs the computation without interruption and returns its result. It is for what is short by its nature. */
export function atOnce<T>(work: Slices<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Runs the computation to its next yield behind the end of the slice. */
function runSlice<T>(work: Slices<T>): IteratorResult<undefined, T> {
  const beginsMs = performance.now();
  const endsMs = beginsMs + turnMs - takenMs;
  awaitTurnEnd();
  try {
    for (;;) {
      const step = work.next();
      if (step.done || performance.now() >= endsMs) return step;
    }
  } finally {
    takenMs += performance.now() - beginsMs;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
  });
}

function awaitTurnEnd(): void {
  if (isTurnEndAwaited) return;
  isTurnEndAwaited = true;
  setImmediate(() => {
    takenMs = 0;
    isTurnEndAwaited = false;
    // One computation at a time: it resumes in this turn, and the others in later ones.
    waiting.shift()?.();
    if (waiting.length > 0) awaitTurnEnd();
  });
}
