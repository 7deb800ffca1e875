// The elements of an array, read from the text that Postgres writes for it.

import { LongText } from "../config/long-text.js";
import { atOnce, type Slices } from "../config/slices.js";

/** Returns the elements of an array of one dimension (manual: "Array Input and Output Syntax"). */
export function* readingArray(text: string): Slices<(string | null)[]> {
  const elements: (string | null)[] = [];
  for (let at = 1; at < text.length - 1; at += 1) {
    yield;
    if (text[at] === '"') {
      const { element, end } = yield* readingQuoted(text, at + 1);
      elements.push(element);
      at = end;
    } else {
      const comma = text.indexOf(",", at);
      const bare = text.slice(at, comma === -1 ? text.length - 1 : comma);
      elements.push(bare === "NULL" ? null : bare);
      at += bare.length;
    }
  }
  return elements;
}

/** Returns the element that begins at `from`, behind its quote, and the place behind its closing quote. */
function* readingQuoted(text: string, from: number): Slices<{ readonly element: string; readonly end: number }> {
  const element = new LongText();
  let begin = from;
  for (let at = from; ; at += 1) {
    const character = text[at];
    if (character !== '"' && character !== "\\" && character !== undefined) continue;
    element.add(text.slice(begin, at));
    if (character !== "\\") return { element: element.end(), end: at + 1 };
    // A backslash stands before a character that is taken as it is.
    yield;
    at += 1;
    begin = at;
  }
}

/** Returns the elements of an array, as `readingArray` does. It takes as long as the text is. */
export function readArray(text: string): (string | null)[] {
  return atOnce(readingArray(text));
}
