// The batch operations on associations from one type of objects to another. Each row succeeds or fails alone.

import { type Answer, tooMany } from "./answer.js";
import type { Fan, PageOfOthers, Pair, TypedPair } from "./association-body.js";
import { checkEnd, checkSpecs, checkUnlabelled, type Unassociable } from "./association-check.js";
import { labelledJson, linkJson, pageOfLinks, pagingJson, unlabelledJson } from "./association-json.js";
import type { AssociationType } from "./association-type.js";
import type { End } from "./associations.js";
import { batchAnswer } from "./batch-answer.js";
import type { PairCall } from "./call.js";
import { type BatchError, refusalAnswer } from "./refusal.js";

const mostWrites = 2000;
const mostReads = 1000;
const mostOthers = 500;

export function createLinks(call: PairCall, rows: readonly TypedPair[]): Answer {
  const { portal, from, to } = call;
  return writeLinks(call, rows, 201, ({ specs }, ends) => {
    const types = checkSpecs(portal, from.type, to.type, specs);
    if (types.kind === "unassociable") return types;
    portal.associations.associate(ends.from, ends.to, types.value);
    return { kind: "written", results: [labelledJson(portal.associations, ends.from, ends.to)] };
  });
}

export function createUnlabelledLinks(call: PairCall, rows: readonly Pair[]): Answer {
  return writeLinks(call, rows, 200, (_, ends) => associateUnlabelled(call, ends));
}

/** Both directions come back. */
export function associateUnlabelled({ portal }: PairCall, { from, to }: Ends): Written {
  const forth = checkUnlabelled(portal, from.type, to.type);
  if (forth.kind === "unassociable") return forth;
  const back = checkUnlabelled(portal, to.type, from.type);
  if (back.kind === "unassociable") return back;
  portal.associations.associate(from, to, []);
  return { kind: "written", results: [unlabelledJson(from, to, forth.value), unlabelledJson(to, from, back.value)] };
}

/** Both records of a pair, or which of them is not there. */
export function endsOf({ from, to }: PairCall, pair: Pair): Ends | Unassociable {
  const one = checkEnd(from, pair.fromId);
  if (one.kind === "unassociable") return one;
  const other = checkEnd(to, pair.toId);
  return other.kind === "unassociable" ? other : { kind: "ends", from: one.value, to: other.value };
}

export function readLinks(call: PairCall, rows: readonly PageOfOthers[]): Answer {
  const refused = tooMany(rows, mostReads);
  if (refused) return refused;
  const { portal, from, to, request } = call;
  const results: object[] = [];
  const errors: BatchError[] = [];
  for (const { id, after } of rows) {
    const all = portal.associations.of({ type: from.type, id }, to.type);
    const { links, next } = pageOfLinks(all, after, mostOthers);
    const path = `${request.origin}/crm/v4/objects/${from.type.typeId}/${id}/associations/${to.type.typeId}`;
    if (all.length === 0) errors.push(nothingAssociated(call, id));
    else results.push({ from: { id }, to: links.map(linkJson), ...pagingJson(next, path) });
  }
  return batchAnswer(call, 200, results, errors);
}

/** Says nothing of pairs that were not associated. */
export function archiveLinks({ portal, from, to }: PairCall, rows: readonly Fan[]): Answer {
  const refused = tooMany(rows, mostWrites);
  if (refused) return refused;
  for (const { fromId, toIds } of rows) {
    for (const toId of toIds)
      portal.associations.separate({ type: from.type, id: fromId }, { type: to.type, id: toId });
  }
  return { status: 204, body: undefined };
}

export function archiveLabels({ portal, from, to }: PairCall, rows: readonly TypedPair[]): Answer {
  const refused = tooMany(rows, mostWrites);
  if (refused) return refused;
  const pairs: { readonly pair: Pair; readonly types: readonly AssociationType[] }[] = [];
  for (const pair of rows) {
    const types = checkSpecs(portal, from.type, to.type, pair.specs);
    if (types.kind === "unassociable") return refusalAnswer(from.type, types);
    pairs.push({ pair, types: types.value });
  }
  for (const { pair, types } of pairs) {
    portal.associations.unlabel({ type: from.type, id: pair.fromId }, { type: to.type, id: pair.toId }, types);
  }
  return { status: 204, body: undefined };
}

interface Ends {
  readonly kind: "ends";
  readonly from: End;
  readonly to: End;
}

type Written = { readonly kind: "written"; readonly results: readonly object[] } | Unassociable;

function writeLinks<Row extends Pair>(
  call: PairCall,
  rows: readonly Row[],
  status: number,
  write: (row: Row, ends: Ends) => Written,
): Answer {
  const refused = tooMany(rows, mostWrites);
  if (refused) return refused;
  const results: object[] = [];
  const errors: BatchError[] = [];
  for (const row of rows) {
    const ends = endsOf(call, row);
    const written = ends.kind === "ends" ? write(row, ends) : ends;
    if (written.kind === "written") results.push(...written.results);
    else errors.push(pairError(row, written));
  }
  return batchAnswer(call, status, results, errors);
}

function pairError({ fromId, toId }: Pair, { message, context }: Unassociable): BatchError {
  return {
    status: "error",
    category: "VALIDATION_ERROR",
    message,
    context: { ...context, fromObjectId: [fromId], toObjectId: [toId] },
  };
}

/** A record that is not there has nothing associated either; HubSpot does not tell the two apart. */
function nothingAssociated({ from, to }: PairCall, id: string): BatchError {
  const { noun } = from.type;
  return {
    status: "error",
    category: "OBJECT_NOT_FOUND",
    subCategory: "crm.associations.NO_ASSOCIATIONS_FOUND",
    message: `No ${to.type.noun} is associated with ${noun} ${id}.`,
    context: { fromObjectId: [id], fromObjectType: [noun], toObjectType: [to.type.noun] },
  };
}
