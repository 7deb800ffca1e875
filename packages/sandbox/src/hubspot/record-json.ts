// A record as answers carry it. A read gives what was asked for; a write gives only what it touched.

import type { StoredRecord } from "./object-table.js";
import { alwaysRead, type ObjectType } from "./object-type.js";

export interface RecordJson {
  readonly id: string;
  readonly properties: Readonly<Record<string, string | null>>;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly archived: boolean;
  readonly archivedAt?: string;
}

/** Asked for and known: the value or null. Asked for and unknown: left out without a word, as HubSpot does. */
export function asRead(type: ObjectType, record: StoredRecord, asked: readonly string[]): RecordJson {
  const known = asked.filter((name) => type.properties.has(name));
  return recordJson(record, asked.length > 0 ? [...known, ...alwaysRead(type)] : type.defaults);
}

/** Never the whole record: whoever needs that reads it again. */
export function asWritten(type: ObjectType, record: StoredRecord, touched: readonly string[]): RecordJson {
  const present = type.defaults.filter((name) => record.values.has(name));
  return recordJson(record, [...touched, ...present]);
}

/** Every property the type has. */
export function asStored(type: ObjectType, record: StoredRecord): RecordJson {
  return recordJson(record, [...type.properties.keys()]);
}

function recordJson(record: StoredRecord, names: readonly string[]): RecordJson {
  const sorted = [...new Set(names)].sort();
  const { archivedAtMs } = record;
  return {
    id: record.id,
    properties: Object.fromEntries(sorted.map((name) => [name, record.values.get(name) ?? null])),
    createdAt: new Date(record.createdAtMs).toISOString(),
    updatedAt: new Date(record.updatedAtMs).toISOString(),
    archived: archivedAtMs !== undefined,
    ...(archivedAtMs === undefined ? {} : { archivedAt: new Date(archivedAtMs).toISOString() }),
  };
}
