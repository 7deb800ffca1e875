// The lists within records. An answer shows a page of each, and a list that goes on behind it is read to its end, record by record: what is
// not shown is not gone.

import pMap from "p-map";
import { isRecord } from "../config/json.js";
import { inSlices, type Slices } from "../config/slices.js";
import type { Call } from "../manifest/call-schema.js";
import type { NestedRows } from "../manifest/pages-schema.js";
import { lookUp, textAt } from "../manifest/pointer.js";
import type { Scope } from "../manifest/template.js";
import type { PageRead } from "./counted-pages.js";
import type { Answer } from "./exchange.js";
import { nextPage, pageCall } from "./pages.js";

/** How the further pages of a list are read. */
export interface NestedReader {
  /** Sends a call that reads, and returns its answer. Throws ReadFailed. */
  send(request: { readonly call: Call; readonly scope: Scope; readonly address?: string }): Promise<Answer>;
  /** The pointer to a column within an element of the lists. */
  pointerOf(column: string): string;
  /** The failure of the read, of which `why` says what is wrong with a list. */
  failure(why: string): Error;
  /** How many lists are read at a time. */
  readonly concurrency: number;
}

/** A record whose list goes on behind what was shown of it. */
interface Unfinished {
  readonly record: Readonly<Record<string, unknown>>;
  readonly cursor: string;
}

/**
 * Returns what the lists of an answer have besides what it shows, each element with its record as `..`. Throws what `reader` throws, and its
 * failure where the manifest has no call for the rest of a list or its pages do not end.
 */
export async function restOfLists(
  nested: NestedRows,
  answer: Answer,
  reader: NestedReader,
): Promise<readonly unknown[]> {
  const unfinished = await inSlices(findUnfinished(nested, answer, reader));
  const readOne = (one: Unfinished) => readRest(nested, one, reader);
  return (await pMap(unfinished, readOne, { concurrency: reader.concurrency })).flat();
}

function* findUnfinished(nested: NestedRows, answer: Answer, reader: NestedReader): Slices<readonly Unfinished[]> {
  const records = lookUp(answer.body, nested.each);
  const unfinished: Unfinished[] = [];
  for (const record of Array.isArray(records) ? records : []) {
    yield;
    if (!isRecord(record)) continue;
    const cursor = nextPage(nested.pages, null, pageAt(record, nested.rows, answer, reader));
    if (cursor !== null) unfinished.push({ record, cursor });
  }
  return unfinished;
}

async function readRest(
  { pages, rest }: NestedRows,
  { record, cursor: first }: Unfinished,
  reader: NestedReader,
): Promise<readonly unknown[]> {
  if (!rest)
    throw reader.failure('a list within a record goes on behind its page; say in "rows.pages.rest" how to read on');
  const elements: unknown[] = [];
  let cursor: string | null = first;
  for (let read = 0; cursor !== null; read += 1) {
    if (read >= pages.cap) throw reader.failure(`the pages of a list within a record have no end (${read} read)`);
    const { scope, ...request } = pageCall({ ...rest, pages }, cursor);
    const answer = await reader.send({ ...request, scope: { cursor, ...scope, each: record } });
    const list = lookUp(answer.body, rest.rows);
    if (!Array.isArray(list)) throw reader.failure(`the rest of a list within a record is not at ${rest.rows}`);
    elements.push(...list.filter(isRecord).map((element) => ({ ...element, "..": record })));
    const next = nextPage(pages, cursor, pageAt(answer.body, rest.rows, answer, reader));
    if (next === cursor && list.length > 0) throw reader.failure("a page of a list within a record leads to itself");
    cursor = next === cursor ? null : next;
  }
  return elements;
}

/** Returns the list at a pointer as a page: what leads on stands beside it. */
function pageAt(body: unknown, rows: string, { headers, url }: Answer, { pointerOf }: NestedReader): PageRead {
  const list = lookUp(body, rows);
  const elements: readonly unknown[] = Array.isArray(list) ? list : [];
  return {
    answer: { body: lookUp(body, rows.slice(0, rows.lastIndexOf("/"))), headers, url },
    count: elements.length,
    valueOf: (place, column) => textAt(elements.at(place === "first" ? 0 : -1), pointerOf(column)),
  };
}
