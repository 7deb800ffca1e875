// What we know of a mirror's columns, as the register `throughline.mirror` keeps it.

import { z } from "zod";
import { isRecord } from "../config/json.js";

export interface MirrorColumn {
  readonly name: string;
  /** The Postgres type, without a length. */
  readonly type: string;
  /** Whether SQL may set it: always, on INSERT only, or never. */
  readonly write: "always" | "create" | "never";
  /** Upstream's name of it, in answers and requests. */
  readonly upstream: string;
  /** How a value travels; `plain` is as it is. */
  readonly codec: string;
  readonly unique: boolean;
  readonly required: boolean;
  /** The longest value in characters; null when upstream names none. */
  readonly max: number | null;
  /** The values upstream allows; null when any. */
  readonly options: readonly string[] | null;
  /** Where an answer carries it, when not among the record's fields: a JSON pointer. */
  readonly from: string | null;
  /** Upstream's name for people, as its errors may use it. */
  readonly label: string | null;
  /** What an answer means that leaves it out: a value, or NULL. Undefined: nobody knows. */
  readonly absent?: string | null | undefined;
  /** The resource of the same API that its values are keys of. */
  readonly references: string | null;
  /** A jsonb whose keys upstream keeps unless they are cleared. */
  readonly merge: boolean;
  /** The JSON that is sent for NULL; "never": upstream can't clear it. Undefined: what clears any column of the API. */
  readonly clear?: unknown;
  /** The type that the API gives it and the manifest does not know, so that it is text; "" when the API gives it none. */
  readonly unknownType?: string | undefined;
}

export const mirrorColumnSchema: z.ZodType<MirrorColumn> = z.object({
  name: z.string(),
  type: z.string(),
  write: z.enum(["always", "create", "never"]),
  upstream: z.string(),
  codec: z.string(),
  unique: z.boolean(),
  required: z.boolean(),
  max: z.number().nullable(),
  options: z.array(z.string()).nullable(),
  from: z.string().nullable(),
  label: z.string().nullable(),
  absent: z.string().nullable().optional(),
  references: z.string().nullable(),
  merge: z.boolean(),
  clear: z.unknown().optional(),
  unknownType: z.string().optional(),
});

/** One mirror table, found in the database. */
export interface Mirror {
  readonly id: number;
  readonly relation: number;
  readonly api: string;
  readonly resource: string;
  readonly schema: string;
  readonly table: string;
  readonly key: readonly MirrorColumn[];
  readonly columns: readonly MirrorColumn[];
  readonly revision: number;
  /** Whether a first backfill has run to its end. */
  readonly complete: boolean;
  /** The columns that the API calls unique and whose index is away, each with two keys whose records have one value. */
  readonly missingIndexes: ReadonlyMap<string, readonly string[]>;
}

/** Upstream assigns this part of the key; any other part is given with the INSERT. */
export function isAssigned({ key }: Pick<Mirror, "key">, column: MirrorColumn): boolean {
  return column.write === "never" && key.includes(column);
}

/** A row as text: null is NULL; an absent key was not reported. */
export type TextRow = Readonly<Record<string, string | null>>;

/** A record of zod's would leave out a column that is called `__proto__`. */
export const textRowSchema: z.ZodType<TextRow> = z.custom<TextRow>(
  (row) => isRecord(row) && Object.values(row).every((value) => value === null || typeof value === "string"),
  "is no row of texts",
);
