// The schema of one call of a manifest: a method and a path, what goes along, and where the records are in the answer.

import { z } from "zod";
import { type NestedRows, nestedRows, pages } from "./pages-schema.js";
import { headers, oneOrMany, path, pointer, query } from "./request-schema.js";

export { headerName, oneOrMany, pointer } from "./request-schema.js";

/** Where one record has its key and its fields; `..` leads to what it stands in, when `rows` goes through a list by `*`. */
const recordAt = z.strictObject({ key: oneOrMany(pointer).optional(), fields: pointer.optional() });

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export const callKeys = {
  GET: path.optional(),
  POST: path.optional(),
  PUT: path.optional(),
  PATCH: path.optional(),
  DELETE: path.optional(),
  query,
  headers,
  body: z.unknown().optional(),
  rows: z.union([pointer, nestedRows]).optional(),
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

type MethodKeys = { readonly [method in (typeof methods)[number]]?: string | undefined };

/** Returns the call with its one method and path, and with `rows` as one pointer; anything but one method is an issue of the schema. */
export function methodOf<Keys extends MethodKeys & { readonly rows?: string | NestedRows | undefined }>(
  keys: Keys,
  context: z.core.$RefinementCtx<unknown>,
) {
  if (context.issues.length > 0) return z.NEVER;
  const { rows, ...others } = keys;
  const [method, other] = methods.filter((name) => keys[name] !== undefined);
  if (method === undefined || other !== undefined) {
    context.issues.push({ code: "custom", message: `a call has exactly one of ${methods.join(", ")}`, input: keys });
    return z.NEVER;
  }
  return { ...others, method, path: keys[method] ?? "", ...rowsOf(rows) };
}

/** Where the records of an answer are; `nested`: in lists within other records, which may go on. */
interface RowsAt {
  readonly rows?: string | undefined;
  readonly nested?: NestedRows | undefined;
}

function rowsOf(rows: string | NestedRows | undefined): RowsAt {
  return typeof rows === "object" ? { rows: `${rows.each}/*${rows.rows}`, nested: rows } : { rows };
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
