// The watched names with those that have been defined since the catalogue was looked at, in any schema: a layer on top of them, for the
// list below may be long.

import type { Definition } from "./classification.js";
import type { Mention } from "./mentions.js";
import type { Names } from "./names.js";

export class DefinedNames implements Names {
  private readonly names: Readonly<Record<Definition["kind"], ReadonlySet<string>>>;

  constructor(
    private readonly below: Names,
    private readonly definitions: readonly Definition[],
  ) {
    const namesOf = (kind: Definition["kind"]) =>
      new Set(definitions.flatMap((definition) => (definition.kind === kind ? definition.name : [])));
    this.names = { table: namesOf("table"), function: namesOf("function") };
  }

  isTable(name: string): boolean {
    return this.names.table.has(name) || this.below.isTable(name);
  }

  isFunction(name: string, schema: string | null): boolean {
    return this.names.function.has(name) || this.below.isFunction(name, schema);
  }

  isMentioned(mention: Mention): boolean {
    return this.names[mention.kind].has(mention.name.table) || this.below.isMentioned(mention);
  }

  with(definitions: readonly Definition[]): Names {
    return definitions.length === 0 ? this : new DefinedNames(this.below, [...this.definitions, ...definitions]);
  }
}
