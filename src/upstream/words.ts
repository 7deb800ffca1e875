// The words of an answer: each text of an API that a person, a log, the journal or an error gets to see is read here. It comes out
// clean, cut, and without our secrets. What a mirror stores is no such text, nor is a cursor: see codec.ts and pages.ts.

import { type CleanText, cleanText, textLimits } from "../config/clean-text.js";
import { numberText } from "../manifest/json-number.js";
import { lookUp, textAt } from "../manifest/pointer.js";

/** Where to look: first in the single error or element, then in the whole body. */
export type Places = readonly unknown[];

/** Reads the words of one account's answers. */
export interface WordReader {
  /** A sentence: 2,048 characters at most. */
  sentence(text: string): CleanText;
  /** A code, an id or a name: 200 characters at most. */
  word(text: string): CleanText;
  /** The first text or number at one of `pointers`, in the first of `places` that has one. */
  sentenceAt(places: Places, pointers: readonly string[]): CleanText | undefined;
  wordAt(places: Places, pointers: readonly string[]): CleanText | undefined;
}

/** Returns the reader that takes `secrets` out of all that it reads. */
export function wordReader(secrets: readonly string[]): WordReader {
  const sentence = (text: string) => cleanText(text, textLimits.sentence, secrets);
  const word = (text: string) => cleanText(text, textLimits.word, secrets);
  const readAt = (read: (text: string) => CleanText) => (places: Places, pointers: readonly string[]) => {
    for (const place of places) {
      const text = textAt(place, ...pointers);
      if (text !== undefined) return read(text);
    }
    return undefined;
  };
  return { sentence, word, sentenceAt: readAt(sentence), wordAt: readAt(word) };
}

/** Returns a name that an API gives to a thing of its own: a column, a table, a field. No secret is in it. */
export function upstreamName(text: string): CleanText {
  return cleanText(text, textLimits.word);
}

/** Returns the names as a list for people: as many as a sentence takes, then how many more there are. */
export function nameList(names: readonly string[]): CleanText {
  const shown: string[] = [];
  let length = 0;
  for (const name of names) {
    const clean = upstreamName(name);
    length += clean.length + 2;
    if (length > textLimits.sentence - 20) break;
    shown.push(clean);
  }
  const more = names.length - shown.length;
  return cleanText(shown.join(", ") + (more > 0 ? ` and ${more} more` : ""), textLimits.sentence);
}

/**
 * Returns the text of a string, a number, a boolean or null at `pointer`, or of the only element of a list there, to be compared with a
 * manifest's; undefined for anything else. An object's own `toString` is the API's, so that it is never called.
 */
export function scalarAt(value: unknown, pointer: string): string | undefined {
  const there = lookUp(value, pointer);
  const scalar: unknown = Array.isArray(there) && there.length === 1 ? there[0] : there;
  if (typeof scalar === "string") return scalar;
  return typeof scalar === "boolean" || scalar === null ? String(scalar) : numberText(scalar);
}
