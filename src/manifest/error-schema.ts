// The schema of a manifest's errors: where an answer says what is wrong, and what that is in Postgres's terms.

import { z } from "zod";
import { memberOf } from "../config/member.js";
import { oneOrMany, pointer, proofCall } from "./call-schema.js";
import { readMeanings } from "./read-failed.js";

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
  feature_not_supported: "0A000",
  program_limit_exceeded: "54000",
  fdw_error: "HV000",
};

/** By name: YAML reads 23505 as a number, and 08007 as 8007. */
const condition = z
  .enum(Object.keys(conditions), {
    error: ({ input }) => {
      const [name] = Object.entries(conditions).find(([, code]) => code === String(input)) ?? [];
      return name === undefined
        ? `"${String(input)}" is no condition; known: ${Object.keys(conditions).join(", ")}`
        : `conditions go by Postgres's names: write ${name} for ${String(input)}`;
    },
  })
  .transform((name) => memberOf(conditions, name) ?? "HV000");

const pattern = z.string().transform((text, context) => {
  try {
    return new RegExp(text, "i");
  } catch (cause) {
    context.addIssue({ code: "custom", message: cause instanceof Error ? cause.message : String(cause) });
    return z.NEVER;
  }
});

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const rule = z.strictObject({
  status: oneOrMany(z.int()).optional(),
  code: oneOrMany(scalar).optional(),
  message: pattern.optional(),
  where: z.record(pointer, oneOrMany(scalar)).optional(),
  raise: condition.optional(),
  outcome: z.enum(["refused", "absent", "ask", "unknown"]).optional(),
  /** Of `absent` and `ask`: a record is gone only while this call is answered with 2xx. */
  if: proofCall.optional(),
  retry: z.enum(["safe", "never", "always"]).default("safe"),
  /** What the answer says to a read: there are no records, the place in the list is forgotten, or the list is at its end. */
  read: z.enum(readMeanings).optional(),
  hint: z.string().optional(),
  constraint: z.string().optional(),
  skip: z.boolean().default(false),
});
export type ErrorRule = z.output<typeof rule>;

/** What a hook may say of an error that it was shown. */
export const hookRule = rule.pick({
  raise: true,
  outcome: true,
  retry: true,
  read: true,
  hint: true,
  constraint: true,
  skip: true,
});

export const errors = z.strictObject({
  list: pointer.optional(),
  code: oneOrMany(pointer).default([]),
  message: oneOrMany(pointer),
  column: oneOrMany(pointer).default([]),
  row: oneOrMany(pointer).default([]),
  key: oneOrMany(pointer).default([]),
  request: z.union([pointer, z.strictObject({ header: z.string() })]).optional(),
  rules: z.array(rule).default([]),
});
export type ErrorAddresses = z.output<typeof errors>;
