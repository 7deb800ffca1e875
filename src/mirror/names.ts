// How a mirror is named to people: in messages, and in the fields of an error.

import type { Mirror, MirrorColumn } from "./column.js";

/** The schema, table and column fields of an error about this mirror. */
export function placeOf(
  { schema, table }: Pick<Mirror, "schema" | "table">,
  column?: Pick<MirrorColumn, "name">,
): { readonly schema: string; readonly table: string; readonly column: string | undefined } {
  return { schema, table, column: column?.name };
}

/** `"crm"."contacts"`, as messages name a mirror. */
export function shownName({ schema, table }: Pick<Mirror, "schema" | "table">): string {
  return `"${schema}"."${table}"`;
}
