// The operations on associations, below the two types of objects or one record and the type of the others.

import { archiveLabels, archiveLinks, createLinks, createUnlabelledLinks, readLinks } from "./association-batch.js";
import { readFans, readPagesOfOthers, readPairs, readSpecs, readTypedPairs } from "./association-body.js";
import { createLabel, listLabels, readLabel } from "./association-labels.js";
import { deleteLink, listLinks, putLink, putUnlabelledLink } from "./association-single.js";
import { type PairCall, type Verbs, withBody } from "./call.js";

/** The two types that a path names, and what can be done there. */
export interface PairRoute {
  readonly from: string;
  readonly to: string;
  readonly verbs: Verbs<PairCall>;
}

/** Below /crm/v4/associations */
export function betweenTypes(rest: readonly string[]): PairRoute | undefined {
  const [from, to, ...what] = rest;
  const verbs = typeVerbs.get(what.join("/"));
  return from === undefined || to === undefined || !verbs ? undefined : { from, to, verbs };
}

/** Below /crm/v4/objects */
export function ofRecord(rest: readonly string[]): PairRoute | undefined {
  const [from, fromId, associations, ...others] = rest;
  if (from === undefined || fromId === undefined || associations !== "associations") return undefined;
  if (others[0] === "default") {
    const [, to, toId, more] = others;
    if (to === undefined || toId === undefined || more !== undefined) return undefined;
    const pair = { fromId, toId };
    return { from, to, verbs: new Map([["PUT", (call: PairCall) => putUnlabelledLink(call, pair)]]) };
  }
  const [to, toId, more] = others;
  if (to === undefined || more !== undefined) return undefined;
  return { from, to, verbs: toId === undefined ? allLinks(fromId) : oneLink(fromId, toId) };
}

function allLinks(id: string): Verbs<PairCall> {
  return new Map([["GET", (call: PairCall) => listLinks(call, id)]]);
}

function oneLink(fromId: string, toId: string): Verbs<PairCall> {
  return new Map([
    ["PUT", withBody(readSpecs, (call: PairCall, specs) => putLink(call, { fromId, toId }, specs))],
    ["DELETE", (call: PairCall) => deleteLink(call, { fromId, toId })],
  ]);
}

const typeVerbs: ReadonlyMap<string, Verbs<PairCall>> = new Map([
  [
    "labels",
    new Map([
      ["GET", listLabels],
      ["POST", withBody(readLabel, createLabel)],
    ]),
  ],
  ["batch/create", new Map([["POST", withBody(readTypedPairs, createLinks)]])],
  ["batch/associate/default", new Map([["POST", withBody(readPairs, createUnlabelledLinks)]])],
  ["batch/read", new Map([["POST", withBody(readPagesOfOthers, readLinks)]])],
  ["batch/archive", new Map([["POST", withBody(readFans, archiveLinks)]])],
  ["batch/labels/archive", new Map([["POST", withBody(readTypedPairs, archiveLabels)]])],
]);
