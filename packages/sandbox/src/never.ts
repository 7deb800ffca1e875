// What a switch over a union ends in: a case that was forgotten does not compile.

export function assertNever(value: never): never {
  throw new Error(`a case was forgotten: ${JSON.stringify(value)}`);
}
