// The names that lead to mirrors, as the reader of a statement asks for them.

import type { Definition, TableName } from "./classification.js";

export interface Names {
  /** Returns the watched names in the body of a DO block: tables that it writes to, and functions that it calls. */
  namesIn(body: string): { readonly tables: readonly TableName[]; readonly functions: readonly TableName[] };
  isTable(name: string): boolean;
  isFunction(name: string): boolean;
  /** Returns these names and the defined ones, for the statements behind the definitions in one string. */
  with(definitions: readonly Definition[]): Names;
}
