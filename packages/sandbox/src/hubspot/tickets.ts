// Tickets: what a customer asks for, in a stage of the support pipeline.

import { byName, type ObjectType } from "./object-type.js";
import { pipelineOf, stageOf, support } from "./pipelines.js";
import {
  bool,
  choice,
  choices,
  computed,
  datetime,
  longText,
  number,
  option,
  owner,
  property,
  setByHubspot,
  text,
} from "./property.js";

export const tickets: ObjectType = {
  name: "tickets",
  typeId: "0-5",
  aliases: ["ticket"],
  noun: "ticket",
  labels: { singular: "Ticket", plural: "Tickets" },
  groupName: "ticketinformation",
  created: "createdate",
  modified: "hs_lastmodifieddate",
  defaults: [
    "content",
    "createdate",
    "hs_lastmodifieddate",
    "hs_object_id",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_ticket_category",
    "hs_ticket_priority",
    "subject",
  ],
  required: ["subject", "hs_pipeline_stage"],
  initial: new Map([["hs_pipeline", support.value]]),
  display: { primary: "subject", secondary: ["hs_pipeline_stage"], searchable: ["subject", "content"] },
  properties: byName(
    property("subject", "Ticket name", text),
    property("content", "Ticket description", longText),
    property("hs_pipeline", "Pipeline", pipelineOf(support)),
    property("hs_pipeline_stage", "Ticket status", stageOf(support)),
    property(
      "hs_ticket_priority",
      "Priority",
      choice(option("LOW", "Low"), option("MEDIUM", "Medium"), option("HIGH", "High"), option("URGENT", "Urgent")),
    ),
    property(
      "hs_ticket_category",
      "Category",
      choices(
        option("PRODUCT_ISSUE", "Product issue"),
        option("BILLING_ISSUE", "Billing issue"),
        option("FEATURE_REQUEST", "Feature request"),
        option("GENERAL_INQUIRY", "General inquiry"),
      ),
    ),
    property(
      "source_type",
      "Source",
      choice(option("CHAT", "Chat"), option("EMAIL", "Email"), option("FORM", "Form"), option("PHONE", "Phone")),
    ),
    property("closed_date", "Close date", datetime),
    property("hubspot_owner_id", "Ticket owner", owner),
    setByHubspot("hs_object_id", "Record ID", number),
    setByHubspot("createdate", "Create date", datetime),
    setByHubspot("hs_lastmodifieddate", "Last modified date", datetime),
    computed("hs_ticket_id", "Ticket ID", (ticket) => ticket.get("hs_object_id"), number),
    computed("hs_is_closed", "Is closed", (ticket) => String(isClosed(ticket.get("hs_pipeline_stage"))), bool),
  ),
};

function isClosed(stage: string | undefined): boolean {
  return support.stages.some(({ value, closed }) => closed && value === stage);
}
