// The schema of one call of a manifest: a method and a path, what goes along, and where the records are in the answer.

import { z } from "zod";
import { assertNever } from "../config/assert-never.js";

export const pointer = z.string().regex(/^(\/.*)?$/, 'a JSON pointer begins with "/"');

export const oneOrMany = <T extends z.ZodType>(item: T) =>
  z.union([item, z.array(item)]).transform((value) => (Array.isArray(value) ? value : [value]));

/** A token of RFC 9110. */
export const headerName = z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, "a header's name has letters, digits and dashes");

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

const pages = pageKeys.transform((keys, context): NextPage & PagesEnd => {
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
  const { as: parameter, total, total_pages: totalPages, from = 1, more, cap = defaultCap } = keys;
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
});
export type Pages = z.output<typeof pages>;

/** Where one record has its key and its fields; `..` leads to what it stands in, when `rows` goes through a list by `*`. */
const recordAt = z.strictObject({ key: oneOrMany(pointer).optional(), fields: pointer.optional() });

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** A value that a template fills in as text; a list is joined by commas. */
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const path = z.string().regex(/^\//, 'a path begins with "/"');

export const callKeys = {
  GET: path.optional(),
  POST: path.optional(),
  PUT: path.optional(),
  PATCH: path.optional(),
  DELETE: path.optional(),
  query: z.record(z.string(), z.union([scalar, z.array(scalar)])).optional(),
  headers: z.record(headerName, z.string()).optional(),
  body: z.unknown().optional(),
  rows: pointer.optional(),
  max: z.int().positive().optional(),
  bytes: z.int().positive().optional(),
  atomic: z.boolean().optional(),
  match: z.string().optional(),
  ok: pointer.optional(),
  failed: pointer.optional(),
  gone: pointer.optional(),
  /** The places of key and fields in this answer, where they differ from the table's `record`. */
  record: recordAt.optional(),
  pages: pages.optional(),
};

/** Returns the call with its one method and path; anything but one method is an issue of the schema. */
export function methodOf<Keys extends { readonly [method in (typeof methods)[number]]?: string | undefined }>(
  keys: Keys,
  context: z.core.$RefinementCtx<unknown>,
) {
  if (context.issues.length > 0) return z.NEVER;
  const [method, other] = methods.filter((name) => keys[name] !== undefined);
  if (method === undefined || other !== undefined) {
    context.issues.push({ code: "custom", message: `a call has exactly one of ${methods.join(", ")}`, input: keys });
    return z.NEVER;
  }
  return { ...keys, method, path: keys[method] ?? "" };
}

export const call = z.strictObject(callKeys).transform(methodOf);
export type Call = z.output<typeof call>;

/** A call that only proves something by being answered with 2xx. */
export const proofCall = z
  .strictObject({ GET: path, query: callKeys.query, headers: callKeys.headers })
  .transform((keys) => ({ ...keys, method: "GET" as const, path: keys.GET }));
export type ProofCall = z.output<typeof proofCall>;

/** The calls of a verb: `one` takes one row, `many` takes several. A call with `max` is `many`. */
export interface VerbCalls {
  readonly one?: Call | undefined;
  readonly many?: Call | undefined;
}

export const verb = z
  .strictObject({ ...callKeys, one: call.optional(), many: call.optional() })
  .transform(({ one, many, ...keys }, context): VerbCalls => {
    const own = Object.keys(keys);
    if (one || many) {
      if (own.length > 0)
        context.addIssue({ code: "custom", message: "is a call, or has calls for one and many rows, not both" });
      return { one, many };
    }
    const only = methodOf(keys, context);
    return only.max === undefined ? { one: only } : { many: only };
  });
