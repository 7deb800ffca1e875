// From one page of a list to the next. The place of a page is a text, which the sync keeps as its checkpoint.

import { assertNever } from "../config/assert-never.js";
import { isRecord } from "../config/json.js";
import type { Call } from "../manifest/call-schema.js";
import type { Pages } from "../manifest/pages-schema.js";
import { lookUp, textAt } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { Scope } from "../manifest/template.js";
import { nextByCount, type PageRead, placeOf } from "./counted-pages.js";

/** A page as a call: what the call's templates may name besides, or the page's own address. */
interface PageCall {
  readonly call: Call;
  readonly scope: Scope;
  readonly address?: string;
}

/** Returns the call that reads the page at `cursor`; null is the first page. */
export function pageCall(call: Call, cursor: string | null): PageCall {
  const { pages } = call;
  if (!pages || cursor === null) return { call, scope: {} };
  switch (pages.kind) {
    case "url":
    case "link":
      return { call, scope: {}, address: cursor };
    case "offset":
    case "page":
      return { call: withCursor(call, pages.as), scope: { cursor: placeOf(cursor).at } };
    case "cursor":
    case "last":
    case "first":
      return { call: withCursor(call, pages.as), scope: { cursor } };
    default:
      return assertNever(pages);
  }
}

/** Adds the cursor to the body of a call that has one, or to its query; a call without a name for it has a place for it already. */
function withCursor(call: Call, name: string): Call {
  if (name === "") return call;
  const more = { [name]: "{cursor}" };
  return isRecord(call.body)
    ? { ...call, body: { ...call.body, ...more } }
    : { ...call, query: { ...call.query, ...more } };
}

/**
 * Returns where the next page begins, as a cursor or an address; null after the last page. Throws ReadFailed when a page leads to another
 * host, or when the record that leads on has no value in the column.
 */
export function nextPage(pages: Pages | undefined, cursor: string | null, page: PageRead): string | null {
  if (!pages) return null;
  const { answer } = page;
  if (pages.more !== undefined && lookUp(answer.body, pages.more) !== true) return null;
  switch (pages.kind) {
    case "cursor":
      return cursorOf(textAt(answer.body, pages.at));
    case "offset":
    case "page":
      return nextByCount(pages, cursor, page);
    case "last":
    case "first":
      return edgeValue(pages, page);
    case "url":
      return sameHost(textAt(answer.body, pages.at), answer.url);
    case "link":
      return sameHost(linkAddress(answer.headers.get("link") ?? "", pages.rel), answer.url);
    default:
      return assertNever(pages);
  }
}

type PagesBy<Kind extends Pages["kind"]> = Extract<Pages, { readonly kind: Kind }>;

/** No list goes on at its beginning: an API that gives 0 or an empty text has come to the end. */
function cursorOf(text: string | undefined): string | null {
  return text === undefined || text === "" || text === "0" ? null : text;
}

/** Returns the value by which the page's first or last record leads to the next page. */
function edgeValue({ kind, column }: PagesBy<"last" | "first">, page: PageRead): string | null {
  if (page.count === 0) return null;
  const value = page.valueOf(kind, column);
  if (value === undefined) throw new ReadFailed(`the ${kind} record of a page has no "${column}"`);
  return value;
}

/** Returns the absolute address, if that is on the host of `from`: no other host is shown our credentials. Throws ReadFailed. */
function sameHost(address: string | undefined, from: string): string | null {
  if (address === undefined || address === "") return null;
  const { origin } = new URL(from);
  const next = URL.canParse(address, from) ? new URL(address, from) : undefined;
  if (next?.origin !== origin)
    throw new ReadFailed(`the next page is at another host than ${origin}, where nothing is sent`);
  return next.href;
}

/** Returns the address of the first link with this relation in a Link header: `<https://…>; rel="next", …`. */
function linkAddress(header: string, rel: string): string | undefined {
  for (const [, address, parameters = ""] of header.matchAll(links)) {
    for (const [, name = "", quotedText, bare = ""] of parameters.matchAll(linkParameters)) {
      const rels = (quotedText ?? bare).toLowerCase().split(/\s+/);
      if (name.toLowerCase() === "rel" && rels.includes(rel.toLowerCase())) return address;
    }
  }
  return undefined;
}

const links = /<([^<>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^\s";,]*))?)*)/g;
const linkParameters = /;\s*([^\s=;,]+)\s*=\s*(?:"([^"]*)"|([^\s";,]*))/g;
