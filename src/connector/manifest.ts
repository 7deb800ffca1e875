// The manifest: an API described as data. This is its schema; unknown keys are errors.

import { z } from "zod";
import { duration } from "../config/units.js";

const pointer = z.string().regex(/^(\/.*)?$/, 'a JSON pointer begins with "/"');
const oneOrMany = <T extends z.ZodType>(item: T) =>
  z.union([item, z.array(item)]).transform((value) => (Array.isArray(value) ? value : [value]));

/** Postgres's names of conditions, and the codes they stand for (appendix A of its manual). */
const conditions: Readonly<Record<string, string>> = {
  not_null_violation: "23502",
  invalid_text_representation: "22P02",
  string_data_right_truncation: "22001",
  numeric_value_out_of_range: "22003",
  check_violation: "23514",
  unique_violation: "23505",
  foreign_key_violation: "23503",
  undefined_column: "42703",
  generated_always: "428C9",
  serialization_failure: "40001",
  lock_not_available: "55P03",
  invalid_authorization_specification: "28000",
  insufficient_privilege: "42501",
  configuration_limit_exceeded: "53400",
};
const condition = z.enum(Object.keys(conditions)).transform((name) => conditions[name] ?? "HV000");

const pages = z.strictObject({ cursor: pointer, as: z.string() });

const callKeys = {
  GET: z.string().optional(),
  POST: z.string().optional(),
  PUT: z.string().optional(),
  PATCH: z.string().optional(),
  DELETE: z.string().optional(),
  query: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  body: z.unknown().optional(),
  rows: pointer.optional(),
  max: z.int().positive().optional(),
  failed: pointer.optional(),
  match: z.string().optional(),
  pages: pages.optional(),
};
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

const call = z.strictObject(callKeys).transform((keys, context) => {
  const found = methods.filter((method) => keys[method] !== undefined);
  const [method] = found;
  if (method === undefined || found.length > 1) {
    context.addIssue({ code: "custom", message: `a call has exactly one of ${methods.join(", ")}` });
    return z.NEVER;
  }
  return { ...keys, method, path: keys[method] ?? "" };
});
export type Call = z.output<typeof call>;

const verb = z.union([
  z.strictObject({ one: call, many: call.optional() }),
  call.transform((one) => ({ one, many: undefined })),
]);
export type VerbCalls = z.output<typeof verb>;

const codec = z.enum(["plain", "utc_midnight", "join(;)"]);

/** A type goes into DDL as it is written here. */
const typeName = z.string().regex(/^[a-z][a-z0-9_ ]*(\[\])?$/, "a Postgres type without a length");
const typeRule = z.union([
  typeName.transform((type) => ({ type, codec: "plain" as const })),
  z.strictObject({ type: typeName, codec: codec.default("plain") }),
]);

const column = z.union([
  typeName.transform((type) => ({ type })),
  z.strictObject({
    type: typeName.optional(),
    write: z.enum(["never", "create"]).optional(),
    unique: z.boolean().optional(),
    required: z.boolean().optional(),
    max: z.int().positive().optional(),
    options: z.array(z.string()).optional(),
    from: pointer.optional(),
    to: z.string().optional(),
    codec: codec.optional(),
  }),
]);

const discover = z.strictObject({
  GET: z.string(),
  rows: pointer,
  column: z.strictObject({
    name: pointer,
    type: pointer,
    never: z.array(pointer).default([]),
    unique: pointer.optional(),
    options: pointer.optional(),
    array: z.strictObject({ when: z.record(pointer, z.string()), codec }).optional(),
  }),
});

const table = z
  .strictObject({
    key: oneOrMany(z.string()),
    record: z.strictObject({ key: oneOrMany(pointer), fields: pointer, absent: z.literal("null").optional() }),
    columns: z.record(z.string(), column),
    discover: discover.optional(),
    read: z.strictObject({ list: call, get: call, find: call.optional() }),
    write: z.strictObject({ create: verb.optional(), update: verb.optional(), delete: verb.optional() }).default({}),
  })
  .refine(({ key, record }) => key.length === record.key.length, {
    path: ["record", "key"],
    error: "as many pointers as the key has columns",
  })
  .refine(({ key, read, write }) => key.length === 1 || !JSON.stringify([read, write]).includes("{key}"), {
    path: ["key"],
    error: "is of several columns: its calls say {key.NAME}, not {key}",
  });
export type TableManifest = z.output<typeof table>;

const errorRule = z.strictObject({
  status: z.int().optional(),
  code: oneOrMany(z.string()).optional(),
  message: z.string().optional(),
  where: z.record(pointer, z.string()).optional(),
  raise: condition.optional(),
  outcome: z.enum(["refused", "absent", "unknown"]).optional(),
  retry: z.enum(["safe", "never"]).default("safe"),
  hint: z.string().optional(),
});
export type ErrorRule = z.output<typeof errorRule>;

const errors = z.strictObject({
  list: pointer.optional(),
  code: oneOrMany(pointer).default([]),
  message: oneOrMany(pointer),
  column: oneOrMany(pointer).default([]),
  row: pointer.optional(),
  request: pointer.optional(),
  rules: z.array(errorRule).default([]),
});
export type ErrorAddresses = z.output<typeof errors>;

export const manifestSchema = z.strictObject({
  throughline: z.literal(1),
  api: z.string().regex(/^[a-z][a-z0-9_]*$/, "a lower-case name"),
  base: z.url(),
  config: z.record(
    z.string(),
    z.strictObject({ secret: z.boolean().default(false), about: z.string(), default: z.string().optional() }),
  ),
  auth: z.strictObject({ bearer: z.string() }),
  values: z.literal("string").optional(),
  clear: z.literal("").optional(),
  /** Sent with every POST of a write: repeated under the same key within that time, it is done once. */
  idempotency: z.strictObject({ header: z.string(), keeps: duration }).optional(),
  limits: z.array(z.strictObject({ calls: z.int().positive(), per: duration })).default([]),
  errors,
  types: z.record(z.string(), typeRule),
  tables: z.record(z.string(), table),
});
export type Manifest = z.output<typeof manifestSchema>;
