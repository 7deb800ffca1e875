// Cuts SQL or PL/pgSQL text into tokens as Postgres's scan.l does, in one pass: no character is read more than a fixed number of times.
// The text is decoded, or latin1 that stands for bytes: all that matters is ASCII, and every other character belongs to a word.

import {
  ampersand,
  colon,
  dollar,
  dot,
  doubleQuote,
  equals,
  isBlank,
  isDigit,
  isOperator,
  isSpecial,
  isWordPart,
  isWordStart,
  letterB,
  letterE,
  letterU,
  letterX,
  minus,
  plus,
  quote,
} from "./characters.js";
import {
  beginsComment,
  closingDoubleQuote,
  closingQuote,
  closingQuoteOfEscapes,
  closingTag,
  commentEnd,
  numberEnd,
  tagEnd,
} from "./token-ends.js";

export type TokenKind =
  | "word"
  /** "…" */
  | "quoted"
  /** U&"…" */
  | "unicodeQuoted"
  /** '…' */
  | "string"
  /** E'…', in which backslashes escape */
  | "escapeString"
  /** U&'…' */
  | "unicodeString"
  /** B'…' or X'…' */
  | "bits"
  /** $tag$…$tag$ */
  | "dollarString"
  | "number"
  /** $1 */
  | "parameter"
  | "operator"
  /** One of , ( ) [ ] . ; : or a pair such as :: or a character that SQL has no use for */
  | "punctuation"
  | "end";

/** Reads the tokens of a text one behind the other; blanks and comments are none. Positions are indices of the string. */
export class SqlLexer {
  kind: TokenKind = "end";
  /** Where the token begins. */
  start = 0;
  /** The index behind the token's last character. */
  end = 0;
  /** Where the content of a quoted name or a literal begins. */
  contentStart = 0;
  /** The index behind the content of a quoted name or a literal. */
  contentEnd = 0;
  /** False once the text has ended within a token or a comment, so that Postgres refuses it. */
  isClosed = true;
  /** The run of operator characters that was read last ends here, */
  private runEnd = 0;
  /** its last + and - begin here, */
  private runTail = 0;
  /** and its last special character stands here. */
  private runSpecial = -1;

  constructor(readonly text: string) {}

  /** Reads the next token into the fields of this lexer. Returns its kind: "end" behind the last one. */
  next(): TokenKind {
    this.skipBlanks();
    this.start = this.end;
    this.kind = this.start < this.text.length ? this.read(this.start) : "end";
    return this.kind;
  }

  /** Returns whether the token is this one character. */
  is(character: string): boolean {
    return this.end === this.start + 1 && this.text[this.start] === character;
  }

  private skipBlanks(): void {
    const { text } = this;
    let at = this.end;
    for (;;) {
      if (isBlank(text.charCodeAt(at))) at += 1;
      else if (beginsComment(text, at)) at = this.closed(commentEnd(text, at));
      else break;
    }
    this.end = at;
  }

  private read(start: number): TokenKind {
    const { text } = this;
    const code = text.charCodeAt(start);
    const next = text.charCodeAt(start + 1);
    if (isWordStart(code)) return this.readWord(code, next);
    if (isDigit(code) || (code === dot && isDigit(next))) return this.endAt("number", numberEnd(text, start));
    switch (code) {
      case quote:
        return this.readContent("string", start + 1, closingQuote(text, start + 1), 1);
      case doubleQuote:
        return this.readContent("quoted", start + 1, closingDoubleQuote(text, start + 1), 1);
      case dollar:
        return isDigit(next) ? this.readParameter() : this.readDollarString();
      case dot:
        return this.endAt("punctuation", next === dot ? start + 2 : start + 1);
      case colon:
        return this.endAt("punctuation", next === colon || next === equals ? start + 2 : start + 1);
      default:
        return isOperator(code) ? this.readOperator() : this.endAt("punctuation", start + 1);
    }
  }

  private readWord(code: number, next: number): TokenKind {
    if (next === quote || next === ampersand) {
      const prefixed = this.readPrefixed(code | 0x20, next);
      if (prefixed) return prefixed;
    }
    let at = this.start + 1;
    while (isWordPart(this.text.charCodeAt(at))) at += 1;
    return this.endAt("word", at);
  }

  /** Reads what a letter makes of the quotes behind it; undefined when it is a word. */
  private readPrefixed(letter: number, next: number): TokenKind | undefined {
    const { text, start } = this;
    const second = start + 2;
    const third = start + 3;
    if (next === ampersand) {
      const code = letter === letterU ? text.charCodeAt(second) : 0;
      if (code === quote) return this.readContent("unicodeString", third, closingQuote(text, third), 1);
      if (code === doubleQuote) return this.readContent("unicodeQuoted", third, closingDoubleQuote(text, third), 1);
      return undefined;
    }
    if (letter === letterE) return this.readContent("escapeString", second, closingQuoteOfEscapes(text, second), 1);
    if (letter !== letterB && letter !== letterX) return undefined;
    return this.readContent("bits", second, closingQuote(text, second, "bits"), 1);
  }

  private readParameter(): TokenKind {
    let at = this.start + 1;
    while (isDigit(this.text.charCodeAt(at))) at += 1;
    return this.endAt("parameter", at);
  }

  private readDollarString(): TokenKind {
    const { text, start } = this;
    const from = tagEnd(text, start);
    if (from < 0) return this.endAt("punctuation", start + 1);
    return this.readContent("dollarString", from, closingTag(text, start, from), from - start);
  }

  /** Reads a run of operator characters, or what is left of it. An operator without a special one ends in no + or -: `a=-1` has two. */
  private readOperator(): TokenKind {
    const { start } = this;
    if (start >= this.runEnd) this.readRun(start);
    const isSplit = this.runTail < this.runEnd && this.runSpecial < start;
    return this.endAt("operator", isSplit ? Math.max(start + 1, this.runTail) : this.runEnd);
  }

  /** A run is read once, however many operators it turns out to be. */
  private readRun(start: number): void {
    const { text } = this;
    let at = start;
    this.runTail = start;
    this.runSpecial = -1;
    for (let code = text.charCodeAt(at); isOperator(code); code = text.charCodeAt(at)) {
      if (at > start && beginsComment(text, at)) break;
      if (isSpecial(code)) this.runSpecial = at;
      at += 1;
      if (code !== plus && code !== minus) this.runTail = at;
    }
    this.runEnd = at;
  }

  private readContent(kind: TokenKind, from: number, closing: number, closingLength: number): TokenKind {
    this.contentEnd = this.closed(closing);
    this.contentStart = Math.min(from, this.contentEnd);
    return this.endAt(kind, Math.min(this.contentEnd + closingLength, this.text.length));
  }

  private endAt(kind: TokenKind, end: number): TokenKind {
    this.end = end;
    return kind;
  }

  /** Returns the index; the text's end, and notes it, when there is none. */
  private closed(index: number): number {
    if (index >= 0) return index;
    this.isClosed = false;
    return this.text.length;
  }
}
