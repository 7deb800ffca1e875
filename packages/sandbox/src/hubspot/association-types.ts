// The associations that HubSpot itself defines between its own objects. Products have none: line items name them.

import { type AssociationType, bothWays } from "./association-type.js";
import { companies } from "./companies.js";
import { contacts } from "./contacts.js";
import { deals } from "./deals.js";
import { lineItems } from "./line-items.js";
import type { ObjectType } from "./object-type.js";
import { tickets } from "./tickets.js";

/** The ids of one kind of association, there and back. */
type Ids = readonly [forth: number, back: number];

export const hubspotDefined: readonly AssociationType[] = [
  ...withCompany(contacts, [279, 280], [1, 2]),
  ...withCompany(deals, [341, 342], [5, 6]),
  ...withCompany(tickets, [339, 340], [26, 25]),
  ...between(contacts, deals, [4, 3]),
  ...between(contacts, tickets, [15, 16]),
  ...between(deals, tickets, [27, 28]),
  ...between(deals, lineItems, [19, 20]),
  ...among(contacts, 449),
  ...among(companies, 450),
  ...among(deals, 451),
  ...among(tickets, 452),
];

/** Of the companies a record has, one is its primary one. */
function withCompany(from: ObjectType, unlabelled: Ids, primary: Ids): readonly AssociationType[] {
  const [forth, back] = primary;
  return [
    ...between(from, companies, unlabelled, "_unlabeled"),
    ...bothWays(
      { ...hubspots(from, companies), typeId: forth, label: "Primary", name: joined(from, companies), primary: true },
      { typeId: back, label: `${from.labels.singular} with Primary Company`, name: joined(companies, from) },
    ),
  ];
}

function between(from: ObjectType, to: ObjectType, [forth, back]: Ids, suffix = ""): readonly AssociationType[] {
  return bothWays(
    { ...hubspots(from, to), typeId: forth, label: null, name: `${joined(from, to)}${suffix}`, primary: false },
    { typeId: back, label: null, name: `${joined(to, from)}${suffix}` },
  );
}

function among(type: ObjectType, typeId: number): readonly AssociationType[] {
  const name = joined(type, type);
  return [{ ...hubspots(type, type), typeId, label: null, name, inverseId: typeId, primary: false }];
}

function hubspots(from: ObjectType, to: ObjectType) {
  return { category: "HUBSPOT_DEFINED", from: from.typeId, to: to.typeId } as const;
}

function joined(from: ObjectType, to: ObjectType): string {
  return `${from.noun}_to_${to.noun}`;
}
