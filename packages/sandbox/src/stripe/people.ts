// What people do to the account in the dashboard, without the API. It has to succeed: a test that asks for nonsense is wrong.

import type { Account } from "./account.js";
import type { ResourceName } from "./effect.js";
import { branchOf, type Params } from "./form.js";
import { type JsonObject, textOf } from "./json.js";
import type { Checked } from "./refusal.js";
import { resources } from "./routes.js";
import { create, type Occasion, remove, update } from "./single.js";

export class People {
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  records(name: ResourceName): readonly JsonObject[] {
    return this.#account.tables[name]
      .all()
      .map(({ id, object, deleted }) => (deleted ? { id, object: resources[name].object, deleted } : object));
  }

  create(name: ResourceName, params: Params): string {
    return textOf(done(create(this.#account, resources[name], branchOf(params), now())), "id");
  }

  update(name: ResourceName, id: string, params: Params): void {
    done(update(this.#account, resources[name], id, branchOf(params), now()));
  }

  delete(name: ResourceName, id: string): void {
    done(remove(this.#account, resources[name], id, new Map(), now()));
  }
}

function now(): Occasion {
  return { origin: { requestId: null, idempotencyKey: null }, atS: Math.floor(Date.now() / 1000) };
}

function done(outcome: Checked<JsonObject>): JsonObject {
  if (outcome.kind === "refused") throw new Error(`the account refuses this: ${outcome.refusal.message}`);
  return outcome.value;
}
