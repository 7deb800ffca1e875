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

/** The table as it is in the database; undefined when there is none. */
export type FoundTable =
  | {
      readonly columns: ReadonlySet<string>;
      readonly indexes: ReadonlySet<string>;
      /** Columns that were mirrored, and that the API has no more, or as another type. */
      readonly stale: ReadonlySet<string>;
      /** Such columns that stay. */
      readonly kept: readonly string[];
    }
  | undefined;

/** The role that owns mirror tables; its members may add local columns. */
export const ownerRole = "throughline_mirror";

/** Additive, but for stale columns. Mirror columns are wide: a type and no more, or the first real backfill would fail. */
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
    statements.push(...[...found.stale].map((name) => `alter table ${target} drop column ${quoteName(name)}`));
    const missing = wanted.columns.filter(({ name }) => !found.columns.has(name) || found.stale.has(name));
    statements.push(...missing.map((column) => `alter table ${target} add column ${definition(column)}`));
  }
  for (const { name, unique } of wanted.columns) {
    const index = `${wanted.table}_${name}_key`;
    if (
      !unique ||
      (wanted.key.length === 1 && name === wanted.key[0]) ||
      (found?.indexes.has(index) && !found.stale.has(name))
    )
      continue;
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
