// Line items: so many of a product within a deal, whose net price HubSpot works out.

import { byName, type ObjectType } from "./object-type.js";
import { billingFrequency } from "./products.js";
import {
  choice,
  computed,
  datetime,
  longText,
  number,
  option,
  property,
  setByHubspot,
  text,
  type Values,
} from "./property.js";

export const lineItems: ObjectType = {
  name: "line_items",
  typeId: "0-8",
  aliases: ["line_item"],
  noun: "line_item",
  labels: { singular: "Line item", plural: "Line items" },
  groupName: "lineiteminformation",
  created: "createdate",
  modified: "hs_lastmodifieddate",
  defaults: [
    "amount",
    "createdate",
    "hs_lastmodifieddate",
    "hs_object_id",
    "hs_product_id",
    "name",
    "price",
    "quantity",
  ],
  required: [],
  initial: new Map(),
  display: { primary: "name", secondary: ["quantity", "price"], searchable: ["name", "description"] },
  properties: byName(
    property("name", "Name", text),
    property("description", "Description", longText),
    property("hs_product_id", "Product ID", number),
    property("hs_sku", "SKU", text),
    property("quantity", "Quantity", number),
    property("price", "Unit price", number),
    property("discount", "Unit discount", number),
    property("hs_discount_percentage", "Unit discount (%)", number),
    property(
      "hs_line_item_currency_code",
      "Currency",
      choice(option("EUR", "EUR"), option("GBP", "GBP"), option("USD", "USD")),
    ),
    property("recurringbillingfrequency", "Billing frequency", billingFrequency()),
    property("hs_recurring_billing_period", "Term", text),
    property("hs_recurring_billing_start_date", "Billing start date", { kind: "date" }),
    setByHubspot("hs_object_id", "Record ID", number),
    setByHubspot("createdate", "Create Date", datetime),
    setByHubspot("hs_lastmodifieddate", "Last Modified Date", datetime),
    computed("amount", "Net price", netPrice, number),
  ),
};

function netPrice(item: Values): string | undefined {
  const price = item.get("price");
  const quantity = item.get("quantity");
  if (price === undefined || quantity === undefined) return undefined;
  const share = 1 - Number(item.get("hs_discount_percentage") ?? "0") / 100;
  const each = (Number(price) - Number(item.get("discount") ?? "0")) * share;
  return String(Math.round(each * Number(quantity) * 100) / 100);
}
