// The manifest: an API described as data. This is its schema; unknown keys are errors.

import { z } from "zod";
import { duration } from "../config/units.js";
import { addressMistake } from "./call-checks.js";
import { headerName, oneOrMany } from "./call-schema.js";
import { typeRule } from "./column-schema.js";
import { errors } from "./error-schema.js";
import { mistakesIn } from "./manifest-checks.js";
import { table } from "./table-schema.js";

const oauth2 = z.strictObject({
  token: z.string(),
  grant: z.record(z.string(), z.string()),
  on: oneOrMany(z.int()).default([401]),
  keep: z.array(z.string()).default([]),
  /** Where the newest tokens are: sealed in the database for all processes, as is the default with a refresh token, or in each process. */
  keep_in: z.enum(["database", "process"]).optional(),
});

const ways = ["bearer", "basic", "header", "oauth2"] as const;
const auth = z
  .strictObject({
    bearer: z.string().optional(),
    basic: z.tuple([z.string(), z.string()]).optional(),
    header: z.record(headerName, z.string()).optional(),
    oauth2: oauth2.optional(),
  })
  .refine((keys) => ways.filter((way) => keys[way] !== undefined).length === 1, {
    error: `is exactly one of ${ways.join(", ")}`,
  });

/** Placeholders may stand for any part of the base. */
const base = z.string().transform((text, context) => {
  const example = text.replace(/^\{[\w.]+\}/, "https://host").replaceAll(/\{[\w.]+\}/g, "x");
  if (!URL.canParse(example)) context.addIssue({ code: "custom", message: "Invalid URL" });
  else if (!/^https?:/i.test(example)) context.addIssue({ code: "custom", message: "begins with https:// or http://" });
  const mistake = addressMistake(text);
  if (mistake !== undefined) context.addIssue({ code: "custom", message: mistake });
  return text;
});

const limit = z.strictObject({
  calls: z.int().positive(),
  per: duration.refine((ms) => ms > 0, { error: "is more than 0" }),
  path: z.string().optional(),
  each_path: z.boolean().default(false),
  left: headerName.optional(),
  retry_after: z.strictObject({ header: headerName, unit: z.enum(["s", "ms", "epoch"]).default("s") }).optional(),
  pause: duration.optional(),
});
export type LimitManifest = z.output<typeof limit>;

export const manifestSchema = z
  .strictObject({
    throughline: z.literal(1),
    api: z.string().regex(/^[a-z][a-z0-9_]*$/, "a lower-case name"),
    base,
    config: z
      .record(
        z.string(),
        z.strictObject({ secret: z.boolean().default(false), about: z.string(), default: z.string().optional() }),
      )
      .default({}),
    auth: auth.optional(),
    headers: z.record(headerName, z.string()).default({}),
    encode: z.enum(["json", "form"]).default("json"),
    values: z.literal("string").optional(),
    clear: z.union([z.literal(""), z.null()]).optional(),
    /** True sends a NULL of an INSERT as the value that clears a field; false leaves it out. */
    create_clears: z.boolean().default(true),
    /** The header goes with every POST of a write; within `keeps`, upstream does a POST with one key only once. */
    idempotency: z.strictObject({ header: headerName, keeps: duration }).optional(),
    limits: z.array(limit).default([]),
    errors,
    types: z.record(z.string(), typeRule).default({}),
    tables: z.record(z.string(), table),
  })
  .superRefine((manifest, context) => {
    // Checks across keys make sense only when each key is right.
    if (context.issues.length > 0) return;
    for (const { path, message } of mistakesIn(manifest))
      context.addIssue({ code: "custom", path: [...path], message });
  });
export type Manifest = z.output<typeof manifestSchema>;

/** Returns the JSON schema of a manifest, with which editors check one while it is written. */
export function manifestJsonSchema(): unknown {
  return z.toJSONSchema(manifestSchema, { io: "input", unrepresentable: "any" });
}
