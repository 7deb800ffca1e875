// What the generated SQL of one mirror is made from.

import { quoteLiteral, quoteName } from "../postgres/quote.js";

export interface GuardColumn {
  readonly name: string;
  readonly type: string;
  /** Upstream's, rather than a local column of the user's. */
  readonly isMirrorColumn: boolean;
  readonly unique: boolean;
  /** Its type is not Postgres's own: an extension's, or one that somebody has made. */
  readonly isForeign: boolean;
}

/** Whether a conversion to it may run code of others. */
export function isStrange({ isMirrorColumn = true, isForeign = false }: ReadableColumn): boolean {
  return !isMirrorColumn && isForeign;
}

/** Of which no more is said is one of upstream's. */
type ReadableColumn = Pick<GuardColumn, "name"> & Partial<GuardColumn>;

export interface GuardTable {
  readonly id: number;
  readonly schema: string;
  readonly table: string;
  readonly key: readonly GuardColumn[];
  /** All columns but generated ones, in table order. */
  readonly columns: readonly GuardColumn[];
}

/** The guard's triggers on a mirror. A tilde sorts behind every other ASCII character, so that `row` is the last BEFORE ROW trigger to fire. */
export const guardTriggers = {
  row: "~throughline",
  capture: "~throughline_capture",
  truncate: "~throughline_truncate",
  role: "~throughline_role",
  inserted: "~throughline_inserted",
  updated: "~throughline_updated",
  deleted: "~throughline_deleted",
};

/** Whether a row of pg_trigger is one of the guard's. */
export const isGuardTriggerSql = `tgname in (${Object.values(guardTriggers).map(quoteLiteral).join(", ")})`;

/** Whether a row of pg_trigger is a BEFORE ROW trigger of others that fires after the guard: its name was chosen for that. */
export const isLateTriggerSql = `not tgisinternal and tgtype & 3 = 3 and tgname::text collate "C" > ${quoteLiteral(guardTriggers.row)} and not ${isGuardTriggerSql}`;

/** All text conversions happen under these. */
export const pinnedSettings = `set search_path = pg_catalog, pg_temp set datestyle = 'ISO, MDY' set intervalstyle = 'iso_8601'
  set timezone = 'UTC' set bytea_output = 'hex' set extra_float_digits = 3 set array_nulls = on set xmloption = content set row_security = on`;

/** A row as one JSON object of strings; json_object, because json_build_object takes no more than 50 columns. */
export function asJson(columns: readonly ReadableColumn[], of: string): string {
  const names = columns.map((column) => quoteLiteral(column.name)).join(", ");
  return `json_object(array[${names}]::text[], array[${columns.map((column) => asText(column, of)).join(", ")}]::text[])`;
}

/** A cast from a type of others may be a function of theirs; what writes the type out is not. */
function asText(column: ReadableColumn, of: string): string {
  const value = `${of}.${quoteName(column.name)}`;
  return isStrange(column) ? `case num_nulls(${value}) when 0 then format('%s', ${value}) end` : `${value}::text`;
}
