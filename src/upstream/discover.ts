// The columns of a mirror: those the manifest names first, then those the API describes.

import { createHash } from "node:crypto";
import type { TableConfig } from "../config/api.js";
import { suggestion } from "../config/suggest.js";
import { ConfigError } from "../config/yaml.js";
import type { Discovery } from "../manifest/column-schema.js";
import { elementType } from "../manifest/column-types.js";
import type { Manifest } from "../manifest/manifest.js";
import { lookUp, textAt } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { TableManifest } from "../manifest/table-schema.js";
import type { MirrorColumn } from "../mirror/column.js";
import { longestName } from "../postgres/quote.js";
import type { ColumnOf } from "./errors.js";

type Described = Omit<MirrorColumn, "name">;

const nothingKnown: Omit<Described, "upstream"> = {
  type: "text",
  write: "always",
  codec: "plain",
  unique: false,
  required: false,
  max: null,
  options: null,
  from: null,
  label: null,
  absent: null,
  merge: false,
  references: null,
};

/** A type that the manifest does not place is text: every value has one. Throws ReadFailed. */
export function discoverColumns(
  manifest: Manifest,
  table: TableManifest,
  found: readonly unknown[],
): readonly MirrorColumn[] {
  const described = new Map<string, Described>();
  for (const name of Object.keys(table.columns)) described.set(name, { ...nothingKnown, upstream: name });
  const discovered = new Set<string>();
  if (table.discover) {
    const { column } = table.discover;
    for (const element of found) {
      const said = textAt(element, column.name);
      if (said === undefined) continue;
      const upstream = column.id === undefined ? said : (textAt(element, column.id) ?? said);
      const name = identifier(said);
      if (discovered.has(name))
        throw new ReadFailed(
          `${manifest.api}: two columns are called "${name}": let "discover.column.name" be a pointer that tells them apart`,
        );
      discovered.add(name);
      described.set(name, { ...describe(manifest, column, element), upstream });
    }
  }
  return [...described].map(([name, facts]) => {
    const { to, ...declared } = table.columns[name] ?? {};
    const said = Object.fromEntries(Object.entries(declared).filter(([, value]) => value !== undefined));
    return { ...facts, ...said, name, upstream: to ?? facts.upstream };
  });
}

/** Those that the config wants, under the names that it gives them. Throws ConfigError. */
export function chosenColumns(
  columns: readonly MirrorColumn[],
  key: readonly string[],
  { resource, columns: wanted, rename }: Pick<TableConfig, "resource" | "columns" | "rename">,
  api: string,
): readonly MirrorColumn[] {
  const names = columns.map(({ name }) => name);
  const unknown = [...(wanted ?? []), ...Object.keys(rename)].filter((name) => !names.includes(name));
  const keys = Object.keys(rename).filter((name) => key.includes(name));
  const mistakes = [
    ...unknown.map((name) => `there is no column "${name}"; ${suggestion(name, names)}`),
    ...keys.map((name) => `the key "${name}" keeps its name`),
  ];
  if (mistakes.length > 0)
    throw new ConfigError(mistakes.map((mistake) => `apis.${api}.tables.${resource}: ${mistake}`));
  return columns
    .filter(({ name }) => wanted === undefined || wanted.includes(name) || key.includes(name))
    .map((column) => ({ ...column, name: rename[column.name] ?? column.name }));
}

interface DescribedTable {
  readonly id: string;
  readonly columns: readonly unknown[];
  readonly required: readonly string[];
}

/** Of the tables that an API describes, the one of this name. */
export function findTable(
  at: NonNullable<Discovery["table"]>,
  found: readonly unknown[],
  name: string,
): DescribedTable | undefined {
  const element = found.find((one) => textAt(one, at.name) === name);
  const id = textAt(element, at.id);
  const listAt = (pointer: string | undefined): readonly unknown[] => {
    const list = pointer === undefined ? undefined : lookUp(element, pointer);
    return Array.isArray(list) ? list : [];
  };
  const required = listAt(at.required).filter((one) => typeof one === "string");
  return id === undefined ? undefined : { id, columns: listAt(at.columns), required };
}

/** An error may speak of a column by its name, by its place within one (`address[line1]`), or by its label. */
export function columnNamed(columns: readonly MirrorColumn[]): ColumnOf {
  return (said) => {
    const whole = said.replace(/[[.].*$/, "");
    const label = said.toLowerCase();
    const column =
      columns.find(({ upstream }) => upstream === said) ??
      columns.find(({ upstream }) => upstream === whole) ??
      columns.find((one) => (one.label ?? one.name.replaceAll("_", " ")).toLowerCase() === label);
    return column?.name ?? null;
  };
}

function describe(manifest: Manifest, at: Discovery["column"], element: unknown): Omit<Described, "upstream"> {
  const rule = manifest.types[textAt(element, at.type) ?? ""] ?? { type: "text" };
  const options = at.options === undefined ? undefined : lookUp(element, at.options);
  const listed = Array.isArray(options) ? options.filter((option) => typeof option === "string") : [];
  const isArray =
    at.array && Object.entries(at.array.when).every(([pointer, value]) => String(lookUp(element, pointer)) === value);
  const is = (pointers: readonly string[]) => pointers.some((pointer) => lookUp(element, pointer) === true);
  const max = at.max === undefined ? undefined : textAt(element, at.max);
  return {
    ...nothingKnown,
    type: isArray && elementType(rule.type) === undefined ? `${rule.type}[]` : rule.type,
    codec: (isArray ? at.array?.codec : rule.codec) ?? "plain",
    absent: rule.absent ?? null,
    write: is(at.never) ? "never" : is(at.create) ? "create" : "always",
    required: is(at.required),
    unique: is(at.unique),
    max: max !== undefined && /^[1-9]\d*$/.test(max) ? Number(max) : null,
    references: (at.references === undefined ? undefined : textAt(element, at.references)) ?? null,
    label: (at.about === undefined ? undefined : textAt(element, at.about)) ?? null,
    // Upstream may list true and false for a boolean: its type says it better.
    options: listed.length > 0 && (isArray || rule.type === "text") ? listed : null,
  };
}

/** A name that Postgres keeps whole. */
function identifier(said: string): string {
  if (Buffer.byteLength(said) <= longestName) return said;
  const told = createHash("sha256").update(said).digest("hex").slice(0, 8);
  let head = said;
  while (Buffer.byteLength(head) > longestName - told.length - 1) head = [...head].slice(0, -1).join("");
  return `${head}_${told}`;
}
