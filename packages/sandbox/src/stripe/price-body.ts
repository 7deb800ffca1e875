// The body of a new price, whether it is made for itself or with its product.

import type { Account } from "./account.js";
import type { JsonObject } from "./json.js";
import { choice, hash, type Param, param, required } from "./param.js";
import { type Checked, exclusiveParams, good, invalid, refused } from "./refusal.js";
import { applied, hashIn, textIn, valueIn, type Written, without } from "./written.js";

const recurring = hash(
  {
    interval: required(choice("day", "week", "month", "year")),
    interval_count: param({ kind: "integer", least: 1 }),
    trial_period_days: param({ kind: "integer", least: 1 }),
    usage_type: param(choice("licensed", "metered")),
  },
  { interval: null, interval_count: 1, meter: null, trial_period_days: null, usage_type: "licensed" },
);

/** What a price costs, and how often; never changed afterwards. */
export const amounts: Readonly<Record<string, Param>> = {
  currency: required({ kind: "currency" }),
  recurring: param(recurring),
  tax_behavior: param(choice("inclusive", "exclusive", "unspecified")),
  unit_amount: param({ kind: "amount", signed: false }),
  unit_amount_decimal: param({ kind: "decimal" }),
};

/** `below`: the parameter that the price is written in, if it is made with its product. */
export function newPrice(
  account: Account,
  productId: string,
  written: Written,
  atS: number,
  below?: string,
): Checked<JsonObject> {
  const pathTo = (name: string) => (below === undefined ? name : `${below}[${name}]`);
  const amount = valueIn(written, "unit_amount");
  const decimal = textIn(written, "unit_amount_decimal");
  if (amount !== undefined && decimal !== undefined) {
    return refused(exclusiveParams(pathTo("unit_amount"), pathTo("unit_amount_decimal")));
  }
  if (amount === undefined && decimal === undefined) {
    return refused(invalid("Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set."));
  }
  const recurs = hashIn(written, "recurring");
  if (recurs && textIn(recurs, "usage_type") === "metered") {
    const message = "Starting with Stripe version `2025-03-31.basil`, metered prices must be backed by meters.";
    return refused(invalid(message));
  }
  const fresh: JsonObject = {
    id: account.ids.next("price_", 24),
    object: "price",
    active: true,
    billing_scheme: "per_unit",
    created: atS,
    currency: null,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: null,
    metadata: {},
    nickname: null,
    product: productId,
    recurring: null,
    tax_behavior: "unspecified",
    tiers_mode: null,
    transform_quantity: null,
    type: recurs ? "recurring" : "one_time",
    unit_amount: amount ?? wholeAmount(decimal ?? ""),
    unit_amount_decimal: decimal ?? String(amount),
  };
  return good(applied(fresh, without(written, "unit_amount", "unit_amount_decimal")));
}

/** A fraction of the smallest unit is no integer. */
function wholeAmount(decimal: string): number | null {
  return decimal.includes(".") ? null : Number(decimal);
}
