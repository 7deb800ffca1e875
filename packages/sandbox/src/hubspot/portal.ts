// One HubSpot account: its objects of every type, their associations, the ids from one counter, and its dice.

import { seededRandom, shuffled } from "../random.js";
import { Associations } from "./associations.js";
import { companies } from "./companies.js";
import { contacts } from "./contacts.js";
import { deals } from "./deals.js";
import { lineItems } from "./line-items.js";
import { ObjectTable } from "./object-table.js";
import { goesBy, type ObjectType } from "./object-type.js";
import { products } from "./products.js";
import { tickets } from "./tickets.js";

export class Portal {
  readonly associations = new Associations();
  readonly #nextId: () => string;
  readonly #random: () => number;
  #tables: readonly ObjectTable[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    let lastId = 500 + (Math.abs(seed) % 1000) * 1000;
    this.#nextId = () => String(++lastId);
    for (const type of [contacts, companies, deals, tickets, products, lineItems]) this.addType(type);
  }

  addType(type: ObjectType): void {
    this.#tables = [...this.#tables, new ObjectTable(type, this.#nextId)];
  }

  types(): readonly ObjectType[] {
    return this.#tables.map(({ type }) => type);
  }

  /** By any name that a path may use. */
  findTable(name: string): ObjectTable | undefined {
    return this.#tables.find(({ type }) => goesBy(type, name));
  }

  /** False: there is no such live record. */
  archiveRecord(table: ObjectTable, id: string, atMs: number): boolean {
    const archived = table.archive(id, atMs);
    if (archived) this.associations.forget({ type: table.type, id }, this.types());
    return archived;
  }

  /** The results of a batch come in no particular order. */
  shuffle<T>(results: readonly T[]): readonly T[] {
    return shuffled(results, this.#random);
  }
}
