// Where a mirror does not answer as an ordinary table does: exceptions.json, cause by cause. An entry says why, what the
// mirror answers where they first differ, and in which conversations. A reason that begins with "BUG:" is one that nobody wants.

import { readFileSync } from "node:fs";

export interface Exception {
  readonly why: string;
  /** A line of compare.ts. */
  readonly answer: string;
  /** By client, the shapes of its conversations. */
  readonly where: Readonly<Record<string, readonly string[]>>;
}

export const exceptions: readonly Exception[] = JSON.parse(
  readFileSync(new URL("exceptions.json", import.meta.url), "utf8"),
);

export function exceptionOf(client: string, shape: string): Exception | undefined {
  return exceptions.find(({ where }) => where[client]?.includes(shape));
}
