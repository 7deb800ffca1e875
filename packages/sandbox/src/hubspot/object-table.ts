// The records of one object type. A record is never changed in place, so a refused batch is undone by putting the maps back.

import type { Changes } from "./check.js";
import type { ObjectType } from "./object-type.js";
import type { Property, Values } from "./property.js";

export interface StoredRecord {
  readonly id: string;
  /** All that has a value, HubSpot's own and computed properties among them. */
  readonly values: Values;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly archivedAtMs: number | undefined;
}

/** `touched`: the properties that were written, and the computed ones that changed with them. */
export type Stored =
  | { readonly kind: "stored"; readonly record: StoredRecord; readonly touched: readonly string[] }
  | Conflict;

export interface ArchivedProperty {
  readonly property: Property;
  readonly atMs: number;
}

export interface Conflict {
  readonly kind: "conflict";
  readonly existingId: string;
  readonly property: string;
  readonly value: string;
  /** The record that was to have the value. */
  readonly recordId: string;
}

export class ObjectTable {
  readonly #nextId: () => string;
  #type: ObjectType;
  #unique: readonly string[] = [];
  readonly #archivedProperties = new Map<string, ArchivedProperty>();
  #records = new Map<string, StoredRecord>();
  /** Which live record has a value of a unique property. */
  #holders = new Map<string, string>();

  constructor(type: ObjectType, nextId: () => string) {
    this.#type = type;
    this.#nextId = nextId;
    this.#redefine(type.properties);
  }

  /** As it is now: its properties come and go. */
  get type(): ObjectType {
    return this.#type;
  }

  /** Those that were made by an admin and have been taken away again. */
  get archivedProperties(): ReadonlyMap<string, ArchivedProperty> {
    return this.#archivedProperties;
  }

  /** A new property, or another form of one that is there; values stay as they are. */
  defineProperty(property: Property): void {
    this.#archivedProperties.delete(property.name);
    this.#redefine(new Map([...this.#type.properties, [property.name, property]]));
  }

  /** Its values are kept, and seen again if it comes back. */
  archiveProperty(name: string, atMs: number): void {
    const property = this.#type.properties.get(name);
    if (!property) throw new Error(`${this.#type.name} have no property ${name}`);
    this.#archivedProperties.set(name, { property, atMs });
    this.#redefine(new Map([...this.#type.properties].filter(([other]) => other !== name)));
  }

  /** In the order of creation, which is the order of ids. */
  all(): readonly StoredRecord[] {
    return [...this.#records.values()];
  }

  /** The live record with this value of a property that identifies, given in the form in which it is kept. */
  find(property: string, value: string): StoredRecord | undefined {
    const id = property === "hs_object_id" ? value : this.#holders.get(holderKey(property, value));
    const record = id === undefined ? undefined : this.#records.get(id);
    return record?.archivedAtMs === undefined ? record : undefined;
  }

  findArchived(id: string): StoredRecord | undefined {
    const record = this.#records.get(id);
    return record?.archivedAtMs === undefined ? undefined : record;
  }

  create(changes: Changes, atMs: number): Stored {
    const clash = this.#clash(changes, undefined);
    // A conflict over the key is seen before there is a record, any other when its values are set.
    if (clash && clash.property === this.#type.key) return { ...clash, recordId: clash.existingId };
    const id = this.#nextId();
    if (clash) return { ...clash, recordId: id };
    return this.#store(
      { id, values: new Map(), createdAtMs: atMs, updatedAtMs: atMs, archivedAtMs: undefined },
      changes,
    );
  }

  update(record: StoredRecord, changes: Changes, atMs: number): Stored {
    const clash = this.#clash(changes, record.id);
    if (clash) return { ...clash, recordId: record.id };
    // Two changes within a millisecond are still told apart by the time of the last one.
    return this.#store({ ...record, updatedAtMs: Math.max(atMs, record.updatedAtMs + 1) }, changes);
  }

  /** False: there is no such live record. */
  archive(id: string, atMs: number): boolean {
    const record = this.find("hs_object_id", id);
    if (!record) return false;
    this.#release(record);
    this.#records.set(id, { ...record, archivedAtMs: atMs });
    return true;
  }

  /** Keeps what `run` has stored only if its result is worth keeping. */
  attempt<T>(run: () => T, keep: (result: T) => boolean): T {
    const records = new Map(this.#records);
    const holders = new Map(this.#holders);
    const result = run();
    if (!keep(result)) {
      this.#records = records;
      this.#holders = holders;
    }
    return result;
  }

  #clash(changes: Changes, self: string | undefined): Omit<Conflict, "recordId"> | undefined {
    for (const property of this.#unique) {
      const value = changes.get(property);
      const existingId = value ? this.#holders.get(holderKey(property, value)) : undefined;
      if (value && existingId !== undefined && existingId !== self) {
        return { kind: "conflict", existingId, property, value };
      }
    }
    return undefined;
  }

  #store(before: StoredRecord, changes: Changes): Stored {
    const values = this.#settled(before, changes);
    const record = { ...before, values };
    this.#release(before);
    this.#hold(record);
    this.#records.set(record.id, record);
    const moved = [...this.#type.properties.values()]
      .filter(({ name, origin }) => origin.by === "formula" && before.values.get(name) !== values.get(name))
      .map(({ name }) => name);
    return { kind: "stored", record, touched: [...changes.keys(), ...moved] };
  }

  #settled(record: StoredRecord, changes: Changes): Values {
    const values = new Map(record.values);
    const set = (name: string, value: string | null | undefined) => {
      if (value === null || value === undefined) values.delete(name);
      else values.set(name, value);
    };
    for (const [name, value] of changes) set(name, value);
    set("hs_object_id", record.id);
    set(this.#type.created, new Date(record.createdAtMs).toISOString());
    set(this.#type.modified, new Date(record.updatedAtMs).toISOString());
    for (const { name, origin } of this.#type.properties.values()) {
      if (origin.by === "formula") set(name, origin.formula(values));
    }
    return values;
  }

  #redefine(properties: ReadonlyMap<string, Property>): void {
    this.#type = { ...this.#type, properties };
    this.#unique = [...properties.values()].filter(({ unique }) => unique).map(({ name }) => name);
    this.#holders = new Map();
    for (const record of this.#records.values()) if (record.archivedAtMs === undefined) this.#hold(record);
  }

  #hold(record: StoredRecord): void {
    for (const name of this.#unique) {
      const value = record.values.get(name);
      if (value !== undefined) this.#holders.set(holderKey(name, value), record.id);
    }
  }

  #release(record: StoredRecord): void {
    for (const name of this.#unique) {
      const value = record.values.get(name);
      if (value !== undefined) this.#holders.delete(holderKey(name, value));
    }
  }
}

function holderKey(property: string, value: string): string {
  return `${property}=${value}`;
}
