// JSON without loss: a number that JavaScript can't hold stays as it was written.

import { isLosslessNumber, LosslessNumber, parse, stringify } from "lossless-json";

/** Undefined: it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return inexact.test(text) ? parse(text, undefined, numberOf) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function toJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return stringify(value, replacer) ?? "null";
}

/** As JSON writes it: 9007199254740993, 0.10. */
export function numberOf(text: string): unknown {
  const number = Number(text);
  return String(number) === text ? number : new LosslessNumber(text);
}

/** The text of a number, whichever way it is held. */
export function numberText(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return isLosslessNumber(value) ? value.toString() : undefined;
}

/** What may be a number that JSON.parse would change; most answers have none. */
const inexact = /[:,[\s]-?(?:\d{16}|\d+\.\d*0(?!\d)|\d+\.\d{15}|\d+(?:\.\d+)?[eE])/;
