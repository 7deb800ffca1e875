// The operations on the associations of one record.

import { type Answer, badRequest } from "./answer.js";
import { associateUnlabelled, endsOf } from "./association-batch.js";
import type { Pair } from "./association-body.js";
import { checkSpecs } from "./association-check.js";
import { labelledJson, linkJson, namedJson, pageOfLinks, pagingJson } from "./association-json.js";
import type { AssociationSpec } from "./association-type.js";
import type { Link } from "./associations.js";
import { batchAnswer } from "./batch-answer.js";
import { type PairCall, pageOf } from "./call.js";
import { refusalAnswer } from "./refusal.js";

const mostLinks = 500;

export function listLinks(call: PairCall, id: string): Answer {
  return pageOfOthers(call, id, (links) => links.map(linkJson));
}

/** The older list, by names. */
export function listNamedLinks(call: PairCall, id: string): Answer {
  return pageOfOthers(call, id, namedJson);
}

export function putLink(call: PairCall, pair: Pair, specs: readonly AssociationSpec[]): Answer {
  const { portal, from, to } = call;
  const types = checkSpecs(portal, from.type, to.type, specs);
  if (types.kind === "unassociable") return refusalAnswer(from.type, types);
  const ends = endsOf(call, pair);
  if (ends.kind === "unassociable") return refusalAnswer(from.type, ends);
  portal.associations.associate(ends.from, ends.to, types.value);
  return { status: 201, body: labelledJson(portal.associations, ends.from, ends.to) };
}

export function putUnlabelledLink(call: PairCall, pair: Pair): Answer {
  const ends = endsOf(call, pair);
  const written = ends.kind === "ends" ? associateUnlabelled(call, ends) : ends;
  return written.kind === "written"
    ? batchAnswer(call, 200, written.results, [])
    : refusalAnswer(call.from.type, written);
}

/** Separating what is not associated is no error. */
export function deleteLink({ portal, from, to }: PairCall, { fromId, toId }: Pair): Answer {
  portal.associations.separate({ type: from.type, id: fromId }, { type: to.type, id: toId });
  return { status: 204, body: undefined };
}

function pageOfOthers(call: PairCall, id: string, render: (links: readonly Link[]) => readonly object[]): Answer {
  const { portal, from, to, request } = call;
  const asked = pageOf(request.query.get("limit") ?? String(mostLinks), request.query.get("after"), mostLinks);
  if (!asked) return badRequest(`limit must be between 1 and ${mostLinks}, and after a number from the page before`);
  if (!from.find("hs_object_id", id)) return refusalAnswer(from.type, { kind: "missing", id });
  const all = portal.associations.of({ type: from.type, id }, to.type);
  const { links, next } = pageOfLinks(all, String(asked.after), asked.limit);
  return {
    status: 200,
    body: { results: render(links), ...pagingJson(next, `${request.origin}${request.path}`) },
  };
}
