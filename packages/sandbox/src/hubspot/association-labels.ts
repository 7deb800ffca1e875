// The kinds of association between two types of objects: HubSpot's own, and the labels that an admin makes.

import { type Answer, badRequest, errorAnswer } from "./answer.js";
import { typeJson } from "./association-json.js";
import { field, type Input, input, optionalText, readText } from "./body.js";
import type { PairCall } from "./call.js";

export interface NewLabel {
  readonly label: string;
  readonly name: string;
  readonly inverseLabel: string;
}

const mostLabels = 10;

export function readLabel(body: unknown): Input<NewLabel> {
  const label = field(body, "label", readText);
  if (label.kind === "malformed") return label;
  const name = field(body, "name", readText);
  if (name.kind === "malformed") return name;
  const inverseLabel = optionalText(body, "inverseLabel") ?? label.input;
  return input({ label: label.input, name: name.input, inverseLabel });
}

export function listLabels({ portal, from, to }: PairCall): Answer {
  return { status: 200, body: { results: portal.associations.between(from.type, to.type).map(typeJson) } };
}

/** Both directions of the new label come back. */
export function createLabel({ portal, from, to }: PairCall, { label, name, inverseLabel }: NewLabel): Answer {
  const { associations } = portal;
  const before = associations.between(from.type, to.type);
  if (before.some((type) => type.label === label)) {
    return errorAnswer(409, "CONFLICT", `An association label "${label}" already exists`);
  }
  if (before.filter(({ category }) => category === "USER_DEFINED").length >= mostLabels) {
    return badRequest(`There can't be more than ${mostLabels} labels between two types of objects`);
  }
  const made = associations.define(from.type, to.type, label, inverseLabel, name);
  return { status: 200, body: { results: made.map(typeJson) } };
}
