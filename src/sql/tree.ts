// Reads libpg-query's parse tree, in which an object with one key names a node.

import { memberOf } from "../config/member.js";

export type NodeFields = Readonly<Record<string, unknown>>;

export function isNodeFields(value: unknown): value is NodeFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown, key: string): NodeFields | undefined {
  const field = isNodeFields(value) ? memberOf(value, key) : undefined;
  return isNodeFields(field) ? field : undefined;
}

export function listOf(value: unknown, key: string): readonly unknown[] {
  const field = isNodeFields(value) ? memberOf(value, key) : undefined;
  return Array.isArray(field) ? field : [];
}

export function textOf(value: unknown, key: string): string | undefined {
  const field = isNodeFields(value) ? memberOf(value, key) : undefined;
  return typeof field === "string" ? field : undefined;
}

export function numberOf(value: unknown, key: string): number {
  const field = isNodeFields(value) ? memberOf(value, key) : undefined;
  return typeof field === "number" ? field : 0;
}

/** Returns the words of a qualified name. */
export function wordsOf(value: unknown, key: string): readonly string[] {
  return listOf(value, key).flatMap((word) => textOf(fieldsOf(word, "String"), "sval") ?? []);
}

/** Returns the words given to an option of a statement, in their order; undefined for an option without a word. */
export function optionsOf(stmt: NodeFields | undefined, name: string): readonly (string | undefined)[] {
  return listOf(stmt, "options")
    .map((option) => fieldsOf(option, "DefElem"))
    .filter((element) => textOf(element, "defname") === name)
    .map((element) => {
      const argument = fieldsOf(element, "arg");
      const number = fieldsOf(argument, "Integer");
      return number ? String(numberOf(number, "ival")) : textOf(fieldsOf(argument, "String"), "sval");
    });
}

/** Visits every object in the tree with its key, an outer one before those within it. Depth costs no stack: an expression may be nested thousands deep. */
export function walk(tree: unknown, visit: (key: string, fields: NodeFields) => void): void {
  const left: unknown[] = [tree];
  while (left.length > 0) {
    const value = left.pop();
    if (value instanceof Visit) visit(value.key, value.fields);
    const inside = value instanceof Visit ? value.fields : value;
    if (Array.isArray(inside)) for (let at = inside.length - 1; at >= 0; at -= 1) left.push(inside[at]);
    else if (isNodeFields(inside))
      for (const [key, inner] of Object.entries(inside).reverse())
        left.push(isNodeFields(inner) ? new Visit(key, inner) : inner);
  }
}

/** An object whose turn has not come. */
class Visit {
  constructor(
    readonly key: string,
    readonly fields: NodeFields,
  ) {}
}
