// What a name or a literal of SQL stands for: without its quotes and escapes, a name as Postgres keeps it.

import { assertNever } from "../config/assert-never.js";
import { memberOf } from "../config/member.js";
import { backslash, doubleQuote, plus, quote } from "./characters.js";
import type { SqlLexer } from "./lexer.js";
import { contentGoesOn } from "./token-ends.js";

/** NAMEDATALEN leaves so many bytes for a name. */
const mostNameBytes = 63;

/** Returns the name that the token is, in lower case unless it is quoted; undefined when it is none. UESCAPE is not looked at. */
export function nameOf(lexer: SqlLexer): string | undefined {
  // Nothing has an empty name.
  return spelledName(lexer) || undefined;
}

function spelledName(lexer: SqlLexer): string | undefined {
  const { kind, text, start, end } = lexer;
  switch (kind) {
    case "word":
      return cutName(lowerCase(text.slice(start, end)));
    case "quoted":
      return cutName(contentOf(lexer, doubleQuote, "plain"));
    case "unicodeQuoted":
      return cutName(contentOf(lexer, doubleQuote, "unicode"));
    case "string":
    case "escapeString":
    case "unicodeString":
    case "bits":
    case "dollarString":
    case "number":
    case "parameter":
    case "operator":
    case "punctuation":
    case "end":
      return undefined;
    default:
      return assertNever(kind);
  }
}

/** Returns the text that the token, a literal, stands for; undefined when it is none, or no text. UESCAPE is not looked at. */
export function literalOf(lexer: SqlLexer): string | undefined {
  switch (lexer.kind) {
    case "string":
      return contentOf(lexer, quote, "plain");
    case "escapeString":
      return contentOf(lexer, quote, "backslash");
    case "unicodeString":
      return contentOf(lexer, quote, "unicode");
    case "dollarString":
      return lexer.text.slice(lexer.contentStart, lexer.contentEnd);
    default:
      return undefined;
  }
}

/** Postgres lowers ASCII letters only, where a letter may have several bytes. */
function lowerCase(word: string): string {
  return word.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function cutName(name: string): string {
  if (name.length * 3 <= mostNameBytes || Buffer.byteLength(name) <= mostNameBytes) return name;
  const bytes = Buffer.from(name.slice(0, mostNameBytes), "utf8");
  let end = Math.min(mostNameBytes, bytes.length);
  // No letter is cut in two.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

type Escapes = "plain" | "backslash" | "unicode";

/** Returns the content with its doubled quotes, escapes and continuations resolved. */
function contentOf({ text, contentStart, contentEnd }: SqlLexer, closing: number, escapes: Escapes): string {
  let content = "";
  let from = contentStart;
  let at = contentStart;
  while (at < contentEnd) {
    const code = text.charCodeAt(at);
    if (code === closing) {
      const isDoubled = text.charCodeAt(at + 1) === closing;
      content += text.slice(from, isDoubled ? at + 1 : at);
      // The end of a text that has no closing quote may be a quote of the content.
      at = closing === quote ? Math.max(contentGoesOn(text, at), at + 1) : at + 2;
      from = at;
    } else if (code === backslash && escapes !== "plain") {
      const resolved = escapes === "backslash" ? backslashEscape(text, at) : unicodeEscape(text, at);
      content += text.slice(from, at) + resolved.content;
      at += resolved.length;
      from = at;
    } else at += 1;
  }
  return content + text.slice(from, contentEnd);
}

interface Escape {
  readonly content: string;
  readonly length: number;
}

const controls: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", b: "\b" };

/** A code point by its number is left as it is spelt: nobody writes a name so. */
function backslashEscape(text: string, at: number): Escape {
  const character = text.charAt(at + 1);
  return { content: memberOf(controls, character) ?? character, length: 2 };
}

function unicodeEscape(text: string, at: number): Escape {
  const isLong = text.charCodeAt(at + 1) === plus;
  const digits = isLong ? text.slice(at + 2, at + 8) : text.slice(at + 1, at + 5);
  const codePoint = Number.parseInt(digits, 16);
  const isWhole = digits.length === (isLong ? 6 : 4) && codePoint >= 0 && codePoint <= 0x10ffff;
  return isWhole
    ? { content: String.fromCodePoint(codePoint), length: isLong ? 8 : 5 }
    : { content: text.charAt(at + 1), length: 2 };
}
