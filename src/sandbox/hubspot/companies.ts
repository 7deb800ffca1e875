// Companies: no property of theirs is unique, and every change moves hs_lastmodifieddate.

import { byName, type ObjectType } from "./object-type.js";
import { choice, option, phone, property, setByHubspot, text } from "./property.js";

export const companies: ObjectType = {
  name: "companies",
  typeId: "0-2",
  singular: "Company",
  groupName: "companyinformation",
  modified: "hs_lastmodifieddate",
  defaults: ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"],
  properties: byName(
    property("name", "Company name", text),
    property("domain", "Company Domain Name", text),
    property("phone", "Phone Number", phone),
    property("city", "City", text),
    property("country", "Country/Region", text),
    property("numberofemployees", "Number of Employees", { kind: "number" }),
    property("annualrevenue", "Annual Revenue", { kind: "number" }),
    property("hubspot_owner_id", "Company owner", { kind: "owner" }),
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
    setByHubspot("hs_object_id", "Record ID", { kind: "number" }),
    setByHubspot("createdate", "Create Date", { kind: "datetime" }),
    setByHubspot("hs_lastmodifieddate", "Last Modified Date", { kind: "datetime" }),
  ),
};
