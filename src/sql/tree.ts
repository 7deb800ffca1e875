// Reads libpg-query's parse tree, in which an object with one key names a node.

export type NodeFields = Readonly<Record<string, unknown>>;

export function isNodeFields(value: unknown): value is NodeFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown, key: string): NodeFields | undefined {
  const field = isNodeFields(value) ? value[key] : undefined;
  return isNodeFields(field) ? field : undefined;
}

export function listOf(value: unknown, key: string): readonly unknown[] {
  const field = isNodeFields(value) ? value[key] : undefined;
  return Array.isArray(field) ? field : [];
}

export function textOf(value: unknown, key: string): string | undefined {
  const field = isNodeFields(value) ? value[key] : undefined;
  return typeof field === "string" ? field : undefined;
}

export function numberOf(value: unknown, key: string): number {
  const field = isNodeFields(value) ? value[key] : undefined;
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

/** Visits every object in the tree with its key, an outer one before those within it. */
export function walk(value: unknown, visit: (key: string, fields: NodeFields) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
    return;
  }
  if (!isNodeFields(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (isNodeFields(inner)) visit(key, inner);
    walk(inner, visit);
  }
}
