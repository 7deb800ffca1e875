// The schema of a list's pages: the part of an answer that leads to the next page, and the lists within records that have pages of their own.

import { z } from "zod";
import { assertNever } from "../config/assert-never.js";
import { headerName, headers, path, pointer, query } from "./request-schema.js";

/** The number of all records, or of all pages: in the answer, or in one of its headers. */
const count = z.union([pointer, z.strictObject({ header: headerName })]);
export type CountAt = z.output<typeof count>;

const pageKeys = z.strictObject({
  cursor: pointer.optional(),
  as: z.string().optional(),
  offset: z.string().optional(),
  total: count.optional(),
  total_pages: count.optional(),
  page: z.string().optional(),
  from: z.int().nonnegative().optional(),
  last: z.string().optional(),
  first: z.string().optional(),
  more: pointer.optional(),
  url: pointer.optional(),
  link: z.string().optional(),
  cap: z.int().positive().optional(),
});

/** The part of an answer that leads to the next page. */
type NextPage =
  /** A token in the answer, sent back as `as`. */
  | { readonly kind: "cursor"; readonly at: string; readonly as: string }
  /** The number of records before the page, sent as `as`; it ends behind all, or with an empty page. */
  | { readonly kind: "offset"; readonly as: string; readonly total: CountAt | undefined }
  /** The page's number, sent as `as` and counted from `from`; it ends behind all, or with an empty page. */
  | {
      readonly kind: "page";
      readonly as: string;
      readonly from: number;
      readonly total: CountAt | undefined;
      readonly totalPages: CountAt | undefined;
    }
  /** A column of the last (or first) record, sent as `as` until a page is empty. */
  | { readonly kind: "last" | "first"; readonly column: string; readonly as: string }
  /** The page's address in the answer. */
  | { readonly kind: "url"; readonly at: string }
  /** The page's address in the Link header (RFC 8288). */
  | { readonly kind: "link"; readonly rel: string };

/** A list with more pages than this is taken for a loop. */
const defaultCap = 1_000_000;

const kinds = ["cursor", "offset", "page", "last", "first", "url", "link"] as const;
/** The further keys that each kind takes. */
const pageOptions: Readonly<Record<(typeof kinds)[number], readonly string[]>> = {
  cursor: ["as", "more"],
  offset: ["total", "more"],
  page: ["from", "total", "total_pages", "more"],
  last: ["as", "more"],
  first: ["as", "more"],
  url: ["more"],
  link: ["more"],
};

const needsAs = (kind: string) => `pages by "${kind}" need "as": the parameter that takes it`;

/** `more`: there is a next page only while this is true. */
type PagesEnd = { readonly cap: number; readonly more: string | undefined };

/** Returns the pages that the keys describe; a nested list says by `{cursor}` in its call where the cursor goes, and needs no `as`. */
function pagesOf(
  keys: z.output<typeof pageKeys>,
  context: z.core.$RefinementCtx,
  isNested: boolean,
): NextPage & PagesEnd {
  const wrong = (message: string, path: readonly string[] = []) => {
    context.addIssue({ code: "custom", message, path: [...path] });
    return z.NEVER;
  };
  if (context.issues.length > 0) return z.NEVER;
  const [kind, other] = kinds.filter((name) => keys[name] !== undefined);
  if (kind === undefined || other !== undefined) return wrong(`pages have exactly one of ${kinds.join(", ")}`);
  const allowedKeys = [kind, "cap", ...pageOptions[kind]];
  const stray = Object.keys(keys).find((name) => !allowedKeys.includes(name));
  if (stray !== undefined)
    return wrong(`pages by "${kind}" have no "${stray}"; known here: ${allowedKeys.join(", ")}`, [stray]);
  const {
    as: parameter = isNested ? "" : undefined,
    total,
    total_pages: totalPages,
    from = 1,
    more,
    cap = defaultCap,
  } = keys;
  const end = { more, cap };
  const value = keys[kind] ?? "";
  switch (kind) {
    case "offset":
      return { kind, as: value, total, ...end };
    case "page":
      return { kind, as: value, from, total, totalPages, ...end };
    case "url":
      return { kind, at: value, ...end };
    case "link":
      return { kind, rel: value, ...end };
    case "cursor":
      return parameter === undefined ? wrong(needsAs(kind)) : { kind, at: value, as: parameter, ...end };
    case "last":
    case "first":
      return parameter === undefined ? wrong(needsAs(kind)) : { kind, column: value, as: parameter, ...end };
    default:
      return assertNever(kind);
  }
}

export const pages = pageKeys.transform((keys, context) => pagesOf(keys, context, false));
export type Pages = z.output<typeof pages>;

/** Reads what of a list within a record stands on its further pages: its templates may name `{each.X}` of that record, and `{cursor}`. */
const rest = z
  .strictObject({
    GET: path.optional(),
    POST: path.optional(),
    query,
    headers,
    body: z.unknown().optional(),
    rows: pointer,
  })
  .transform(({ GET, POST, ...keys }, context) => {
    const method: "GET" | "POST" = GET === undefined ? "POST" : "GET";
    if ((GET === undefined) === (POST === undefined))
      context.addIssue({ code: "custom", message: "a call for the rest of a list has exactly one of GET, POST" });
    return { ...keys, method, path: GET ?? POST ?? "" };
  });

/**
 * The records are in lists that other records have: `each` points to those, and `rows` from one of them to its list. The pointers of `pages` begin
 * where that list stands; without `rest`, a list that goes on fails the read.
 */
export const nestedRows = z
  .strictObject({
    each: pointer,
    rows: pointer.min(1, "is not the record itself"),
    pages: pageKeys.extend({ rest: rest.optional() }),
  })
  .transform(({ each, rows, pages: { rest: call, ...keys } }, context) => ({
    each,
    rows,
    pages: pagesOf(keys, context, true),
    rest: call,
  }));
export type NestedRows = z.output<typeof nestedRows>;
