// The values of JSON and YAML before a schema has checked them.

/** Returns whether a value is an object with keys: neither a list nor null. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
