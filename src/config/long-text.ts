// Long texts: one that grows part by part, and one that is changed part by part.

import type { Slices } from "./slices.js";

/** By how many characters the text grows. JavaScript keeps a text that grows by little parts as a chain, and to read it follows each link. */
const portion = 65_536;

export class LongText {
  private parts: string[] = [];
  private partsLength = 0;
  private text = "";

  /** Adds a part to the end of the text. */
  add(part: string): void {
    this.parts.push(part);
    this.partsLength += part.length;
    if (this.partsLength >= portion) this.flush();
  }

  /** Returns the whole text. */
  end(): string {
    this.flush();
    return this.text;
  }

  private flush(): void {
    this.text += this.parts.join("");
    this.parts = [];
    this.partsLength = 0;
  }
}

/** How many characters are changed between two yields. Each of them may be one that a regular expression has to replace. */
const changedAtOnce = 8192;

/** Returns the text with each of its parts as `change` makes it. No part ends within a pair of surrogates, which is one character. */
export function* changing(text: string, change: (part: string) => string): Slices<string> {
  if (text.length <= changedAtOnce) return change(text);
  const changed = new LongText();
  for (let at = 0; at < text.length; ) {
    const end = at + changedAtOnce;
    const isWithinPair = text.codePointAt(end - 1) !== text.charCodeAt(end - 1) && end < text.length;
    const next = isWithinPair ? end + 1 : end;
    changed.add(change(text.slice(at, next)));
    yield;
    at = next;
  }
  return changed.end();
}
