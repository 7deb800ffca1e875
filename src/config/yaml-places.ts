// Where the parts of a YAML file are: through aliases and merged maps, at what they stand for.

import { type Document, isAlias, isMap, isNode, isSeq, visit } from "yaml";

/** Returns the first alias whose anchor does not stand above it; undefined: there is none. */
export function aliasWithoutAnchor(document: Document): { readonly name: string; readonly offset: number } | undefined {
  let lost: { readonly name: string; readonly offset: number } | undefined;
  visit(document, {
    Alias: (_, alias) => {
      if (!alias.resolve(document)) lost ??= { name: alias.source, offset: alias.range?.[0] ?? 0 };
    },
  });
  return lost;
}

/** Returns where the value at a path begins, or as much of the path as there is; through aliases and merged maps to what they stand for. */
export function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const step of path) {
    const next = child(document, node, step);
    if (!next) return offset;
    offset = next.offset ?? offset;
    node = next.value;
  }
  return offset;
}

interface Child {
  readonly value: unknown;
  readonly offset: number | undefined;
}

/** Returns a member of a map with the place of its key, or an element of a list. */
function child(document: Document, within: unknown, step: PropertyKey): Child | undefined {
  const node = isAlias(within) ? within.resolve(document) : within;
  if (isSeq(node)) {
    const value: unknown = node.get(Number(step), true);
    return isNode(value) ? { value, offset: value.range?.[0] } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => String(key) === String(step));
  if (pair) return { value: pair.value, offset: isNode(pair.key) ? pair.key.range?.[0] : undefined };
  const merged = node.items
    .filter(({ key }) => String(key) === "<<")
    .flatMap(({ value }) => (isSeq(value) ? value.items : [value]));
  return merged.map((one) => child(document, one, step)).find((one) => one !== undefined);
}
