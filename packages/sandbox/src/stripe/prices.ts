// Prices: what they cost never changes, a lookup key is held by one of them, and none is ever deleted.

import type { Account } from "./account.js";
import type { Effect } from "./effect.js";
import { type JsonObject, textOf } from "./json.js";
import {
  boolean,
  choice,
  clearable,
  created,
  expand,
  hash,
  metadata,
  type Param,
  param,
  required,
  spec,
  text,
  textUpTo,
} from "./param.js";
import { amounts, newPrice } from "./price-body.js";
import { newProduct } from "./products.js";
import {
  type Checked,
  conflicting,
  exclusiveParams,
  existingObject,
  good,
  invalid,
  missingReference,
  refused,
} from "./refusal.js";
import type { Resource } from "./resource.js";
import { applied, hashIn, textIn, valueIn, type Written, without } from "./written.js";

const writable: Readonly<Record<string, Param>> = {
  active: param(boolean),
  expand,
  lookup_key: clearable(textUpTo(200)),
  metadata,
  nickname: clearable(text),
  transfer_lookup_key: param(boolean),
};

const productData = hash({
  active: param(boolean),
  id: param(text),
  metadata,
  name: required(text),
  statement_descriptor: param(textUpTo(22)),
  tax_code: param(text),
  unit_label: param(textUpTo(12)),
});

export const prices: Resource = {
  name: "prices",
  object: "price",
  pathParam: "price",
  create: spec({
    ...writable,
    ...amounts,
    billing_scheme: param(choice("per_unit")),
    product: param(text),
    product_data: param(productData),
  }),
  update: spec(writable),
  filters: spec({
    active: param(boolean),
    created,
    currency: param({ kind: "currency" }),
    lookup_keys: param({ kind: "texts", most: 10 }),
    product: param(text),
    recurring: param(
      hash({
        interval: param(choice("day", "week", "month", "year")),
        usage_type: param(choice("licensed", "metered")),
      }),
    ),
    type: param(choice("one_time", "recurring")),
  }),
  leavesStub: false,

  planCreate(account, written, atS) {
    const product = planProduct(account, written, atS);
    if (product.kind === "refused") return product;
    const body = without(written, "product", "product_data", "transfer_lookup_key");
    const price = newPrice(account, product.value.id, body, atS);
    if (price.kind === "refused") return price;
    const transferred = transfer(account, textOf(price.value, "id"), written);
    if (transferred.kind === "refused") return transferred;
    return good({
      answer: price.value,
      effects: [
        ...product.value.effects,
        ...transferred.value,
        { kind: "created", resource: "prices", object: price.value },
      ],
    });
  },

  planUpdate(account, before, written) {
    const transferred = transfer(account, textOf(before, "id"), written);
    if (transferred.kind === "refused") return transferred;
    const price = applied(before, without(written, "transfer_lookup_key"));
    const effects: readonly Effect[] = [...transferred.value, { kind: "updated", resource: "prices", object: price }];
    return good({ answer: price, effects });
  },

  planDelete: undefined,

  refuseFilters(account, filters) {
    const productId = textIn(filters, "product");
    return productId === undefined || account.tables.products.live(productId)
      ? undefined
      : missingReference("product", productId, "product");
  },
};

interface PlannedProduct {
  readonly id: string;
  readonly effects: readonly Effect[];
}

/** The product that the price is for: one that is there, or one that is made with it. */
function planProduct(account: Account, written: Written, atS: number): Checked<PlannedProduct> {
  const id = textIn(written, "product");
  const body = hashIn(written, "product_data");
  if (id !== undefined && body) return refused(exclusiveParams("product", "product_data"));
  if (id !== undefined) {
    return account.tables.products.live(id)
      ? good({ id, effects: [] })
      : refused(missingReference("product", id, "product"));
  }
  if (!body) return refused(invalid("You must specify either `product` or `product_data` when creating a price."));
  const newId = textIn(body, "id") ?? account.ids.next("prod_", 14);
  if (account.tables.products.live(newId)) {
    return refused(existingObject("Product"));
  }
  const object = newProduct(newId, body, atS);
  return good({ id: newId, effects: [{ kind: "created", resource: "products", object }] });
}

/** Takes the lookup key from the price that has it, if that is asked for; an inactive price has it as well. */
function transfer(account: Account, id: string, written: Written): Checked<readonly Effect[]> {
  const key = textIn(written, "lookup_key");
  const holder =
    key === undefined ? undefined : account.tables.prices.all().find(({ object }) => object["lookup_key"] === key);
  if (!holder || holder.id === id) return good([]);
  if (valueIn(written, "transfer_lookup_key") !== true) {
    return refused(conflicting(`A price (\`${holder.id}\`) already uses that lookup key.`, "lookup_key"));
  }
  const stripped: JsonObject = { ...holder.object, lookup_key: null };
  return good([{ kind: "updated", resource: "prices", object: stripped }]);
}
