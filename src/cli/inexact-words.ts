// The words for the cells of a mirror that are not known to have upstream's value.

import { assertNever } from "../config/assert-never.js";
import { cleanText, textLimits } from "../config/clean-text.js";
import type { InexactColumn } from "../mirror/inexact.js";

/** So many columns are told of in one line. */
const shownColumns = 5;

/** Returns the words of the first of these columns, and how many more there are. */
export function inexactList(columns: readonly InexactColumn[]): string[] {
  const more = columns.length - shownColumns;
  const words = columns.slice(0, shownColumns).map(inexactWords);
  return more > 0 ? [...words, `${more} more columns with such values ("throughline check" names each)`] : words;
}

/** Returns such as `nums: 2 values that it can't hold (row "7")`: which column, how many of its cells and why, and the key of one row. */
export function inexactWords({ column, why, rows, key }: InexactColumn): string {
  const example = `(row "${cleanText(key, textLimits.word)}")`;
  switch (why) {
    case "unfit":
      return `${column}: ${rows === 1 ? "1 value" : `${rows} values`} that it can't hold ${example}`;
    case "missing":
      return `${column}: left out of ${rows === 1 ? "1 row" : `${rows} rows`} ${example}`;
    default:
      return assertNever(why);
  }
}

/** Returns what can be done about it. */
export function inexactRemedy({ column, why }: Pick<InexactColumn, "column" | "why">): string {
  switch (why) {
    case "unfit":
      return `what is computed from them is refused (55000): mend "columns.${column}.type" or its codec in the manifest`;
    case "missing":
      return `what is computed from them is refused (55000): say by "columns.${column}.absent" in the manifest what it means, a value or null`;
    default:
      return assertNever(why);
  }
}
