// What a run is asked for: `SEED` repeats one, `HOSTILE_SECONDS` is the time of the long form. Without these, a short one that is
// the same each time.

import { Random } from "../faults/random.js";

export const seed = Number(process.env["SEED"] ?? 12);

/** Undefined: the short form. */
export const seconds =
  process.env["HOSTILE_SECONDS"] === undefined ? undefined : Number(process.env["HOSTILE_SECONDS"]);

/** Of each purpose its own, so that one test's choices are the same whichever other tests run. */
export function randomFor(purpose: string): Random {
  let mixed = seed;
  for (const letter of purpose) mixed = (Math.imul(mixed, 31) + letter.charCodeAt(0)) >>> 0;
  return new Random(mixed);
}
