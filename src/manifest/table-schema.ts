// One table of a manifest: its key, its columns, and the calls that read and write it.

import { z } from "zod";
import { duration } from "../config/units.js";
import { call, callKeys, methodOf, oneOrMany, pointer, verb } from "./call-schema.js";
import { column, discover } from "./column-schema.js";
import { pointerTo } from "./pointer.js";

const since = z.strictObject({
  column: z.string().optional(),
  key: pointer.optional(),
  as: z.enum(["iso", "unix", "unix_ms"]).default("iso"),
  newest: z.enum(["first", "last"]).default("last"),
  cap: z.int().positive().optional(),
  behind: duration.optional(),
  again: duration.optional(),
  keeps: duration.optional(),
});
const changes = z.strictObject({ ...callKeys, since }).transform((keys, context) => methodOf(keys, context));
const upsert = z.strictObject({ ...callKeys, on: z.string() }).transform((keys, context) => methodOf(keys, context));

const record = z.strictObject({
  key: oneOrMany(pointer).optional(),
  fields: pointer.default(""),
  absent: z.literal("null").optional(),
  empty: z.literal("null").optional(),
});

export const table = z
  .strictObject({
    id: z.string().optional(),
    key: oneOrMany(z.string()),
    record: record.default({ fields: "" }),
    columns: z.record(z.string(), column).default({}),
    discover: discover.optional(),
    read: z.strictObject({
      list: call,
      get: call,
      find: call.optional(),
      changes: changes.optional(),
      deleted: z.union([z.enum(["sweep", "changes"]), call]).optional(),
    }),
    write: z
      .strictObject({
        create: verb.optional(),
        update: verb.optional(),
        delete: verb.optional(),
        upsert: upsert.optional(),
      })
      .default({}),
  })
  .transform((keys) => ({
    ...keys,
    record: { ...keys.record, key: keys.record.key ?? keys.key.map(pointerTo) },
  }));
export type TableManifest = z.output<typeof table>;
