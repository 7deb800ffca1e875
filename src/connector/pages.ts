// From one page of a list to the next. A page's place is a text, kept as the checkpoint of whoever reads them.

import { isRecord } from "../config/json.js";
import type { Call, Pages } from "./call-schema.js";
import { ReadFailed } from "./ending.js";
import type { Answer } from "./exchange.js";
import { lookUp, textAt } from "./pointer.js";

/** The call of the page at `cursor`, or its address. */
export function pageCall(call: Call, cursor: string | null): { readonly call: Call; readonly address?: string } {
  const { pages } = call;
  if (!pages || cursor === null) return { call };
  if (pages.kind === "url" || pages.kind === "link") return { call, address: cursor };
  // What a call says in its body is said there.
  return isRecord(call.body)
    ? { call: { ...call, body: { ...call.body, [pages.as]: cursor } } }
    : { call: { ...call, query: { ...call.query, [pages.as]: cursor } } };
}

export interface PageRead {
  readonly answer: Answer;
  /** What stands where the records are. */
  readonly count: number;
  /** The column that leads on, of the first and of the last record. */
  columnOf(place: "first" | "last", column: string): string | null;
}

/** Where the next page begins; null after the last. `origin`: of the API, which alone gets our credentials. */
export function nextPage(
  pages: Pages | undefined,
  cursor: string | null,
  page: PageRead,
  origin: string,
): string | null {
  if (!pages) return null;
  const { answer, count } = page;
  switch (pages.kind) {
    case "cursor":
      return textAt(answer.body, pages.at) || null;
    case "offset": {
      const next = Number(cursor ?? 0) + count;
      const total = pages.total === undefined ? undefined : textAt(answer.body, pages.total);
      return count === 0 || (total !== undefined && next >= Number(total)) ? null : String(next);
    }
    case "page":
      return count === 0 ? null : String(Number(cursor ?? pages.from) + 1);
    case "last":
    case "first":
      if (count === 0 || (pages.more !== undefined && lookUp(answer.body, pages.more) !== true)) return null;
      return page.columnOf(pages.kind, pages.column);
    case "url":
      return sameHost(textAt(answer.body, pages.at), origin);
    case "link":
      return sameHost(linked(answer.headers.get("link") ?? "", pages.rel), origin);
  }
}

function sameHost(address: string | undefined, origin: string): string | null {
  if (address === undefined || address === "") return null;
  const next = URL.canParse(address, origin) ? new URL(address, origin) : undefined;
  if (next?.origin !== new URL(origin).origin)
    throw new ReadFailed(`the next page is at another host than ${origin}, where nothing is sent`);
  return next.href;
}

/** Of the Link header: `<https://…>; rel="next", …`. */
function linked(header: string, rel: string): string | undefined {
  for (const [, address, parameters = ""] of header.matchAll(/<([^>]*)>((?:\s*;\s*[\w*]+="?[^",;]*"?)*)/g)) {
    if (new RegExp(`;\\s*rel="?(?:[^"]* )?${rel}(?: [^"]*)?"?(?:;|$)`).test(parameters)) return address;
  }
  return undefined;
}
