// What a manifest says, for people and for programs.

import type { VerbCalls } from "../manifest/call-schema.js";
import { anyTable } from "../manifest/column-schema.js";
import type { Manifest } from "../manifest/manifest.js";
import type { TableManifest } from "../manifest/table-schema.js";

interface ShownVerb {
  /** The most rows of one statement: it is one call. */
  readonly rows: number;
  /** Whether all of them are taken, or none. */
  readonly atomic: boolean;
}

interface ShownColumn {
  readonly name: string;
  /** Null: the API tells it. */
  readonly type: string | null;
  readonly write: "always" | "create" | "never";
  readonly required: boolean;
  readonly unique: boolean;
}

interface ShownLimit {
  readonly calls: number;
  readonly perMs: number;
  /** Null: it is for all calls. */
  readonly path: string | null;
  /** Each such path has a limit of its own. */
  readonly eachPath: boolean;
}

interface ShownTable {
  /** `*`: each other table that the API tells of. */
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: readonly ShownColumn[];
  /** The API tells of more columns. */
  readonly discovered: boolean;
  readonly insert: ShownVerb | null;
  readonly update: ShownVerb | null;
  readonly delete: ShownVerb | null;
}

interface ShownConnector {
  readonly api: string;
  readonly base: string;
  readonly config: readonly {
    readonly name: string;
    readonly about: string;
    readonly secret: boolean;
    readonly default: string | null;
  }[];
  readonly limits: readonly ShownLimit[];
  readonly tables: readonly ShownTable[];
}

export function shownConnector({ api, base, config, limits, tables }: Manifest): ShownConnector {
  return {
    api,
    base,
    config: Object.entries(config).map(([name, { about, secret, default: fallback = null }]) => ({
      name,
      about,
      secret,
      default: fallback,
    })),
    limits: limits.map(({ calls, per, path = null, each_path: eachPath }) => ({ calls, perMs: per, path, eachPath })),
    tables: Object.entries(tables).map(([name, table]) => shownTable(name, table)),
  };
}

function shownTable(name: string, { key, columns, discover, write }: TableManifest): ShownTable {
  return {
    name,
    key,
    columns: Object.entries(columns).map(([columnName, column]) => ({
      name: columnName,
      // What neither the manifest nor the API places is text.
      type: column.type ?? (discover ? null : "text"),
      write: column.write ?? "always",
      required: column.required === true,
      unique: column.unique === true,
    })),
    discovered: discover !== undefined,
    insert: shownVerb(write.create),
    update: shownVerb(write.update),
    delete: shownVerb(write.delete),
  };
}

function shownVerb(calls: VerbCalls | undefined): ShownVerb | null {
  if (!calls) return null;
  const rows = calls.many?.max ?? 1;
  return { rows, atomic: rows === 1 || calls.many?.atomic === true };
}

export function linesOf({ api, base, config, limits, tables }: ShownConnector): string[] {
  return [
    `${api}  ${base}`,
    ...config.map(({ name, about, secret, default: fallback }) => {
      const sourceWords = secret ? "secret" : fallback === null ? "given" : `by default ${fallback}`;
      return `  config ${name} (${sourceWords}): ${about}`;
    }),
    ...limits.map(limitWords),
    ...tables.flatMap((table) => ["", ...tableLines(table)]),
  ];
}

function limitWords({ calls, perMs, path, eachPath }: ShownLimit): string {
  const where = path === null ? "" : eachPath ? ` to each path that is ${path}` : ` to ${path}`;
  return `  at most ${calls} calls in ${perMs / 1000} s${where}`;
}

function tableLines(table: ShownTable): string[] {
  const { name, key, columns, discovered } = table;
  const width = Math.max(0, ...columns.map((column) => column.name.length)) + 2;
  return [
    `${name === anyTable ? "each other table that the API tells of" : name}  key ${key.join(", ")}`,
    ...(["insert", "update", "delete"] as const).map((verb) => `  ${verb}: ${verbWords(table[verb])}`),
    ...columns.map((column) => `    ${column.name.padEnd(width)}${columnWords(column)}`),
    ...(discovered ? ["    and the columns that the API tells of"] : []),
  ];
}

function verbWords(verb: ShownVerb | null): string {
  if (!verb) return "no";
  if (verb.rows === 1) return "1 row in a call";
  return `up to ${verb.rows} rows in a call, ${verb.atomic ? "all or none" : "each accepted or refused by itself"}`;
}

function columnWords({ type, write, required, unique }: ShownColumn): string {
  const facts = [
    type ?? "",
    write === "never" ? "read only" : write === "create" ? "on INSERT only" : "",
    required ? "required" : "",
    unique ? "unique" : "",
  ];
  return facts.filter(Boolean).join(", ");
}
