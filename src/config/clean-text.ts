// Text of others that people read: one line without characters that a terminal, a log or an editor obeys, and of a bounded length.

declare const isClean: unique symbol;

/** Text that `cleanText` has made. Fields of this type take no other text, so that none gets past it. */
export type CleanText = string & { readonly [isClean]: true };

/** How many characters (UTF-16 units) are left of what an API says. */
export const textLimits = {
  /** A sentence: a message, or the reason of a failure. */
  sentence: 2_048,
  /** A word: a code, the id of a request, a name. */
  word: 200,
} as const;

/** Control characters and the ends of lines: one space stands for a run of them. */
const breaks = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
/** What shows nothing itself and changes how the rest is shown, such as the direction of writing; and what is no character. */
const invisible = /[\p{Cf}\p{Noncharacter_Code_Point}]/gu;
/** Half a character. */
const loneSurrogates = /\p{Cs}/gu;
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Noncharacter_Code_Point}\p{Cs}]/u;
const unsafeRuns = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Noncharacter_Code_Point}\p{Cs}]+/gu;

/** A shorter secret could be any word, and is not looked for. */
const leastSecret = 6;

/** Only so many times the limit is looked at: what is left out of the text makes room for no more. */
const lookahead = 4;

/**
 * Returns `text` as one line of at most `most` characters, with "…" at its end when it was longer. `secrets` are taken out before it is
 * cut, so that no part of one is left at its end.
 */
export function cleanText(text: string, most: number, secrets: readonly string[] = []): CleanText {
  const longestFirst = secrets.filter(({ length }) => length >= leastSecret).sort((a, b) => b.length - a.length);
  const longestSecret = longestFirst[0]?.length ?? 0;
  const reach = lookahead * most + longestSecret;
  const clean = longestFirst.reduce(
    (rest, secret) => rest.replaceAll(secret, "…"),
    withoutUnsafe(text.slice(0, reach)),
  );
  // Where the reach ends, a secret may have been cut.
  const whole = (text.length <= reach ? clean : clean.slice(0, Math.max(0, clean.length - longestSecret))).trim();
  const isCut = whole.length > most || text.length > reach;
  const line = isCut ? `${withoutHalf(whole.slice(0, most - 1))}…` : whole;
  if (!isCleanText(line)) throw new Error("a text has been cleaned and is not clean");
  return line;
}

/** Returns whether the text has nothing that `cleanText` would take out or replace. Its length is not looked at. */
export function isCleanText(text: string): text is CleanText {
  return !unsafe.test(text);
}

/** Returns the text with each unsafe character as `\u001b`, the ends of lines included. */
export function escapeText(text: string): string {
  return text.replaceAll(unsafeRuns, escapeUnits);
}

/** Returns the lines with each unsafe character as `\u001b`, but for the ends of lines and tabs. JSON stays the same JSON. */
export function escapeLines(text: string): string {
  return text.replaceAll(unsafeRuns, (run) => run.replaceAll(/[^\n\t]+/g, escapeUnits));
}

function withoutUnsafe(text: string): string {
  if (!unsafe.test(text)) return text;
  return text.replaceAll(breaks, " ").replaceAll(invisible, "").replaceAll(loneSurrogates, "\uFFFD");
}

/** Returns the text without the first half of a character whose second half was cut off. */
function withoutHalf(text: string): string {
  return /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text;
}

function escapeUnits(run: string): string {
  return Array.from({ length: run.length }, (_, at) => run.charCodeAt(at).toString(16).padStart(4, "0"))
    .map((hex) => `\\u${hex}`)
    .join("");
}
