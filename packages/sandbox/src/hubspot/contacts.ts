// Contacts: HubSpot's own properties that the demo and the tests use, and four that an admin has added.

import { byName, type ObjectType } from "./object-type.js";
import {
  bool,
  choice,
  choices,
  computed,
  datetime,
  number,
  option,
  owner,
  phone,
  property,
  setByHubspot,
  text,
  type Values,
} from "./property.js";

export const contacts: ObjectType = {
  name: "contacts",
  typeId: "0-1",
  aliases: ["contact"],
  noun: "contact",
  labels: { singular: "Contact", plural: "Contacts" },
  groupName: "contactinformation",
  created: "createdate",
  modified: "lastmodifieddate",
  key: "email",
  defaults: ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"],
  required: [],
  initial: new Map(),
  display: {
    primary: "firstname",
    secondary: ["lastname", "email"],
    searchable: ["email", "firstname", "lastname", "phone", "company"],
  },
  properties: byName(
    property("email", "Email", { kind: "email" }, { unique: true }),
    property("firstname", "First Name", text),
    property("lastname", "Last Name", text),
    property("phone", "Phone Number", phone),
    property("company", "Company Name", text),
    property("website", "Website URL", text),
    property("jobtitle", "Job Title", text),
    property("city", "City", text),
    property("state", "State/Region", text),
    property("zip", "Postal Code", text),
    property("country", "Country/Region", text),
    property("date_of_birth", "Date of birth", text),
    property("annualrevenue", "Annual Revenue", number),
    property("hubspot_owner_id", "Contact owner", owner),
    property(
      "lifecyclestage",
      "Lifecycle Stage",
      choice(
        option("subscriber", "Subscriber"),
        option("lead", "Lead"),
        option("marketingqualifiedlead", "Marketing Qualified Lead"),
        option("salesqualifiedlead", "Sales Qualified Lead"),
        option("opportunity", "Opportunity"),
        option("customer", "Customer"),
        option("evangelist", "Evangelist"),
        option("other", "Other"),
      ),
    ),
    property(
      "hs_lead_status",
      "Lead Status",
      choice(
        option("NEW", "New"),
        option("OPEN", "Open"),
        option("IN_PROGRESS", "In Progress"),
        option("OPEN_DEAL", "Open Deal"),
        option("UNQUALIFIED", "Unqualified"),
        option("ATTEMPTED_TO_CONTACT", "Attempted to Contact"),
        option("CONNECTED", "Connected"),
        option("BAD_TIMING", "Bad Timing"),
      ),
    ),
    property("renewal_date", "Renewal date", { kind: "date" }, { custom: true }),
    property("last_visit", "Last visit", datetime, { custom: true }),
    property("opted_in", "Opted in", bool, { custom: true }),
    property(
      "interests",
      "Interests",
      choices(
        option("product", "Product"),
        option("pricing", "Pricing"),
        option("events", "Events"),
        option("newsletter", "Newsletter"),
      ),
      { custom: true },
    ),
    setByHubspot("hs_object_id", "Record ID", number),
    setByHubspot("createdate", "Create Date", datetime),
    setByHubspot("lastmodifieddate", "Last Modified Date", datetime),
    setByHubspot("num_notes", "Number of Sales Activities", number),
    computed("hs_email_domain", "Email Domain", (values) => values.get("email")?.split("@")[1]),
    computed("hs_full_name_or_email", "Full name or email", fullNameOrEmail),
  ),
};

function fullNameOrEmail(values: Values): string | undefined {
  const names = [values.get("firstname"), values.get("lastname")].filter((name) => name !== undefined);
  return names.length > 0 ? names.join(" ") : values.get("email");
}
