// The table that a command is given as API.TABLE.

import type { Opened } from "../app/open.js";
import { UsageError } from "../app/usage-error.js";
import { suggestion } from "../config/suggest.js";

/** Returns the names of a configured table. Throws UsageError, with the nearest one, when there is none of that name. */
export function namedTable({ tables }: Opened, name: string): { readonly api: string; readonly resource: string } {
  const candidates = tables.map(({ api, table: { resource } }) => ({ api: api.name, resource }));
  const match = candidates.find(({ api, resource }) => `${api}.${resource}` === name);
  if (match) return match;
  const names = candidates.map(({ api, resource }) => `${api}.${resource}`);
  throw new UsageError(`the config has no table "${name}"; ${suggestion(name, names)}`);
}
