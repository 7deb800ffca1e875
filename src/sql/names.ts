// The names that lead to mirrors, as the reader of a statement asks for them.

import type { Definition, TableName } from "./classification.js";
import { type Mention, mentionsIn } from "./mentions.js";

export interface Names {
  /** Returns whether what a body mentions is watched. */
  isMentioned(mention: Mention): boolean;
  isTable(name: string): boolean;
  /** Returns whether a call may be one of a watched function; `schema` is the one that the call gives, null when it gives none. */
  isFunction(name: string, schema: string | null): boolean;
  /** Returns these names and the defined ones, for the statements behind the definitions in one string. */
  with(definitions: readonly Definition[]): Names;
}

/** Returns what a body writes to and calls, of what is watched, with the schema that it gives. */
export function namesIn(
  body: string,
  watched: Pick<Names, "isMentioned">,
): { readonly tables: readonly TableName[]; readonly functions: readonly TableName[] } {
  const names: Record<Mention["kind"], Map<string, TableName>> = { table: new Map(), function: new Map() };
  for (const mention of mentionsIn(body)) {
    const { kind, name } = mention;
    if (watched.isMentioned(mention)) names[kind].set(JSON.stringify([name.schema, name.table]), name);
  }
  return { tables: [...names.table.values()], functions: [...names.function.values()] };
}
