// The schema of a manifest's columns, types, and of how an API describes its own.

import { z } from "zod";
import { callKeys, methodOf, oneOrMany, pointer } from "./call-schema.js";
import { typeNamed, typeNames } from "./column-types.js";

const codec = z
  .string()
  .regex(
    /^(string|unix|unix_ms|utc_midnight|join\(.+\))$/,
    "a codec is string, unix, unix_ms, utc_midnight or join(SEPARATOR)",
  );

const typeName = z.string().transform((text, context) => {
  const type = typeNamed(text);
  if (type !== undefined) return type;
  const message = `"${text}" is no type of a mirror column, which has no length; known: ${typeNames.join(", ")}, and arrays such as text[]`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** What a field means that an answer leaves out. */
const absent = scalar;

/** What is sent for NULL; `never`: the API can't clear it. */
const clear = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.json()),
  z.record(z.string(), z.json()),
]);

export const typeRule = z.union([
  typeName.transform((type): { type: string; codec?: string | undefined; absent?: string | undefined } => ({ type })),
  z.strictObject({ type: typeName, codec: codec.optional(), absent: absent.optional() }),
]);

const columnKeys = z.strictObject({
  type: typeName.optional(),
  write: z.enum(["never", "create"]).optional(),
  required: z.boolean().optional(),
  unique: z.boolean().optional(),
  max: z.int().positive().optional(),
  options: z.array(z.string()).optional(),
  references: z.string().optional(),
  from: pointer.optional(),
  to: z.string().optional(),
  codec: codec.optional(),
  absent: z.union([absent, z.null()]).optional(),
  clear: clear.optional(),
  label: z.string().optional(),
  merge: z.boolean().optional(),
});
export const column = z.union([typeName.transform((type): z.output<typeof columnKeys> => ({ type })), columnKeys]);

/** Where the description of a column has what; a list of pointers means any of them. */
const columnAt = z.strictObject({
  id: pointer.optional(),
  name: pointer,
  type: pointer,
  about: pointer.optional(),
  never: oneOrMany(pointer).default([]),
  create: oneOrMany(pointer).default([]),
  required: oneOrMany(pointer).default([]),
  unique: oneOrMany(pointer).default([]),
  max: pointer.optional(),
  options: pointer.optional(),
  references: pointer.optional(),
  array: z.strictObject({ when: z.record(pointer, scalar), codec: codec.optional() }).optional(),
});

/** In the place of a table's name: each table that the API itself tells of. */
export const anyTable = "*";

/** Where the description of a table has what; `columns`: the descriptions of its columns; `required`: names of some. */
const tableAt = z.strictObject({ id: pointer, name: pointer, columns: pointer, required: pointer.optional() });

export const discover = z
  .strictObject({ ...callKeys, rows: pointer, table: tableAt.optional(), column: columnAt })
  .transform(({ rows, ...keys }, context) => ({ ...methodOf(keys, context), rows }));
export type Discovery = z.output<typeof discover>;
