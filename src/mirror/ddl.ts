// What it takes to bring a mirror table to what its resource is now: additive, and repeatable.

import { quoteName } from "../postgres/quote.js";
import type { MirrorColumn } from "./column.js";
import { keyNamesSql } from "./key.js";
import { canBeKey, placeholderClause } from "./placeholder.js";
import { mirrorRole } from "./roles.js";

export interface WantedMirror {
  readonly schema: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly MirrorColumn[];
}

/** The table as it is in the database; undefined when there is none. */
export type ExistingTable =
  | {
      readonly columns: ReadonlySet<string>;
      /** The mirror columns of before that the API no longer has, or has as another type: they are dropped. */
      readonly staleColumns: ReadonlySet<string>;
      /** The stale columns that the migration may not drop: they become local columns. */
      readonly keptColumns: readonly string[];
    }
  | undefined;

/** Additive, but for stale columns. Mirror columns are wide: a type and no more, or the first real backfill would fail. */
export function mirrorDdl(mirror: WantedMirror, table: ExistingTable): string[] {
  const target = `${quoteName(mirror.schema)}.${quoteName(mirror.table)}`;
  const statements: string[] = [];
  if (!table) {
    const parts = mirror.key.map((name) => keyPart(mirror, name));
    const columns = mirror.columns.map((column) =>
      parts.includes(column) && column.write === "never"
        ? `${definition(column)} ${placeholderClause(column.type)}`
        : definition(column),
    );
    statements.push(
      `create table ${target} (\n  ${[...columns, `primary key (${keyNamesSql(parts)})`].join(",\n  ")}\n)`,
      `alter table ${target} owner to ${mirrorRole}`,
    );
  } else {
    statements.push(...[...table.staleColumns].map((name) => `alter table ${target} drop column ${quoteName(name)}`));
    const missing = mirror.columns.filter(({ name }) => isNew(table, name));
    statements.push(...missing.map((column) => `alter table ${target} add column ${definition(column)}`));
  }
  return statements;
}

/** Whether the migration makes the column, or makes it anew. */
export function isNew({ columns, staleColumns }: NonNullable<ExistingTable>, name: string): boolean {
  return !columns.has(name) || staleColumns.has(name);
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
