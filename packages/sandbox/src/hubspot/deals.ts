// Deals: what is sold for how much, in a stage of a pipeline that says whether it is closed.

import { byName, type ObjectType } from "./object-type.js";
import { pipelineOf, sales, stageOf } from "./pipelines.js";
import {
  bool,
  choice,
  computed,
  datetime,
  longText,
  number,
  option,
  owner,
  property,
  radio,
  setByHubspot,
  text,
  type Values,
} from "./property.js";

export const deals: ObjectType = {
  name: "deals",
  typeId: "0-3",
  aliases: ["deal"],
  noun: "deal",
  labels: { singular: "Deal", plural: "Deals" },
  groupName: "dealinformation",
  created: "createdate",
  modified: "hs_lastmodifieddate",
  defaults: [
    "amount",
    "closedate",
    "createdate",
    "dealname",
    "dealstage",
    "hs_lastmodifieddate",
    "hs_object_id",
    "pipeline",
  ],
  required: ["dealname", "dealstage"],
  initial: new Map([["pipeline", sales.value]]),
  display: { primary: "dealname", secondary: ["dealstage"], searchable: ["dealname", "pipeline", "dealstage"] },
  properties: byName(
    property("dealname", "Deal Name", text),
    property("amount", "Amount", number),
    property("closedate", "Close Date", datetime),
    property("pipeline", "Pipeline", pipelineOf(sales)),
    property("dealstage", "Deal Stage", stageOf(sales)),
    property(
      "dealtype",
      "Deal Type",
      radio(option("newbusiness", "New Business"), option("existingbusiness", "Existing Business")),
    ),
    property(
      "hs_priority",
      "Priority",
      choice(option("low", "Low"), option("medium", "Medium"), option("high", "High")),
    ),
    property("description", "Deal Description", longText),
    property("hubspot_owner_id", "Deal owner", owner),
    setByHubspot("hs_object_id", "Record ID", number),
    setByHubspot("createdate", "Create Date", datetime),
    setByHubspot("hs_lastmodifieddate", "Last Modified Date", datetime),
    computed("hs_deal_stage_probability", "Deal probability", (deal) => stage(deal)?.probability, number),
    computed("hs_is_closed", "Is Deal Closed?", (deal) => String(stage(deal)?.closed === true), bool),
    computed("hs_is_closed_won", "Is Closed Won", (deal) => String(stage(deal)?.probability === "1"), bool),
    computed("hs_projected_amount", "Weighted amount", projected, number),
  ),
};

function stage(deal: Values) {
  return sales.stages.find(({ value }) => value === deal.get("dealstage"));
}

function projected(deal: Values): string | undefined {
  const amount = deal.get("amount");
  const probability = stage(deal)?.probability;
  return amount === undefined || probability === undefined ? undefined : String(Number(amount) * Number(probability));
}
