// The mistakes of single calls: a value that has no text in a place for texts, and, for `connector check`, what would fail only once it
// is run: an address with a query of its own, a create whose key is never known, an `ok` that is never true.

import { memberOf } from "../config/member.js";
import type { Call } from "./call-schema.js";
import type { Mistake, Path } from "./placeholders.js";
import { pointerTo } from "./pointer.js";
import type { TableManifest } from "./table-schema.js";

/** Returns the mistakes of placeholders that stand for an object, such as `{record}`, in a place that takes only a text. */
export function objectMistakes(call: Call, path: Path, objectNames: readonly string[]): Mistake[] {
  const { method, path: address, query, headers, body } = call;
  const inText = (text: string) => placeholdersIn(text);
  // In a body a placeholder that stands alone keeps what it is.
  const inBody = (text: string) => (/^\{[\w.]+\}$/.test(text) ? [] : placeholdersIn(text));
  const found = [
    ...namesIn({ [method]: address }, path, inText),
    ...namesIn(query, [...path, "query"], inText),
    ...namesIn(headers, [...path, "headers"], inText),
    ...namesIn(body, [...path, "body"], inBody),
  ];
  return found
    .filter(({ name }) => objectNames.includes(name))
    .map(({ at, name }) => ({
      path: at,
      message: `{${name}} is no text: it stands in a body, with nothing beside it`,
    }));
}

interface FoundName {
  readonly at: Path;
  readonly name: string;
}

function namesIn(value: unknown, at: Path, names: (text: string) => readonly string[]): FoundName[] {
  if (typeof value === "string") return names(value).map((name) => ({ at, name }));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([step, inner]) => namesIn(inner, [...at, step], names));
}

function placeholdersIn(text: string): readonly string[] {
  return [...text.matchAll(/\{([\w.]+)\}/g)].map(([, name = ""]) => name);
}

/** Returns what is wrong with a path that has more than a path in it; undefined: nothing. */
export function addressMistake(address: string): string | undefined {
  return /[?#]/.test(address) ? 'has a "?" or "#": what stands behind it belongs to "query"' : undefined;
}

/** Returns the names of the key's columns that upstream alone assigns. */
function assignedNames({ key, columns }: TableManifest): readonly string[] {
  return key.filter((name) => memberOf(columns, name)?.write === "never");
}

/** Returns why the key of a new record would never be known; undefined: it will be, or a client gives it. */
export function unknownKeyMistake(table: TableManifest, { rows, match }: Call): string | undefined {
  const [assigned] = assignedNames(table);
  if (assigned === undefined) return undefined;
  if (rows === undefined)
    return `needs "rows": upstream assigns "${assigned}", and only the record in its answer has it; without it, each INSERT ends as unknown`;
  if (match === "key" || (match !== undefined && memberOf(table.columns, match)?.write === "never"))
    return `"match" by ${match} assigns no row: a new record has none before it is made; match by order, a column that is sent, or a pointer to the {index}`;
  return undefined;
}

/** Returns the column whose pointer within a record is `pointer`, if it can never be true or false; undefined: there is none. */
export function columnThatIsNoBoolean(table: TableManifest, { record }: Call, pointer: string): string | undefined {
  const fields = record?.fields ?? table.record.fields;
  const keys = record?.key ?? table.record.key;
  return Object.entries(table.columns).find(([name, { type, from, to }]) => {
    const at = keys[table.key.indexOf(name)] ?? from ?? `${fields}${pointerTo(to ?? name)}`;
    return type !== undefined && type !== "boolean" && type !== "jsonb" && at === pointer;
  })?.[0];
}
