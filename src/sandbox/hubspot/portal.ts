// One HubSpot account: its objects of every type, their ids from one counter, and its dice.

import type { Written } from "./check.js";
import { companies } from "./companies.js";
import { contacts } from "./contacts.js";
import { ObjectTable, type StoredRecord } from "./object-table.js";
import { seededRandom, shuffled } from "./random.js";
import { asStored, type RecordJson } from "./record-json.js";
import { createRecord, type Outcome, updateRecord } from "./write.js";

export type ObjectTypeName = "contacts" | "companies";

export class Portal {
  readonly #tables: Readonly<Record<ObjectTypeName, ObjectTable>>;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    let lastId = 500 + (Math.abs(seed) % 1000) * 1000;
    const nextId = () => String(++lastId);
    this.#tables = { contacts: new ObjectTable(contacts, nextId), companies: new ObjectTable(companies, nextId) };
  }

  /** By name or by HubSpot's number for the type. */
  findTable(type: string): ObjectTable | undefined {
    return Object.values(this.#tables).find((table) => table.type.name === type || table.type.typeId === type);
  }

  /** The results of a batch come in no particular order. */
  shuffle<T>(results: readonly T[]): readonly T[] {
    return shuffled(results, this.#random);
  }

  /** What somebody else does to the account, without the API. It has to succeed: a test that seeds nonsense is wrong. */
  create(type: ObjectTypeName, written: Written): string {
    return done(createRecord(this.#tables[type], written, Date.now())).id;
  }

  update(type: ObjectTypeName, id: string, written: Written): void {
    done(updateRecord(this.#tables[type], { id, idProperty: "hs_object_id" }, written, Date.now()));
  }

  archive(type: ObjectTypeName, id: string): void {
    if (!this.#tables[type].archive(id, Date.now())) throw new Error(`there is no live record ${id} in ${type}`);
  }

  records(type: ObjectTypeName): readonly RecordJson[] {
    const table = this.#tables[type];
    return table.all().map((record) => asStored(table.type, record));
  }
}

function done(outcome: Outcome): StoredRecord {
  if (outcome.kind === "refused") throw new Error(`the portal refuses this: ${JSON.stringify(outcome.refusal)}`);
  return outcome.record;
}
