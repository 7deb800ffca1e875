// One text of JSON at a time, from the pieces that it comes in, with its escapes resolved.

/** A text breaks JSON's grammar. */
export class NotJson extends Error {}

/** A text is beyond a limit. The message goes on from "the body …", and quotes nothing of it. */
export class JsonTooLarge extends Error {}

const codes = { quote: 0x22, backslash: 0x5c, firstPlain: 0x20 } as const;

/** What stands for what behind a backslash. */
const escapes: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }).map(
    ([letter, character]) => [letter.charCodeAt(0), character.charCodeAt(0)],
  ),
);

const unicodeEscape = "u".charCodeAt(0);

/** A text with escapes grows by so many characters at a time: one by one, it would be a chain of as many parts. */
const portion = 1024;

/** A reader of texts, used for one after the other. */
export class JsonText {
  /** The closing quote has been read, and `value` is the text. */
  isComplete = false;
  value = "";
  /** What of an escape has been read: nothing, the backslash, or the backslash, the u and some digits. */
  private escape: "none" | "backslash" | "digits" = "none";
  private digits = "";
  private readonly characters = new Uint16Array(portion);
  private count = 0;

  constructor(private readonly longest: number) {}

  /** Begins the next text, behind its opening quote. */
  begin(): void {
    this.isComplete = false;
    this.value = "";
  }

  /** Reads on in `piece` from `at`, to the closing quote or the end. Returns the place behind what was read. Throws NotJson and JsonTooLarge. */
  push(piece: string, at: number): number {
    let place = at;
    while (place < piece.length && !this.isComplete) {
      if (this.escape === "none") place = this.readPlain(piece, place);
      else {
        this.readEscape(piece.charCodeAt(place));
        place += 1;
      }
    }
    return place;
  }

  /** Reads up to the closing quote, the next backslash or the end of the piece, and returns the place behind it. */
  private readPlain(piece: string, from: number): number {
    let place = from;
    let code = 0;
    for (; place < piece.length; place += 1) {
      code = piece.charCodeAt(place);
      if (code === codes.quote || code === codes.backslash) break;
      if (code < codes.firstPlain) throw new NotJson();
    }
    this.add(piece, from, place);
    if (place === piece.length) return place;
    if (code === codes.backslash) this.escape = "backslash";
    else this.complete();
    return place + 1;
  }

  private readEscape(code: number): void {
    if (this.escape === "digits") {
      this.readDigit(code);
      return;
    }
    if (code === unicodeEscape) {
      this.escape = "digits";
      this.digits = "";
      return;
    }
    const character = escapes.get(code);
    if (character === undefined) throw new NotJson();
    this.addCharacter(character);
    this.escape = "none";
  }

  private readDigit(code: number): void {
    this.digits += String.fromCharCode(code);
    if (this.digits.length < 4) return;
    if (!/^[\da-f]{4}$/i.test(this.digits)) throw new NotJson();
    this.addCharacter(Number.parseInt(this.digits, 16));
    this.escape = "none";
  }

  private add(piece: string, from: number, to: number): void {
    if (to - from >= portion || (this.count === 0 && this.escape === "none" && this.value === "")) {
      this.flush();
      this.value += piece.slice(from, to);
      this.checkLength();
      return;
    }
    for (let place = from; place < to; place += 1) this.addCharacter(piece.charCodeAt(place));
  }

  private addCharacter(code: number): void {
    if (this.count === portion) this.flush();
    this.characters[this.count] = code;
    this.count += 1;
  }

  private flush(): void {
    if (this.count === 0) return;
    this.value += String.fromCharCode(...this.characters.subarray(0, this.count));
    this.count = 0;
    this.checkLength();
  }

  private checkLength(): void {
    if (this.value.length > this.longest) throw new JsonTooLarge(`has a text of more than ${this.longest} characters`);
  }

  private complete(): void {
    this.flush();
    this.isComplete = true;
  }
}
