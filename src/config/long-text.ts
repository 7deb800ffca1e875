// Long texts: one that grows part by part, and one that is changed part by part.

import { Portions } from "../../protocol/portions.js";
import type { Slices } from "./slices.js";

/** How many characters are joined at once. JavaScript keeps a text that grows by little parts as a chain, and to read it follows each link. */
const portion = 65_536;

export class LongText {
  private parts: string[] = [];
  private partsLength = 0;
  private readonly portions: string[] = [];

  /** Adds a part to the end of the text. */
  add(part: string): void {
    this.parts.push(part);
    this.partsLength += part.length;
    if (this.partsLength >= portion) this.flush();
  }

  /** Returns the whole text. It is a chain of portions: to join 16 MB at once takes a turn of the loop. */
  end(): string {
    this.flush();
    return this.portions.reduce((text, next) => text + next, "");
  }

  /** Returns the whole text as UTF-8. No part may have ended within a pair of surrogates. */
  *endAsUtf8(): Slices<Portions> {
    this.flush();
    const buffers: Buffer[] = [];
    for (const text of this.portions) {
      buffers.push(Buffer.from(text, "utf8"));
      yield;
    }
    return new Portions(buffers);
  }

  private flush(): void {
    this.portions.push(this.parts.join(""));
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
  yield* addingChanged(changed, text, change);
  return changed.end();
}

/** Adds the text to a longer one, with each of its parts as `change` makes it. */
export function* addingChanged(to: LongText, text: string, change: (part: string) => string): Slices<void> {
  for (let at = 0; at < text.length; ) {
    const end = at + changedAtOnce;
    const isWithinPair = text.codePointAt(end - 1) !== text.charCodeAt(end - 1) && end < text.length;
    const next = isWithinPair ? end + 1 : end;
    to.add(change(text.slice(at, next)));
    if (next < text.length) yield;
    at = next;
  }
}
