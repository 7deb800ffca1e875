// Products: the catalogue from which line items are made.

import { byName, type ObjectType } from "./object-type.js";
import { choice, datetime, longText, number, option, owner, property, setByHubspot, text } from "./property.js";

export const products: ObjectType = {
  name: "products",
  typeId: "0-7",
  aliases: ["product"],
  noun: "product",
  labels: { singular: "Product", plural: "Products" },
  groupName: "productinformation",
  created: "createdate",
  modified: "hs_lastmodifieddate",
  defaults: ["createdate", "description", "hs_lastmodifieddate", "hs_object_id", "name", "price"],
  required: [],
  initial: new Map(),
  display: { primary: "name", secondary: ["price"], searchable: ["name", "description", "price", "hs_sku"] },
  properties: byName(
    property("name", "Name", text),
    property("description", "Product description", longText),
    property("hs_sku", "SKU", text),
    property("price", "Unit price", number),
    property("hs_cost_of_goods_sold", "Unit cost", number),
    property("hs_url", "URL", text),
    property(
      "hs_product_type",
      "Product Type",
      choice(option("inventory", "Inventory"), option("non_inventory", "Non-inventory"), option("service", "Service")),
    ),
    property("recurringbillingfrequency", "Recurring billing frequency", billingFrequency()),
    property("hs_recurring_billing_period", "Term", text),
    property("hubspot_owner_id", "Owner", owner),
    setByHubspot("hs_object_id", "Record ID", number),
    setByHubspot("createdate", "Create Date", datetime),
    setByHubspot("hs_lastmodifieddate", "Last Modified Date", datetime),
  ),
};

/** Line items have the same. */
export function billingFrequency() {
  return choice(
    option("weekly", "Weekly"),
    option("biweekly", "Every two weeks"),
    option("monthly", "Monthly"),
    option("quarterly", "Quarterly"),
    option("per_six_months", "Semi-annually"),
    option("annually", "Annually"),
  );
}
