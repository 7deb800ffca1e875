// From one page of a list to the next. A page's place is a text, kept as the checkpoint of whoever reads them.

import { isRecord } from "../config/json.js";
import type { Call, Pages } from "../manifest/call-schema.js";
import { lookUp, textAt } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { Scope } from "../manifest/template.js";
import type { Answer } from "./exchange.js";

/** The call of the page at `cursor`, with what its templates may name, or its address. */
export function pageCall(
  call: Call,
  cursor: string | null,
): { readonly call: Call; readonly scope: Scope; readonly address?: string } {
  const { pages } = call;
  if (!pages || cursor === null) return { call, scope: {} };
  if (pages.kind === "url" || pages.kind === "link") return { call, scope: {}, address: cursor };
  const scope = { cursor: pages.kind === "offset" || pages.kind === "page" ? Number(cursor) : cursor };
  const more = { [pages.as]: "{cursor}" };
  // What a call says in its body is said there.
  return isRecord(call.body)
    ? { call: { ...call, body: { ...call.body, ...more } }, scope }
    : { call: { ...call, query: { ...call.query, ...more } }, scope };
}

export interface PageRead {
  readonly answer: Answer;
  /** What stands where the records are. */
  readonly count: number;
  /** What the first or the last record has in the column that leads on. */
  valueOf(place: "first" | "last", column: string): string | undefined;
}

/** Where the next page begins; null after the last. Throws ReadFailed. */
export function nextPage(pages: Pages | undefined, cursor: string | null, page: PageRead): string | null {
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
    case "first": {
      if (count === 0 || (pages.more !== undefined && lookUp(answer.body, pages.more) !== true)) return null;
      const value = page.valueOf(pages.kind, pages.column);
      if (value === undefined) throw new ReadFailed(`the ${pages.kind} record of a page has no "${pages.column}"`);
      return value;
    }
    case "url":
      return sameHost(textAt(answer.body, pages.at), answer.url);
    case "link":
      return sameHost(linked(answer.headers.get("link") ?? "", pages.rel), answer.url);
  }
}

/** That host alone gets what shows who we are. */
function sameHost(address: string | undefined, from: string): string | null {
  if (address === undefined || address === "") return null;
  const { origin } = new URL(from);
  const next = URL.canParse(address, from) ? new URL(address, from) : undefined;
  if (next?.origin !== origin)
    throw new ReadFailed(`the next page is at another host than ${origin}, where nothing is sent`);
  return next.href;
}

/** Of the Link header: `<https://…>; rel="next", …`. */
function linked(header: string, rel: string): string | undefined {
  for (const [, address, parameters = ""] of header.matchAll(links)) {
    for (const [, name = "", quoted, bare = ""] of parameters.matchAll(linkParameters)) {
      const rels = (quoted ?? bare).toLowerCase().split(/\s+/);
      if (name.toLowerCase() === "rel" && rels.includes(rel.toLowerCase())) return address;
    }
  }
  return undefined;
}

const links = /<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^\s";,]*))?)*)/g;
const linkParameters = /;\s*([^\s=;,]+)\s*=\s*(?:"([^"]*)"|([^\s";,]*))/g;
