// The member of an object whose name comes from outside: a column, a table, a word of a command line. `object[name]` would also find
// what each object inherits, and a column may well be called `constructor` or `__proto__`.

/** Returns what the object itself holds under this name; undefined when it holds nothing. */
export function memberOf<Value>(
  object: Readonly<Record<string, Value>> | null | undefined,
  name: string,
): Value | undefined {
  return object != null && Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Has the object itself hold `value` under this name. */
export function setMember<Value>(object: Record<string, Value>, name: string, value: Value): void {
  // An assignment would set the prototype.
  if (name === "__proto__")
    Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true });
  else object[name] = value;
}
