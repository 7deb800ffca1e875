// The end of a switch over a union, by which the compiler refuses a member that has no case.

/**
 * Stands in the `default` of a switch over a union and never returns. Throws Error when a value arrives that its type excludes; the
 * message names a literal but shows no object, which may hold a customer's values.
 */
export function assertNever(value: never): never {
  throw new Error(`no case for ${String(value)}`);
}
