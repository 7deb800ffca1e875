// One Stripe account in test mode: its objects of every kind, their ids, and the events that tell of every change.

import type { Effect, ResourceName } from "./effect.js";
import { eventOf, type Origin } from "./event.js";
import { Ids } from "./ids.js";
import { previousOf, textOf } from "./json.js";
import { ObjectTable } from "./object-table.js";

export class Account {
  readonly ids: Ids;
  readonly requestIds: Ids;
  readonly tables: Readonly<Record<ResourceName, ObjectTable>> = {
    customers: new ObjectTable(),
    products: new ObjectTable(),
    prices: new ObjectTable(),
  };
  readonly events = new ObjectTable();

  constructor(seed: number) {
    this.ids = new Ids(seed);
    // A stream of its own, so that reading changes no id of what is written later.
    this.requestIds = new Ids(~seed);
  }

  apply(effects: readonly Effect[], origin: Origin, atS: number): void {
    for (const effect of effects) this.#apply(effect, origin, atS);
  }

  #apply({ kind, resource, object }: Effect, origin: Origin, atS: number): void {
    const table = this.tables[resource];
    const id = textOf(object, "id");
    const previous = kind === "updated" ? previousOf(table.live(id) ?? {}, object) : undefined;
    if (previous && Object.keys(previous).length === 0) return;
    if (kind === "created") table.create(id, object);
    else if (kind === "updated") table.update(id, object);
    else table.delete(id, object);
    const event = eventOf({ id: this.ids.next("evt_", 24), kind, object, previous, origin, atS });
    this.events.create(textOf(event, "id"), event);
  }
}
