// What somebody else does to the account, without the API and unseen by the log. It has to succeed: a test that asks
// for nonsense is wrong.

import { checkEnd } from "./association-check.js";
import type { Input } from "./body.js";
import type { Written } from "./check.js";
import { fullName } from "./custom-object.js";
import type { ObjectTable, StoredRecord } from "./object-table.js";
import type { Portal } from "./portal.js";
import type { Option } from "./property.js";
import { readProperty } from "./property-body.js";
import { asStored } from "./record-json.js";
import { readSchema } from "./schema-body.js";
import { defineObject } from "./schemas.js";
import { createRecord, type Outcome, updateRecord } from "./write.js";

/** Of a type of objects any name will do that a path may use. */
export interface Outsider {
  /** All that is stored, archived records as well, with every property of the type. */
  records(type: string): readonly SandboxRecord[];
  /** Creates records and returns their ids. */
  seed(type: string, rows: readonly Written[]): readonly string[];
  edit(type: string, id: string, properties: Written): void;
  archive(type: string, id: string): void;
  /** In both directions, without a label. */
  associate(from: string, fromId: string, to: string, toId: string): void;
  /** A new custom property, or another definition of one that is there. */
  defineProperty(type: string, definition: PropertyDefinition): void;
  archiveProperty(type: string, name: string): void;
  /** A new custom object; returns the number of its type. */
  defineObject(schema: ObjectDefinition): string;
}

interface SandboxRecord {
  readonly id: string;
  readonly properties: Readonly<Record<string, string | null>>;
  readonly archived: boolean;
}

/** As the properties API takes it, with less to say. */
interface PropertyDefinition {
  readonly name: string;
  /** Without it, the name. */
  readonly label?: string;
  readonly type: keyof typeof plainest;
  /** Without it, the plainest one of the type. */
  readonly fieldType?: string;
  readonly options?: readonly Option[];
  readonly hasUniqueValue?: boolean;
}

/** As the schemas API takes it, with less to say. */
interface ObjectDefinition {
  readonly name: string;
  readonly properties: readonly PropertyDefinition[];
  readonly requiredProperties?: readonly string[];
  readonly associatedObjects?: readonly string[];
}

const plainest = {
  string: "text",
  number: "number",
  bool: "booleancheckbox",
  date: "date",
  datetime: "date",
  enumeration: "select",
} as const;

export function outsider(portal: Portal): Outsider {
  const own = (id: string) => ({ id, idProperty: "hs_object_id" });
  return {
    records: (type) => {
      const table = tableOf(portal, type);
      return table.all().map((record) => asStored(table.type, record));
    },
    seed: (type, rows) => rows.map((row) => written(createRecord(tableOf(portal, type), row, Date.now())).id),
    edit: (type, id, properties) => {
      written(updateRecord(tableOf(portal, type), own(id), properties, Date.now()));
    },
    archive: (type, id) => {
      const archived = portal.archiveRecord(tableOf(portal, type), id, Date.now());
      if (!archived) throw new Error(`there is no live record ${id} in ${type}`);
    },
    associate: (from, fromId, to, toId) => {
      const one = checkEnd(tableOf(portal, from), fromId);
      const other = checkEnd(tableOf(portal, to), toId);
      if (one.kind === "unassociable" || other.kind === "unassociable")
        throw new Error(`the portal can't associate ${from} ${fromId} with ${to} ${toId}`);
      portal.associations.associate(one.value, other.value, []);
    },
    defineProperty: (type, definition) => tableOf(portal, type).defineProperty(read(readProperty(whole(definition)))),
    archiveProperty: (type, name) => tableOf(portal, type).archiveProperty(name, Date.now()),
    defineObject: (schema) => {
      if (portal.findTable(fullName(schema.name))) throw new Error(`the portal has a ${schema.name} already`);
      const labels = { singular: schema.name, plural: schema.name };
      const definition = { requiredProperties: [], labels, ...schema, properties: schema.properties.map(whole) };
      return defineObject(portal, read(readSchema(definition)), Date.now()).typeId;
    },
  };
}

function whole(definition: PropertyDefinition): object {
  return { label: definition.name, fieldType: plainest[definition.type], ...definition };
}

function tableOf(portal: Portal, name: string): ObjectTable {
  const table = portal.findTable(name);
  if (!table) throw new Error(`the portal has no objects called ${name}`);
  return table;
}

function written(outcome: Outcome): StoredRecord {
  if (outcome.kind === "refused") throw new Error(`the portal refuses this: ${JSON.stringify(outcome.refusal)}`);
  return outcome.record;
}

function read<T>(input: Input<T>): T {
  if (input.kind === "malformed") throw new Error(`the portal refuses this: ${input.message}`);
  return input.input;
}
