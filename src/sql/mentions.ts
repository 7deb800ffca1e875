// What the body of a function or a DO block mentions: the tables that it writes to and the functions that it calls, in its code and in
// its literals, which may be SQL that it runs. Comments are left out.

import type { Slices } from "../config/slices.js";
import type { TableName } from "./classification.js";
import { SqlLexer, type TokenKind } from "./lexer.js";
import { literalOf, nameOf } from "./token-text.js";

export interface Mention {
  readonly kind: "table" | "function";
  readonly name: TableName;
  /** The name is one word without quotes, so it may be a word of the language: `if (` is no call. */
  readonly isWord: boolean;
}

/** Literals within literals are read so far down. Each level is at most as long as the one around it. */
const deepest = 4;
/** After so many tokens the reader lets others on. */
const tokensInSlice = 2_000;

/** Returns what `body` mentions, each name as often as it stands there. Its time grows with the length of the body, and no faster. */
export function mentionsIn(body: string): Mention[] {
  const mentions: Mention[] = [];
  for (const _ of readMentions(body, (mention) => mentions.push(mention)));
  return mentions;
}

/** Tells `note` of each mention in `body`. It yields after every slice of work, which takes about a millisecond. */
export function* readMentions(body: string, note: (mention: Mention) => void): Slices<void> {
  const texts = [{ text: body, depth: 0 }];
  for (let next = texts.pop(); next; next = texts.pop()) {
    const { text, depth } = next;
    const inner = depth < deepest ? (literal: string) => texts.push({ text: literal, depth: depth + 1 }) : () => {};
    yield* new MentionReader(text, note, inner).read();
  }
}

/** What the words so far ask for: `into` is the word behind INSERT, `from` the one behind DELETE, `copied` the one behind COPY's table. */
type Expectation = "nothing" | "into" | "from" | "target" | "copy" | "copied";

class MentionReader {
  private readonly lexer: SqlLexer;
  private expects: Expectation = "nothing";
  private word = "";
  private copied: TableName | undefined;

  constructor(
    text: string,
    private readonly note: (mention: Mention) => void,
    /** Takes a literal whose text is to be read too. */
    private readonly inner: (literal: string) => void,
  ) {
    this.lexer = new SqlLexer(text);
  }

  *read(): Slices<void> {
    const { lexer } = this;
    lexer.next();
    for (let tokens = 1; lexer.kind !== "end"; tokens += 1) {
      if (tokens % tokensInSlice === 0) yield;
      this.readToken(lexer.kind);
    }
    yield;
  }

  private readToken(kind: TokenKind): void {
    const { lexer } = this;
    const name = nameOf(lexer);
    if (name !== undefined) {
      this.readName(name, kind);
      return;
    }
    const literal = literalOf(lexer);
    if (literal !== undefined && literal.length > 1) this.inner(literal);
    if (!this.staysExpected()) this.forget();
    this.word = "";
    lexer.next();
  }

  /** Returns whether the words so far ask for the same behind this token: ONLY may put its table in brackets, and COPY has columns in them. */
  private staysExpected(): boolean {
    const { lexer, expects, word } = this;
    if (expects === "target") return word === "only" && lexer.is("(");
    return expects === "copied" && (lexer.is("(") || lexer.is(")") || lexer.is(","));
  }

  /** Reads a name of one or more parts, and leaves the lexer at the token behind it. */
  private readName(first: string, firstKind: TokenKind): void {
    const { lexer } = this;
    let schema: string | null = null;
    let table = first;
    let kind = firstKind;
    this.readQuotedText(first, firstKind);
    while (lexer.next() === "punctuation" && lexer.is(".")) {
      kind = lexer.next();
      const part = nameOf(lexer);
      if (part === undefined) break;
      this.readQuotedText(part, kind);
      schema = table;
      table = part;
    }
    const isWord = schema === null && kind === "word";
    this.take({ schema, table }, isWord);
    this.word = isWord ? table : "";
  }

  /** Other languages than SQL put their SQL between the quotes that mean a name here. */
  private readQuotedText(name: string, kind: TokenKind): void {
    const { text, contentStart, contentEnd } = this.lexer;
    if (kind === "quoted" && name.includes(" ")) this.inner(text.slice(contentStart, contentEnd).replaceAll('""', '"'));
  }

  private take(name: TableName, isWord: boolean): void {
    const word = isWord ? name.table : "";
    const { expects, copied } = this;
    if (expects === "target" && word === "only") return;
    if (expects === "copied" && word !== "to") {
      if (word !== "from") return;
      if (copied) this.note({ kind: "table", name: copied, isWord });
    }
    this.forget();
    if (expects === "target") this.note({ kind: "table", name, isWord });
    else if (expects === "copy") this.copies(name);
    else if ((expects === "into" || expects === "from") && expects === word) this.expects = "target";
    else {
      if (this.lexer.is("(")) this.note({ kind: "function", name, isWord });
      this.expects = this.expectationBehind(word);
    }
  }

  private copies(name: TableName): void {
    this.copied = name;
    this.expects = "copied";
  }

  private expectationBehind(word: string): Expectation {
    switch (word) {
      case "insert":
      case "merge":
        return "into";
      case "delete":
        return "from";
      case "update":
        // FOR UPDATE, FOR NO KEY UPDATE and DO UPDATE name no table behind them.
        return ["for", "key", "do"].includes(this.word) ? "nothing" : "target";
      case "copy":
        return "copy";
      default:
        return "nothing";
    }
  }

  private forget(): void {
    this.expects = "nothing";
    this.copied = undefined;
  }
}
