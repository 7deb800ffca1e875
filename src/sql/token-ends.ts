// Where the tokens of SQL end that are longer than a word. Each function reads on from an index of the text, and never back.

import {
  backslash,
  carriageReturn,
  digitsOfBase,
  dollar,
  dot,
  isBlank,
  isDigit,
  isWordStart,
  letterE,
  lineFeed,
  minus,
  plus,
  quote,
  slash,
  star,
  underscore,
  zero,
} from "./characters.js";

/** Returns whether a comment begins at `at`. */
export function beginsComment(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  const next = text.charCodeAt(at + 1);
  return (code === slash && next === star) || (code === minus && next === minus);
}

/** Returns the index behind the comment that begins at `start`; -1 when the text ends within it. */
export function commentEnd(text: string, start: number): number {
  return text.charCodeAt(start) === minus ? lineEnd(text, start + 2) : blockEnd(text, start + 2);
}

/** A line ends at either of its two characters, as in scan.l. */
function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === lineFeed || code === carriageReturn) return at;
  }
  return text.length;
}

function blockEnd(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; ) {
    const code = text.charCodeAt(at);
    const next = text.charCodeAt(at + 1);
    const step = code === star && next === slash ? -1 : code === slash && next === star ? 1 : 0;
    depth += step;
    at += step === 0 ? 1 : 2;
    if (depth === 0) return at;
  }
  return -1;
}

/** Returns where the quote stands that closes a quoted name, whose content begins at `from`; -1 when none does. */
export function closingDoubleQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

/**
 * Returns where the quote stands that closes a literal, whose content begins at `from`; -1 when none does. A doubled quote stands for one
 * in the content, except where the literal is `bits`.
 */
export function closingQuote(text: string, from: number, bits?: "bits"): number {
  let at = text.indexOf("'", from);
  for (;;) {
    const next = at < 0 ? -1 : bits ? continuation(text, at) : contentGoesOn(text, at);
    if (next < 0) return at;
    at = text.indexOf("'", next);
  }
}

/** Does what `closingQuote` does, for a literal in which a backslash takes the next character with it. */
export function closingQuoteOfEscapes(text: string, from: number): number {
  for (let at = from; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 2;
    else if (code !== quote) at += 1;
    else {
      const next = contentGoesOn(text, at);
      if (next < 0) return at;
      at = next;
    }
  }
  return -1;
}

/** Returns where the content of a literal goes on behind the quote at `at`; -1 when the literal ends there. */
export function contentGoesOn(text: string, at: number): number {
  return text.charCodeAt(at + 1) === quote ? at + 2 : continuation(text, at);
}

/** Returns where a literal goes on: behind another quote on a later line, with only blanks and line comments in between; -1 if it ends. */
function continuation(text: string, at: number): number {
  let isOtherLine = false;
  for (let next = at + 1; ; ) {
    const code = text.charCodeAt(next);
    if (code === lineFeed || code === carriageReturn) isOtherLine = true;
    if (isBlank(code)) next += 1;
    else if (code === minus && text.charCodeAt(next + 1) === minus) next = lineEnd(text, next + 2);
    else return code === quote && isOtherLine ? next + 1 : -1;
  }
}

/** Returns the index behind the tag, such as $a$, that begins at `start`; -1 when there is none. */
export function tagEnd(text: string, start: number): number {
  let at = start + 1;
  if (isWordStart(text.charCodeAt(at))) {
    at += 1;
    while (isWordStart(text.charCodeAt(at)) || isDigit(text.charCodeAt(at))) at += 1;
  }
  return text.charCodeAt(at) === dollar ? at + 1 : -1;
}

/**
 * Returns where the tag between `start` and `end` stands again; -1 when it does not. The tag is compared only between two
 * neighbouring dollars: a plain search could compare a long tag at every place of the text.
 */
export function closingTag(text: string, start: number, end: number): number {
  const tag = text.slice(start, end);
  let at = text.indexOf("$", end);
  while (at >= 0) {
    const next = text.indexOf("$", at + 1);
    if (next + 1 - at === tag.length && text.slice(at, next + 1) === tag) return at;
    at = next;
  }
  return -1;
}

/** Returns the index behind the number that begins at `start`. */
export function numberEnd(text: string, start: number): number {
  const isDigitOfBase = text.charCodeAt(start) === zero ? digitsOfBase(text.charCodeAt(start + 1)) : undefined;
  const end = isDigitOfBase ? digitsEnd(text, start + 2, isDigitOfBase) : start;
  // Without a digit behind it, the x of 0x is a word of its own.
  return end > start + 2 ? end : decimalEnd(text, start);
}

function decimalEnd(text: string, start: number): number {
  let at = digitsEnd(text, start, isDigit);
  // Two dots stand between the bounds of a loop.
  if (text.charCodeAt(at) === dot && text.charCodeAt(at + 1) !== dot) {
    at = isDigit(text.charCodeAt(at + 1)) ? digitsEnd(text, at + 1, isDigit) : at + 1;
  }
  if ((text.charCodeAt(at) | 0x20) !== letterE) return at;
  const sign = text.charCodeAt(at + 1);
  const exponent = sign === plus || sign === minus ? at + 2 : at + 1;
  return isDigit(text.charCodeAt(exponent)) ? digitsEnd(text, exponent, isDigit) : at;
}

/** Returns the end of digits with single underscores between them. */
function digitsEnd(text: string, start: number, isDigitOfBase: (code: number) => boolean): number {
  let at = start;
  for (;;) {
    if (isDigitOfBase(text.charCodeAt(at))) at += 1;
    else if (text.charCodeAt(at) === underscore && at > start && isDigitOfBase(text.charCodeAt(at + 1))) at += 2;
    else return at;
  }
}
