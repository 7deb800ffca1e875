// JSON without loss: a number that JavaScript can't hold stays as it was written.

import { atOnce, type Slices } from "../config/slices.js";
import { type JsonLimits, JsonReader } from "./json-reader.js";
import { JsonTooLarge, NotJson } from "./json-text.js";
import { writingJson, writingUtf8Json } from "./json-writer.js";

export { writingJson, writingUtf8Json };

/** What is read of a text that comes from Postgres, which has read it before. */
const unlimited: JsonLimits = {
  depth: Number.POSITIVE_INFINITY,
  values: Number.POSITIVE_INFINITY,
  names: Number.POSITIVE_INFINITY,
  text: Number.POSITIVE_INFINITY,
  number: Number.POSITIVE_INFINITY,
};

/** How much is read of a text that comes from an API. */
export const upstreamLimits: JsonLimits = {
  depth: 512,
  values: 250_000,
  names: 65_536,
  text: 4 * 1024 * 1024,
  number: 65_536,
};

export type JsonReading =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "not JSON" }
  /** `reason` goes on from "the body …". */
  | { readonly kind: "too large"; readonly reason: string };

/** Reads a text, given in pieces that follow each other, within `limits`. Returns its value, or why it can't be read. */
export function* readingJson(pieces: readonly string[], limits: JsonLimits = unlimited): Slices<JsonReading> {
  const reader = new JsonReader(limits);
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += stride) {
        reader.push(piece.length <= stride ? piece : piece.slice(at, at + stride));
        yield;
      }
    }
    return { kind: "json", value: reader.end() };
  } catch (cause) {
    if (cause instanceof NotJson) return { kind: "not JSON" };
    if (cause instanceof JsonTooLarge) return { kind: "too large", reason: cause.message };
    throw cause;
  }
}

/** How many characters are read between two yields. */
const stride = 8192;

/** Returns the value of a JSON text, however deep it is nested; undefined when it is no JSON. It takes as long as the text is. */
export function parseJson(text: string): unknown {
  return atOnce(parsingJson(text));
}

/** Returns the value of a JSON text, however deep it is nested; undefined when it is no JSON. */
export function* parsingJson(text: string): Slices<unknown> {
  const reading = yield* readingJson([text]);
  return reading.kind === "json" ? reading.value : undefined;
}

/** Returns the JSON text of a value, however deep it is nested. It takes as long as the value is large. */
export function toJson(value: unknown): string {
  return atOnce(writingJson(value));
}
