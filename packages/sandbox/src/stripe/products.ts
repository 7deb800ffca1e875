// Products: a name that can't be cleared, an id that may be chosen, and no deleting while there are prices.

import { type JsonObject, previousOf, textOf } from "./json.js";
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
import { conflicting, existingObject, good, missingReference, refused } from "./refusal.js";
import type { Resource } from "./resource.js";
import { applied, hashIn, textIn, type Written, without } from "./written.js";

const side: Param = required({ kind: "number" });
const dimensions = hash({ height: side, length: side, weight: side, width: side });

const always: Readonly<Record<string, Param>> = {
  active: param(boolean),
  expand,
  images: clearable({ kind: "texts", most: 8 }, []),
  metadata,
  shippable: param(boolean),
  statement_descriptor: param(textUpTo(22)),
};

/** An update clears these; a create has nothing to clear, and is refused. */
const cleared: Readonly<Record<string, Param>> = {
  description: clearable(text),
  package_dimensions: clearable(dimensions),
  tax_code: clearable(text),
  unit_label: clearable(textUpTo(12)),
  url: clearable(text),
};

const uncleared = Object.fromEntries(Object.entries(cleared).map(([name, { holds }]) => [name, param(holds)]));

export const products: Resource = {
  name: "products",
  object: "product",
  pathParam: "id",
  create: spec({
    ...always,
    ...uncleared,
    default_price_data: param(hash({ ...amounts, metadata })),
    id: param(text),
    name: required(text),
    type: param(choice("good", "service")),
  }),
  update: spec({ ...always, ...cleared, default_price: param(text), name: param(text) }),
  filters: spec({
    active: param(boolean),
    created,
    ids: param({ kind: "texts", most: 100 }),
    shippable: param(boolean),
    type: param(choice("good", "service")),
    url: param(text),
  }),
  leavesStub: false,

  planCreate(account, written, atS) {
    const id = textIn(written, "id") ?? account.ids.next("prod_", 14);
    if (account.tables.products.live(id)) {
      return refused(existingObject("Product"));
    }
    const product = newProduct(id, without(written, "default_price_data"), atS);
    const priced = hashIn(written, "default_price_data");
    if (!priced)
      return good({ answer: product, effects: [{ kind: "created", resource: "products", object: product }] });
    const price = newPrice(account, id, priced, atS, "default_price_data");
    if (price.kind === "refused") return price;
    const answer = { ...product, default_price: textOf(price.value, "id") };
    return good({
      answer,
      effects: [
        { kind: "created", resource: "products", object: answer },
        { kind: "created", resource: "prices", object: price.value },
      ],
    });
  },

  planUpdate(account, before, written, atS) {
    const priceId = textIn(written, "default_price");
    if (priceId !== undefined) {
      const price = account.tables.prices.live(priceId);
      if (!price) return refused(missingReference("price", priceId, "default_price"));
      if (price["product"] !== before["id"]) {
        const message = `The price \`${priceId}\` does not belong to this product.`;
        return refused(conflicting(message, "default_price"));
      }
    }
    const after = applied(before, written);
    const changed = Object.keys(previousOf(before, after)).length > 0;
    const product = changed ? { ...after, updated: atS } : before;
    return good({ answer: product, effects: [{ kind: "updated", resource: "products", object: product }] });
  },

  planDelete(account, before) {
    const id = textOf(before, "id");
    if (account.tables.prices.all().some(({ object }) => object["product"] === id)) {
      const message = "This product cannot be deleted because it has one or more user-created prices.";
      return refused(conflicting(message));
    }
    return good({
      answer: { id, object: "product", deleted: true },
      effects: [{ kind: "deleted", resource: "products", object: { ...before, active: false } }],
    });
  },

  refuseFilters: () => undefined,
};

export function newProduct(id: string, written: Written, atS: number): JsonObject {
  const fresh: JsonObject = {
    id,
    object: "product",
    active: true,
    attributes: [],
    created: atS,
    default_price: null,
    description: null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: {},
    name: null,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: "service",
    unit_label: null,
    updated: atS,
    url: null,
  };
  return applied(fresh, without(written, "id"));
}
