// Reads JSON (RFC 8259) piece by piece, without recursion. A number that JavaScript can't hold stays as it was written.
//
// Neither JSON.parse nor lossless-json can be interrupted: 6 MB of nested lists held the loop for 7 s, and 13 s.

import { assertNever } from "../config/assert-never.js";
import { setMember } from "../config/member.js";
import { numberOf } from "./json-number.js";
import { JsonText, JsonTooLarge, NotJson } from "./json-text.js";

/** How much is read. */
export interface JsonLimits {
  /** How many lists and objects may stand in each other. */
  readonly depth: number;
  /** All values together: texts, numbers, lists and so on. */
  readonly values: number;
  /** The names of one object: JavaScript makes room for more of them in steps that can't be interrupted. */
  readonly names: number;
  /** The characters of one text or name. */
  readonly text: number;
  /** The characters of one number. */
  readonly number: number;
}

/** A list or an object whose end has not come. */
type Container =
  | { readonly kind: "list"; readonly list: unknown[] }
  | { readonly kind: "object"; readonly object: Record<string, unknown>; names: number; name: string };

/** What may come next, between two tokens. */
type Expected = "value" | "value or end" | "name" | "name or end" | "colon" | "comma or end" | "end of text";

export class JsonReader {
  private readonly open: Container[] = [];
  private expected: Expected = "value";
  private inside: "text" | "word" | "nothing" = "nothing";
  private readonly text: JsonText;
  /** The beginning of a number, or of true, false or null. */
  private word = "";
  private values = 0;
  private whole: unknown;

  constructor(private readonly limits: JsonLimits) {
    this.text = new JsonText(limits.text);
  }

  /** Reads the next piece of the text, to its end. Takes time in proportion to its length. Throws NotJson and JsonTooLarge. */
  push(piece: string): void {
    let at = 0;
    while (at < piece.length) {
      switch (this.inside) {
        case "text":
          at = this.text.push(piece, at);
          if (this.text.isComplete) this.endText();
          break;
        case "word":
          at = this.readWord(piece, at);
          break;
        case "nothing":
          at = this.readToken(piece, at);
          break;
        default:
          assertNever(this.inside);
      }
    }
  }

  /** Returns the value of the whole text. Throws NotJson when the text ends too early. */
  end(): unknown {
    if (this.inside === "word") this.endWord();
    if (this.expected !== "end of text" || this.inside !== "nothing") throw new NotJson();
    return this.whole;
  }

  /** Reads whitespace, a mark of the grammar, or the beginning of a text or a word. Returns the place behind it. */
  private readToken(piece: string, at: number): number {
    const character = piece[at];
    switch (character) {
      case " ":
      case "\n":
      case "\r":
      case "\t":
        break;
      case '"':
        this.beginText();
        break;
      case "[":
        this.beginContainer({ kind: "list", list: [] }, "value or end");
        break;
      case "{":
        this.beginContainer({ kind: "object", object: {}, names: 0, name: "" }, "name or end");
        break;
      case "]":
        this.endContainer("list", "value or end");
        break;
      case "}":
        this.endContainer("object", "name or end");
        break;
      case ",":
        this.readComma();
        break;
      case ":":
        if (this.expected !== "colon") throw new NotJson();
        this.expected = "value";
        break;
      default:
        this.beginValue();
        this.inside = "word";
        return this.readWord(piece, at);
    }
    return at + 1;
  }

  private beginText(): void {
    if (this.expected !== "name" && this.expected !== "name or end") this.beginValue();
    this.text.begin();
    this.inside = "text";
  }

  private endText(): void {
    this.inside = "nothing";
    const container = this.open.at(-1);
    if (container?.kind === "object" && (this.expected === "name" || this.expected === "name or end")) {
      container.name = this.text.value;
      this.expected = "colon";
    } else this.add(this.text.value);
  }

  /** Reads on in a number, true, false or null. Returns the place behind it, or the end of the piece. */
  private readWord(piece: string, from: number): number {
    let at = from;
    while (at < piece.length && isInWord(piece.charCodeAt(at))) at += 1;
    this.word += piece.slice(from, at);
    if (this.word.length > this.limits.number)
      throw new JsonTooLarge(`has a number of more than ${this.limits.number} characters`);
    if (at < piece.length) this.endWord();
    return at;
  }

  private endWord(): void {
    const { word } = this;
    this.word = "";
    this.inside = "nothing";
    this.add(valueOfWord(word));
  }

  private readComma(): void {
    const container = this.open.at(-1);
    if (this.expected !== "comma or end" || !container) throw new NotJson();
    this.expected = container.kind === "list" ? "value" : "name";
  }

  private beginContainer(container: Container, expected: Expected): void {
    this.beginValue();
    if (this.open.length === this.limits.depth)
      throw new JsonTooLarge(`is nested deeper than ${this.limits.depth} levels`);
    this.open.push(container);
    this.expected = expected;
  }

  private endContainer(kind: Container["kind"], whenEmpty: Expected): void {
    const container = this.open.at(-1);
    if (container?.kind !== kind || (this.expected !== "comma or end" && this.expected !== whenEmpty))
      throw new NotJson();
    this.open.pop();
    this.add(container.kind === "list" ? container.list : container.object);
  }

  /** A value begins where one may stand. */
  private beginValue(): void {
    if (this.expected !== "value" && this.expected !== "value or end") throw new NotJson();
    this.values += 1;
    if (this.values > this.limits.values) throw new JsonTooLarge(`has more than ${this.limits.values} values`);
  }

  /** A value has ended: it belongs to the list or the object around it, or is the whole. */
  private add(value: unknown): void {
    const container = this.open.at(-1);
    this.expected = container ? "comma or end" : "end of text";
    if (!container) this.whole = value;
    else if (container.kind === "list") container.list.push(value);
    else this.addMember(container, value);
  }

  /** Of members with one name, the last wins. */
  private addMember(container: Extract<Container, { kind: "object" }>, value: unknown): void {
    const { object, name } = container;
    if (!Object.hasOwn(object, name)) {
      container.names += 1;
      if (container.names > this.limits.names)
        throw new JsonTooLarge(`has an object of more than ${this.limits.names} names`);
    }
    setMember(object, name, value);
  }
}

/** Letters, digits, `+`, `-` and `.`: no word of JSON has anything else. */
function isInWord(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x45 ||
    code === 0x2b ||
    code === 0x2d ||
    code === 0x2e
  );
}

/** Throws NotJson when the word is none of JSON's. */
function valueOfWord(word: string): unknown {
  switch (word) {
    case "true":
      return true;
    case "false":
      return false;
    case "null":
      return null;
    default:
      if (!number.test(word)) throw new NotJson();
      return numberOf(word);
  }
}

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
