// The classes of characters that scan.l tells apart, by char code. NaN, which stands for the end of a text, is in none of them.

export const lineFeed = 0x0a;
export const carriageReturn = 0x0d;
export const doubleQuote = 0x22;
export const dollar = 0x24;
export const ampersand = 0x26;
export const quote = 0x27;
export const star = 0x2a;
export const plus = 0x2b;
export const minus = 0x2d;
export const dot = 0x2e;
export const slash = 0x2f;
export const zero = 0x30;
export const colon = 0x3a;
export const equals = 0x3d;
export const backslash = 0x5c;
export const underscore = 0x5f;
export const letterB = 0x62;
export const letterE = 0x65;
const letterO = 0x6f;
export const letterU = 0x75;
export const letterX = 0x78;

const classes = { blank: 1, digit: 2, wordStart: 4, operator: 8, special: 16, hexadecimal: 32 } as const;

const classesOf = new Uint8Array(128);
mark(" \t\n\r\f\v", classes.blank);
mark("0123456789", classes.digit);
mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", classes.wordStart);
mark("~!@#^&|`?+-*/%<>=", classes.operator);
mark("~!@#^&|`?%", classes.special);
mark("0123456789abcdefABCDEF", classes.hexadecimal);

export const isBlank = (code: number): boolean => has(code, classes.blank);
export const isDigit = (code: number): boolean => code >= zero && code <= 0x39;
export const isOperator = (code: number): boolean => has(code, classes.operator);
/** An operator of several characters may end in + or - only when one of these is in it. */
export const isSpecial = (code: number): boolean => has(code, classes.special);
export const isWordStart = (code: number): boolean => code >= 0x80 || has(code, classes.wordStart);
export const isWordPart = (code: number): boolean =>
  code >= 0x80 || code === dollar || has(code, classes.wordStart | classes.digit);

/** Returns which digits follow 0x, 0o or 0b, by the code of that letter; undefined for any other. */
export function digitsOfBase(letter: number): ((code: number) => boolean) | undefined {
  switch (letter | 0x20) {
    case letterX:
      return (code) => has(code, classes.hexadecimal);
    case letterO:
      return (code) => code >= zero && code <= 0x37;
    case letterB:
      return (code) => code === zero || code === 0x31;
    default:
      return undefined;
  }
}

function has(code: number, wanted: number): boolean {
  return ((classesOf[code] ?? 0) & wanted) !== 0;
}

function mark(characters: string, wanted: number): void {
  for (let i = 0; i < characters.length; i += 1) {
    const code = characters.charCodeAt(i);
    classesOf[code] = (classesOf[code] ?? 0) | wanted;
  }
}
