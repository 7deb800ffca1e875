// What it takes to bring a mirror table to what its resource is now: additive, and repeatable.

import { quoteLiteral, quoteName } from "../postgres/quote.js";
import { type MirrorColumn, placeholderPrefix } from "./column.js";

export interface WantedMirror {
  readonly schema: string;
  readonly table: string;
  readonly key: string;
  readonly columns: readonly MirrorColumn[];
}

/** The table as it is in the database: its columns and indexes; undefined when there is none. */
export type FoundTable = { readonly columns: ReadonlySet<string>; readonly indexes: ReadonlySet<string> } | undefined;

/** The role that owns mirror tables; its members may add local columns. */
export const ownerRole = "throughline_mirror";

/** Mirror columns are wide: a type and no more, or the first real backfill would fail. */
export function mirrorDdl(wanted: WantedMirror, found: FoundTable): string[] {
  const target = `${quoteName(wanted.schema)}.${quoteName(wanted.table)}`;
  const key = wanted.columns.find(({ name }) => name === wanted.key);
  if (key?.type !== "text") throw new Error(`the key of ${target} is not a text column`);
  const statements: string[] = [];
  if (!found) {
    const placeholder = `${quoteLiteral(placeholderPrefix)} || gen_random_uuid()`;
    const columns = wanted.columns.map((column) =>
      column.name === wanted.key ? `${definition(column)} primary key default ${placeholder}` : definition(column),
    );
    statements.push(
      `create table ${target} (\n  ${columns.join(",\n  ")}\n)`,
      `alter table ${target} owner to ${ownerRole}`,
    );
  } else {
    const missing = wanted.columns.filter(({ name }) => !found.columns.has(name));
    statements.push(...missing.map((column) => `alter table ${target} add column ${definition(column)}`));
  }
  for (const { name, unique } of wanted.columns) {
    const index = `${wanted.table}_${name}_key`;
    if (!unique || name === wanted.key || found?.indexes.has(index)) continue;
    statements.push(`create unique index ${quoteName(index)} on ${target} (${quoteName(name)})`);
  }
  return statements;
}

function definition({ name, type }: MirrorColumn): string {
  return `${quoteName(name)} ${type}`;
}
