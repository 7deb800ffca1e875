// The numbers of JSON without loss: one that JavaScript can't hold stays as it was written.

import { isLosslessNumber, LosslessNumber } from "lossless-json";

/** JavaScript writes no number that is longer. */
const longestExact = 25;

/** Returns a number as JSON writes it: a JavaScript number, or a LosslessNumber for such as 9007199254740993 and 0.10. */
export function numberOf(text: string): unknown {
  if (text.length > longestExact) return new LosslessNumber(text);
  const number = Number(text);
  return String(number) === text ? number : new LosslessNumber(text);
}

/** Returns the text of a number, whichever way it is held; undefined for what is no number. */
export function numberText(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return isLosslessNumber(value) ? value.toString() : undefined;
}
