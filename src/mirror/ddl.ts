// What it takes to bring a mirror table to what its resource is now: additive, and repeatable.

import { quoteName } from "../postgres/quote.js";
import type { MirrorColumn } from "./column.js";
import { keyNamesSql } from "./key.js";
import { canBeKey, placeholderClause } from "./placeholder.js";

export interface WantedMirror {
  readonly schema: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly MirrorColumn[];
}

/** The table as it is in the database: its columns and indexes; undefined when there is none. */
export type FoundTable = { readonly columns: ReadonlySet<string>; readonly indexes: ReadonlySet<string> } | undefined;

/** The role that owns mirror tables; its members may add local columns. */
export const ownerRole = "throughline_mirror";

/** Mirror columns are wide: a type and no more, or the first real backfill would fail. */
export function mirrorDdl(wanted: WantedMirror, found: FoundTable): string[] {
  const target = `${quoteName(wanted.schema)}.${quoteName(wanted.table)}`;
  const statements: string[] = [];
  if (!found) {
    const parts = wanted.key.map((name) => keyPart(wanted, name));
    const columns = wanted.columns.map((column) =>
      parts.includes(column) && column.write === "never"
        ? `${definition(column)} ${placeholderClause(column.type)}`
        : definition(column),
    );
    statements.push(
      `create table ${target} (\n  ${[...columns, `primary key (${keyNamesSql(parts)})`].join(",\n  ")}\n)`,
      `alter table ${target} owner to ${ownerRole}`,
    );
  } else {
    const missing = wanted.columns.filter(({ name }) => !found.columns.has(name));
    statements.push(...missing.map((column) => `alter table ${target} add column ${definition(column)}`));
  }
  for (const { name, unique } of wanted.columns) {
    const index = `${wanted.table}_${name}_key`;
    if (!unique || (wanted.key.length === 1 && name === wanted.key[0]) || found?.indexes.has(index)) continue;
    statements.push(`create unique index ${quoteName(index)} on ${target} (${quoteName(name)})`);
  }
  return statements;
}

function keyPart({ schema, table, columns }: WantedMirror, name: string): MirrorColumn {
  const column = columns.find((candidate) => candidate.name === name);
  if (column && canBeKey(column.type)) return column;
  throw new Error(
    `the key "${name}" of "${schema}"."${table}" is of type ${column?.type}, and has to be text, uuid, integer or bigint`,
  );
}

function definition({ name, type }: MirrorColumn): string {
  return `${quoteName(name)} ${type}`;
}
