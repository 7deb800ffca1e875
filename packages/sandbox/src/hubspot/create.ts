// Creates one record with the associations that its creation asks for; they are checked before anything is stored.

import { type AskedLink, checkAsked } from "./association-check.js";
import type { Call } from "./call.js";
import { createRecord, type Outcome } from "./write.js";
import type { CreateRow } from "./write-body.js";

export function createAsked(
  { portal, table, request }: Call,
  { properties, asked }: CreateRow,
): { readonly outcome: Outcome; readonly links: readonly AskedLink[] } {
  const links = checkAsked(portal, table.type, asked);
  return links.kind === "unassociable"
    ? { outcome: { kind: "refused", refusal: links }, links: [] }
    : { outcome: createRecord(table, properties, request.atMs), links: links.value };
}

/** Once it is certain that the record stays. */
export function associateCreated({ portal, table }: Call, id: string, links: readonly AskedLink[]): void {
  for (const { to, types } of links) portal.associations.associate({ type: table.type, id }, to, types);
}
