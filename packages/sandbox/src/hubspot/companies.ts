// Companies: no property of theirs is unique, and every change moves hs_lastmodifieddate.

import { byName, type ObjectType } from "./object-type.js";
import { choice, datetime, number, option, owner, phone, property, setByHubspot, text } from "./property.js";

export const companies: ObjectType = {
  name: "companies",
  typeId: "0-2",
  aliases: ["company"],
  noun: "company",
  labels: { singular: "Company", plural: "Companies" },
  groupName: "companyinformation",
  created: "createdate",
  modified: "hs_lastmodifieddate",
  defaults: ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"],
  required: [],
  initial: new Map(),
  display: { primary: "name", secondary: ["domain"], searchable: ["name", "domain", "phone"] },
  properties: byName(
    property("name", "Company name", text),
    property("domain", "Company Domain Name", text),
    property("phone", "Phone Number", phone),
    property("city", "City", text),
    property("country", "Country/Region", text),
    property("numberofemployees", "Number of Employees", number),
    property("annualrevenue", "Annual Revenue", number),
    property("hubspot_owner_id", "Company owner", owner),
    property(
      "type",
      "Type",
      choice(
        option("PROSPECT", "Prospect"),
        option("PARTNER", "Partner"),
        option("RESELLER", "Reseller"),
        option("VENDOR", "Vendor"),
        option("OTHER", "Other"),
      ),
    ),
    setByHubspot("hs_object_id", "Record ID", number),
    setByHubspot("createdate", "Create Date", datetime),
    setByHubspot("hs_lastmodifieddate", "Last Modified Date", datetime),
  ),
};
