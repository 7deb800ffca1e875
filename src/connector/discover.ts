// The columns of a mirror: those the manifest names first, then those the API describes.

import type { MirrorColumn } from "../mirror/column.js";
import type { Manifest, TableManifest } from "./manifest.js";
import { lookUp, textAt } from "./pointer.js";

type Discovery = NonNullable<TableManifest["discover"]>;
type Described = Omit<MirrorColumn, "name" | "upstream">;

const nothingKnown: Described = {
  type: "text",
  write: "always",
  codec: "plain",
  unique: false,
  required: false,
  max: null,
  options: null,
  from: null,
};

/** A type that the manifest does not place is text: every value has one. */
export function discoverColumns(
  manifest: Manifest,
  table: TableManifest,
  found: readonly unknown[],
): readonly MirrorColumn[] {
  const described = new Map<string, Described>();
  for (const name of Object.keys(table.columns)) described.set(name, nothingKnown);
  if (table.discover) {
    const { column } = table.discover;
    for (const element of found) {
      const name = textAt(element, column.name);
      if (name !== undefined) described.set(name, describe(manifest, column, element));
    }
  }
  return [...described].map(([name, facts]) => {
    const declared = table.columns[name] ?? {};
    const said = Object.fromEntries(
      Object.entries(declared).filter(([key, value]) => key !== "to" && value !== undefined),
    );
    return { ...facts, ...said, name, upstream: ("to" in declared ? declared.to : undefined) ?? name };
  });
}

function describe(manifest: Manifest, at: Discovery["column"], element: unknown): Described {
  const rule = manifest.types[textAt(element, at.type) ?? ""] ?? { type: "text", codec: "plain" as const };
  const options = at.options === undefined ? undefined : lookUp(element, at.options);
  const listed = Array.isArray(options) ? options.filter((option) => typeof option === "string") : [];
  const isArray =
    at.array && Object.entries(at.array.when).every(([pointer, value]) => textAt(element, pointer) === value);
  return {
    ...nothingKnown,
    type: isArray ? "text[]" : rule.type,
    codec: isArray && at.array ? at.array.codec : rule.codec,
    write: at.never.some((pointer) => lookUp(element, pointer) === true) ? "never" : "always",
    unique: at.unique !== undefined && lookUp(element, at.unique) === true,
    // Upstream may list true and false for a boolean: its type says it better.
    options: listed.length > 0 && (isArray || rule.type === "text") ? listed : null,
  };
}
