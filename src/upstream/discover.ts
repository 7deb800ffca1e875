// The columns of a mirror: those the manifest names first, then those the API describes.

import { isCleanText } from "../config/clean-text.js";
import { memberOf } from "../config/member.js";
import { isLongName } from "../config/name-length.js";
import type { Discovery } from "../manifest/column-schema.js";
import { elementType } from "../manifest/column-types.js";
import type { Manifest } from "../manifest/manifest.js";
import { lookUp, textAt } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { TableManifest } from "../manifest/table-schema.js";
import type { MirrorColumn } from "../mirror/column.js";
import { hashedName } from "../postgres/quote.js";
import type { ColumnOf } from "./errors.js";
import { upstreamName as cleanName, scalarAt } from "./words.js";

type ColumnFacts = Omit<MirrorColumn, "name">;

const nothingKnown: Omit<ColumnFacts, "upstream"> = {
  type: "text",
  write: "always",
  codec: "plain",
  unique: false,
  required: false,
  max: null,
  options: null,
  from: null,
  label: null,
  merge: false,
  references: null,
};

/**
 * Returns the columns that the manifest names, then those that the API describes in `descriptions`. A type that the manifest does not
 * map becomes text. Throws ReadFailed when two described columns have one name.
 */
export function discoverColumns(
  manifest: Manifest,
  table: TableManifest,
  descriptions: readonly unknown[],
): readonly MirrorColumn[] {
  const columns = new Map<string, ColumnFacts>();
  for (const name of Object.keys(table.columns)) columns.set(name, { ...nothingKnown, upstream: name });
  const discoveredNames = new Set<string>();
  if (table.discover) {
    const { column } = table.discover;
    for (const element of descriptions) {
      const upstreamName = textAt(element, column.name);
      if (upstreamName === undefined) continue;
      const upstream = column.id === undefined ? upstreamName : (textAt(element, column.id) ?? upstreamName);
      const name = identifier(upstreamName);
      if (discoveredNames.has(name))
        throw new ReadFailed(
          `${manifest.api}: two columns are called "${name}": let "discover.column.name" be a pointer that tells them apart`,
        );
      discoveredNames.add(name);
      columns.set(name, { ...describe(manifest, column, element), upstream });
    }
  }
  return [...columns].map(([name, facts]) => {
    const { to, ...declaration } = memberOf(table.columns, name) ?? {};
    const overrides = Object.fromEntries(Object.entries(declaration).filter(([, value]) => value !== undefined));
    const { absent = table.record.absent === "null" ? null : undefined, ...others } = { ...facts, ...overrides };
    const unknownType = declaration.type === undefined ? facts.unknownType : undefined;
    return { ...others, name, upstream: to ?? facts.upstream, absent, unknownType };
  });
}

interface TableDescription {
  readonly id: string;
  readonly columns: readonly unknown[];
  readonly requiredNames: readonly string[];
}

/** Returns the description of the table `name` among those that the API describes in `descriptions`; undefined when there is none. */
export function findTable(
  at: NonNullable<Discovery["table"]>,
  descriptions: readonly unknown[],
  name: string,
): TableDescription | undefined {
  const element = descriptions.find((one) => textAt(one, at.name) === name);
  const id = textAt(element, at.id);
  const listAt = (pointer: string | undefined): readonly unknown[] => {
    const list = pointer === undefined ? undefined : lookUp(element, pointer);
    return Array.isArray(list) ? list : [];
  };
  const requiredNames = listAt(at.required).filter((one) => typeof one === "string");
  return id === undefined ? undefined : { id, columns: listAt(at.columns), requiredNames };
}

/**
 * Returns how to find the column an error speaks of: by its name, by a place within it (`address[line1]`), or by its label. The error's
 * words are clean, and so are the names that they are compared with.
 */
export function columnNamed(columns: readonly MirrorColumn[]): ColumnOf {
  return (name) => {
    const [whole] = name.split(/[[.]/, 1);
    const label = name.toLowerCase();
    const named = columns.map((column) => ({ column, upstream: cleanName(column.upstream) }));
    const column =
      named.find(({ upstream }) => upstream === name)?.column ??
      named.find(({ upstream }) => upstream === whole)?.column ??
      columns.find((one) => (one.label ?? one.name.replaceAll("_", " ")).toLowerCase() === label);
    return column?.name ?? null;
  };
}

/** Reads the API's description of one column by the pointers of the manifest. */
function describe(manifest: Manifest, at: Discovery["column"], element: unknown): Omit<ColumnFacts, "upstream"> {
  const type = textAt(element, at.type) ?? "";
  const known = memberOf(manifest.types, type);
  const rule = known ?? { type: "text" };
  const array = isArray(at, element) ? at.array : undefined;
  const isTrue = (pointers: readonly string[]) => pointers.some((pointer) => lookUp(element, pointer) === true);
  const text = (pointer: string | undefined) => (pointer === undefined ? undefined : textAt(element, pointer));
  const about = text(at.about);
  return {
    ...nothingKnown,
    type: array && elementType(rule.type) === undefined ? `${rule.type}[]` : rule.type,
    codec: (array ? array.codec : rule.codec) ?? "plain",
    absent: rule.absent,
    unknownType: known ? undefined : cleanName(type),
    write: isTrue(at.never) ? "never" : isTrue(at.create) ? "create" : "always",
    required: isTrue(at.required),
    unique: isTrue(at.unique),
    max: positive(text(at.max)),
    references: text(at.references) ?? null,
    label: about === undefined ? null : cleanName(about),
    // An API may list true and false as the options of a boolean, whose type says it better.
    options: array || rule.type === "text" ? optionsOf(at, element) : null,
  };
}

/** Returns a sentence for each type of the API that the manifest does not know, without a full stop. */
export function unknownTypeWords(columns: readonly MirrorColumn[]): string[] {
  const types = new Set(columns.flatMap(({ unknownType }) => unknownType ?? []));
  return [...types].map((type) => {
    const [first, ...others] = columns.filter(({ unknownType }) => unknownType === type).map(({ name }) => name);
    const whose = `column "${first}"${others.length === 0 ? "" : ` and ${others.length} more`}`;
    return type === ""
      ? `"discover.column.type" finds no type of ${whose}, which is text therefore`
      : `"types" has no "${type}", the type of ${whose}, which is text therefore`;
  });
}

function isArray({ array }: Discovery["column"], element: unknown): boolean {
  if (!array) return false;
  return Object.entries(array.when).every(([pointer, value]) => scalarAt(element, pointer) === value);
}

function positive(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}

function optionsOf({ options }: Discovery["column"], element: unknown): readonly string[] | null {
  const list = options === undefined ? undefined : lookUp(element, options);
  const texts = Array.isArray(list) ? list.filter((option) => typeof option === "string") : [];
  return texts.length > 0 ? texts : null;
}

/**
 * Returns the name, or one with a hash at its end when Postgres would cut it, or when it has none, or characters that no error and
 * no terminal shows: two names that differ by those alone stay two.
 */
function identifier(name: string): string {
  const isClean = name !== "" && isCleanText(name);
  if (isClean && !isLongName(name)) return name;
  return hashedName(isClean ? name : cleanName(name), name, 8);
}
