// Tries to go from the first page of a list to the second. An account with few records has one page only, so that a page of one record
// is asked for then.

import { assertNever } from "../config/assert-never.js";
import { isRecord } from "../config/json.js";
import type { Call } from "../manifest/call-schema.js";
import type { Pages } from "../manifest/pages-schema.js";
import { lookUp } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { Answer } from "./exchange.js";
import type { Page } from "./reading.js";
import { nameList } from "./words.js";

export interface ReadPage extends Page {
  /** What the page was read from; undefined when it was read without JSON. */
  readonly answer: Answer | undefined;
}

/** Reads a page by a call. Throws ReadFailed. */
type ReadPageBy = (call: Call, cursor: string | null) => Promise<ReadPage>;

interface PagesProbe {
  /** What is wrong with `pages`; undefined: nothing that could be seen. */
  readonly wrong?: string;
  /** Why no second page could be tried. */
  readonly untried?: string;
}

/** Returns how the list goes on behind its first page, which is `first`. `isHooked`: a hook says where the next page begins. */
export async function probePages(
  list: Call,
  first: ReadPage,
  read: ReadPageBy,
  isHooked: boolean,
): Promise<PagesProbe> {
  const stray = isHooked ? undefined : strayLink(list.pages, first);
  if (stray !== undefined) return { wrong: stray };
  if (first.next !== null) return probeSecond(list, first, read);
  const one = withPagesOfOne(list);
  if (first.records.length < 2) return { untried: "it has no two records" };
  if (!one) return list.pages ? { untried: "no parameter of the call says how many records a page has" } : {};
  const page = await read(one, null).catch(orNothing);
  if (!page || page.records.length >= first.records.length) return { untried: "the API gives no smaller page" };
  if (!list.pages && !isHooked && page.next === null)
    return {
      wrong: 'has no "pages", and gives as many records as it is asked for: what stands behind them is never read',
    };
  const strayOfOne = isHooked ? undefined : strayLink(list.pages, page);
  if (strayOfOne !== undefined) return { wrong: strayOfOne };
  if (page.next !== null) return probeSecond(one, page, read);
  return { wrong: isHooked ? hookedEnd : whyTheEnd(list.pages, page) };
}

const hookedEnd = 'the hook "nextPage" leads nowhere from a page behind which there is more';

async function probeSecond(call: Call, first: ReadPage, read: ReadPageBy): Promise<PagesProbe> {
  let second: ReadPage;
  try {
    second = await read(call, first.next);
  } catch (cause) {
    if (!(cause instanceof ReadFailed)) throw cause;
    return { wrong: `"pages": the second page failed: ${cause.message}` };
  }
  const keys = new Set(first.records.map(({ key }) => key));
  const isRepeated = second.records.length > 0 && second.records.every(({ key }) => keys.has(key));
  return isRepeated
    ? { wrong: '"pages": the second page has the records of the first one: the API does not know the parameter' }
    : {};
}

function orNothing(cause: unknown): undefined {
  if (!(cause instanceof ReadFailed)) throw cause;
  return undefined;
}

/** Names of parameters that say how many records a page has. */
const sizeName = /limit|size|count|per_?page|top|max|first|take|results|rows/i;

/** Returns the call with one record a page; undefined when no parameter of it looks like the size of a page. */
function withPagesOfOne(call: Call): Call | undefined {
  const isSize = (name: string, value: unknown) =>
    sizeName.test(name) && /^\d+$/.test(String(value)) && Number(value) > 1;
  const query = Object.entries(call.query ?? {}).find(([name, value]) => isSize(name, value));
  if (query) return { ...call, query: { ...call.query, [query[0]]: 1 } };
  const body = isRecord(call.body) ? Object.entries(call.body).find(([name, value]) => isSize(name, value)) : undefined;
  return body && isRecord(call.body) ? { ...call, body: { ...call.body, [body[0]]: 1 } } : undefined;
}

/** Returns what to say of a Link header that leads on by another relation than the manifest's. */
function strayLink(pages: Pages | undefined, { answer, next }: ReadPage): string | undefined {
  const links = linkRelations(answer);
  if (next !== null || !links.some((rel) => rel.toLowerCase() === "next")) return undefined;
  if (pages?.kind === "link")
    return `"pages.link": no link is "${pages.rel}"; the relations of the answer: ${nameList(links)}`;
  return pages
    ? undefined
    : 'has no "pages", and the Link header of its answer has a link "next": say pages: {link: next}';
}

function linkRelations(answer: Answer | undefined): readonly string[] {
  const header = answer?.headers.get("link") ?? "";
  return [...header.matchAll(/;\s*rel\s*=\s*"?([^";,]+)"?/gi)].flatMap(([, rels = ""]) => rels.trim().split(/\s+/));
}

const nowhere = '"pages": a page behind which there is more leads nowhere';

/** Returns what to say of a page that is known not to be the last one, and leads nowhere. */
function whyTheEnd(pages: Pages | undefined, { answer }: ReadPage): string {
  const shape = isRecord(answer?.body) ? `; the answer has: ${nameList(Object.keys(answer.body))}` : "";
  switch (pages?.kind) {
    case "cursor":
    case "url":
      return `"pages.${pages.kind}": nothing stands at ${pages.at} of a page behind which there is more${shape}`;
    case "last":
    case "first": {
      const found = pages.more === undefined ? undefined : lookUp(answer?.body, pages.more);
      const kind = found === undefined ? "nothing" : typeof found === "boolean" ? String(found) : `a ${typeof found}`;
      return `"pages.more": at ${pages.more} of a page behind which there is more stands ${kind}, not true${shape}`;
    }
    case "offset":
    case "page": {
      const count = countOf(pages);
      return count === undefined
        ? nowhere
        : `${count} says that a page behind which there is more is the last one${shape}`;
    }
    case "link": {
      const links = linkRelations(answer);
      return `"pages.link": a page behind which there is more has ${links.length === 0 ? "no Link header" : `the relations ${nameList(links)}`}`;
    }
    case undefined:
      return nowhere;
    default:
      return assertNever(pages);
  }
}

/** Returns by which key the manifest says where an answer counts its records or pages, and where that is. */
function countOf(pages: Extract<Pages, { readonly kind: "offset" | "page" }>): string | undefined {
  const totalPages = pages.kind === "page" ? pages.totalPages : undefined;
  const [name, at] = pages.total === undefined ? ["total_pages", totalPages] : ["total", pages.total];
  if (at === undefined) return undefined;
  return `"pages.${name}": ${typeof at === "string" ? at : `the header ${at.header}`}`;
}
