// Reads what is asked of associations: pairs of records, and the kinds of association between them.

import type { AssociationSpec } from "./association-type.js";
import { field, type Input, input, inputs, list, malformed, optionalText, readText } from "./body.js";
import { fieldOf } from "./fields.js";

export interface Pair {
  readonly fromId: string;
  readonly toId: string;
}

export interface TypedPair extends Pair {
  readonly specs: readonly AssociationSpec[];
}

export interface Fan {
  readonly fromId: string;
  readonly toIds: readonly string[];
}

export interface PageOfOthers {
  readonly id: string;
  readonly after: string | null;
}

export function readPairs(body: unknown): Input<readonly Pair[]> {
  return inputs(body, readPair);
}

export function readTypedPairs(body: unknown): Input<readonly TypedPair[]> {
  return inputs(body, (row) => {
    const pair = readPair(row);
    if (pair.kind === "malformed") return pair;
    const specs = field(row, "types", readSpecs);
    return specs.kind === "malformed" ? specs : input({ ...pair.input, specs: specs.input });
  });
}

export function readFans(body: unknown): Input<readonly Fan[]> {
  return inputs(body, (row) => {
    const fromId = field(row, "from", readEnd);
    if (fromId.kind === "malformed") return fromId;
    const toIds = field(row, "to", (ends) => list(ends, readEnd));
    return toIds.kind === "malformed" ? toIds : input({ fromId: fromId.input, toIds: toIds.input });
  });
}

export function readPagesOfOthers(body: unknown): Input<readonly PageOfOthers[]> {
  return inputs(body, (row) => {
    const id = readEnd(row);
    return id.kind === "malformed" ? id : input({ id: id.input, after: optionalText(row, "after") ?? null });
  });
}

/** At least one: an association without a kind is made elsewhere. */
export function readSpecs(value: unknown): Input<readonly AssociationSpec[]> {
  const specs = list(value, readSpec);
  return specs.kind === "input" && specs.input.length === 0
    ? malformed("Some required fields were not set: [types]")
    : specs;
}

/** The associations that a create asks for; none is as good as an empty list. */
export function readAsked(row: unknown): Input<readonly Omit<TypedPair, "fromId">[]> {
  const given = fieldOf(row, "associations");
  if (given === undefined || given === null) return input([]);
  return list(given, (one) => {
    const toId = field(one, "to", readEnd);
    if (toId.kind === "malformed") return toId;
    const specs = field(one, "types", readSpecs);
    return specs.kind === "malformed" ? specs : input({ toId: toId.input, specs: specs.input });
  });
}

function readPair(row: unknown): Input<Pair> {
  const fromId = field(row, "from", readEnd);
  if (fromId.kind === "malformed") return fromId;
  const toId = field(row, "to", readEnd);
  return toId.kind === "malformed" ? toId : input({ fromId: fromId.input, toId: toId.input });
}

function readSpec(value: unknown): Input<AssociationSpec> {
  const category = field(value, "associationCategory", readText);
  if (category.kind === "malformed") return category;
  const typeId = field(value, "associationTypeId", readText);
  return typeId.kind === "malformed" ? typeId : input({ category: category.input, typeId: Number(typeId.input) });
}

function readEnd(value: unknown): Input<string> {
  return field(value, "id", readText);
}
