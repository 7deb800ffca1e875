// Pages by their number or by the number of records before them. A record that upstream deletes meanwhile moves all behind it, so that the next
// page would begin behind some that no page had. The API's own total tells: where it has become less, the list is read once more from so far back.

import type { Call } from "../manifest/call-schema.js";
import type { CountAt, Pages } from "../manifest/pages-schema.js";
import { textAt } from "../manifest/pointer.js";
import type { Answer } from "./exchange.js";

export interface PageRead {
  readonly answer: Pick<Answer, "body" | "headers" | "url">;
  /** How many elements stand where the records are. */
  readonly count: number;
  /** The first or the last record's value of a column; undefined when the record has none. */
  valueOf(place: "first" | "last", column: string): string | undefined;
}

/** Where a page begins, and what was known when the page before it was read. */
interface Place {
  /** What is sent: an offset, or the number of a page. */
  readonly at: number;
  /** How many records are before it. */
  readonly before: number;
  /** How many records the list had. */
  readonly total: number | undefined;
}

type CountedPages = Extract<Pages, { readonly kind: "offset" | "page" }>;

/** Reads a place from its text: what is sent, and behind spaces the records before it and their total where the API tells of that. */
export function placeOf(cursor: string): Place {
  const [at = "", before = at, total] = cursor.split(" ");
  return { at: Number(at), before: Number(before), total: total === undefined ? undefined : Number(total) };
}

function textOf({ at, before, total }: Place): string {
  return total === undefined ? String(at) : `${at} ${before} ${total}`;
}

/** Returns where the next page begins; null behind the last. */
export function nextByCount(pages: CountedPages, cursor: string | null, { answer, count }: PageRead): string | null {
  const first = pages.kind === "page" ? pages.from : 0;
  const here = cursor === null ? { at: first, before: 0, total: undefined } : placeOf(cursor);
  const total = countIn(pages.total, answer);
  const missing = Math.max(0, (here.total ?? 0) - (total ?? here.total ?? 0));
  if (missing > 0 && here.before > 0) return textOf({ ...stepBack(pages, here, missing), total });
  if (count === 0) return null;
  const before = here.before + count;
  if (total !== undefined && before >= total) return null;
  if (pages.kind === "offset") return textOf({ at: here.at + count, before, total });
  const pageTotal = countIn(pages.totalPages, answer);
  if (pageTotal !== undefined && here.at - pages.from + 1 >= pageTotal) return null;
  return textOf({ at: here.at + 1, before, total });
}

/** Returns the place that has all records behind it which are `missing` places further to the front by now. */
function stepBack(pages: CountedPages, { at, before }: Place, missing: number): Omit<Place, "total"> {
  const target = Math.max(0, before - missing);
  if (pages.kind === "offset") return { at: target, before: target };
  const perPage = before / (at - pages.from);
  const pagesBefore = Math.floor(target / perPage);
  return { at: pages.from + pagesBefore, before: pagesBefore * perPage };
}

/** Returns how many records the list of a call has, by the API's own word; null when that counts no records, or is not said. */
export function totalOf({ pages, rows }: Pick<Call, "pages" | "rows">, answer: PageRead["answer"]): number | null {
  // Where the records are in others, those are counted.
  if (!pages || !("total" in pages) || rows?.includes("/*/")) return null;
  return countIn(pages.total, answer) ?? null;
}

/** A header may have the number behind other words: `Content-Range: items 0-99/1234`. */
function countIn(at: CountAt | undefined, { body, headers }: PageRead["answer"]): number | undefined {
  if (at === undefined) return undefined;
  const text = typeof at === "string" ? textAt(body, at) : headers.get(at.header.toLowerCase());
  const digits = /(?:^|[\s/])(\d{1,15})\s*$/.exec(text ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}
