// Whether the API's descriptions of columns have what the manifest looks for in them.

import { isRecord } from "../config/json.js";
import { memberOf } from "../config/member.js";
import type { Discovery } from "../manifest/column-schema.js";
import type { Manifest } from "../manifest/manifest.js";
import { lookUp, textAt } from "../manifest/pointer.js";
import type { TableManifest } from "../manifest/table-schema.js";
import { findTable } from "./discover.js";
import { nameList, upstreamName } from "./words.js";

/** Returns the descriptions of a table's columns in the answer of its discovery. */
export function descriptionsIn(discover: Discovery, body: unknown, resource: string): readonly unknown[] {
  const there = lookUp(body, discover.rows);
  const list: readonly unknown[] = Array.isArray(there) ? there : [];
  return discover.table ? (findTable(discover.table, list, resource)?.columns ?? []) : list;
}

/** Returns what is wrong with the discovery of a table, a sentence each: pointers that lead nowhere, and types that the manifest does not know. */
export function discoveryMistakes(
  { types }: Manifest,
  { columns }: TableManifest,
  { column: at }: Discovery,
  descriptions: readonly unknown[],
): readonly string[] {
  if (descriptions.length === 0)
    return ['the API describes no column: mend "discover.rows", or "discover.table.columns"'];
  const [first] = descriptions;
  const shape = isRecord(first) ? `; such a description has: ${nameList(Object.keys(first))}` : "";
  const lost = (["name", "type", "id"] as const).flatMap((key) => {
    const pointer = at[key];
    const isLost = pointer !== undefined && descriptions.every((one) => textAt(one, pointer) === undefined);
    return isLost ? [`"discover.column.${key}": no description has a text at ${pointer}${shape}`] : [];
  });
  if (lost.length > 0) return lost;
  const unknown = new Map<string, string[]>();
  const describedNames = new Set<string>();
  for (const description of descriptions) {
    const name = textAt(description, at.name);
    const type = textAt(description, at.type);
    if (name === undefined) continue;
    describedNames.add(name);
    const isTyped = (type !== undefined && Object.hasOwn(types, type)) || declaredType(columns, name) !== undefined;
    if (!isTyped) unknown.set(type ?? "", [...(unknown.get(type ?? "") ?? []), name]);
  }
  const strange = [...unknown].map(([type, names]) =>
    type === ""
      ? `"discover.column.type": nothing tells the type of ${nameList(names)}, so that it is text`
      : `"types" has no "${upstreamName(type)}", the type of ${nameList(names)}, so that it is text`,
  );
  const untyped = Object.entries(columns).filter(([name, { type }]) => type === undefined && !describedNames.has(name));
  return [
    ...strange,
    ...untyped.map(
      ([name]) => `column "${name}" has no "type", and the API describes no such column, so that it is text`,
    ),
  ];
}

function declaredType(columns: TableManifest["columns"], name: string): string | undefined {
  return memberOf(columns, name)?.type;
}
