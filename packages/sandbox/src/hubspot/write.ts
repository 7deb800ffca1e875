// Writes one record; the same rules whether it comes alone or in a batch.

import { checkProperties, type Written } from "./check.js";
import type { ObjectTable, Stored, StoredRecord } from "./object-table.js";
import type { Refusal } from "./refusal.js";
import { readValue } from "./value.js";

/** How a caller names a record: by its id, or by its value of a unique property. */
export interface Identity {
  readonly id: string;
  readonly idProperty: string;
}

export type Outcome =
  | {
      readonly kind: "written";
      readonly record: StoredRecord;
      readonly touched: readonly string[];
      readonly created: boolean;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export function createRecord(table: ObjectTable, written: Written, atMs: number): Outcome {
  const { required, initial } = table.type;
  const checked = checkProperties(table.type, { ...Object.fromEntries(initial), ...written });
  if (checked.kind === "invalid") return { kind: "refused", refusal: checked };
  const properties = required.filter((name) => !checked.changes.get(name));
  if (properties.length > 0) return { kind: "refused", refusal: { kind: "incomplete", properties } };
  return outcome(table.create(checked.changes, atMs), true);
}

export function updateRecord(table: ObjectTable, identity: Identity, written: Written, atMs: number): Outcome {
  const record = findRecord(table, identity);
  if (!record) return { kind: "refused", refusal: { kind: "missing", id: identity.id } };
  const checked = checkProperties(table.type, written);
  if (checked.kind === "invalid") return { kind: "refused", refusal: checked };
  return outcome(table.update(record, checked.changes, atMs), false);
}

/** A record id can't be chosen, so only a unique property can make an upsert create. */
export function upsertRecord(table: ObjectTable, identity: Identity, written: Written, atMs: number): Outcome {
  return identity.idProperty === "hs_object_id" || findRecord(table, identity)
    ? updateRecord(table, identity, written, atMs)
    : createRecord(table, { [identity.idProperty]: identity.id, ...written }, atMs);
}

export function findRecord(table: ObjectTable, identity: Identity): StoredRecord | undefined {
  return table.find(identity.idProperty, keptId(table, identity));
}

/** The id in the form in which it is kept: an email is found whatever its case. */
export function keptId(table: ObjectTable, identity: Identity): string {
  const property = table.type.properties.get(identity.idProperty);
  const read = property && readValue(property.holds, identity.id);
  return read?.kind === "value" ? read.value : identity.id;
}

function outcome(stored: Stored, created: boolean): Outcome {
  return stored.kind === "stored"
    ? { kind: "written", record: stored.record, touched: stored.touched, created }
    : { kind: "refused", refusal: stored };
}
