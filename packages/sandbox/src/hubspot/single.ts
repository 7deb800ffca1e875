// The operations on one record, and the list of all.

import { type Answer, badRequest, notUnique, unknownType } from "./answer.js";
import { namedJson, othersName, pageOfLinks, pagingJson } from "./association-json.js";
import { type Call, namesIn, pageOf, wantsArchived } from "./call.js";
import type { Written } from "./check.js";
import { associateCreated, createAsked } from "./create.js";
import type { ObjectTable, StoredRecord } from "./object-table.js";
import { identifies } from "./object-type.js";
import { asRead, asWritten } from "./record-json.js";
import { refusalAnswer } from "./refusal.js";
import { findRecord, type Identity, type Outcome, updateRecord } from "./write.js";
import type { CreateRow } from "./write-body.js";

/** How many associations a record brings along when it is read; a page has the others. */
const mostLinks = 100;

export function create(call: Call, row: CreateRow): Answer {
  const { request } = call;
  const { outcome, links } = createAsked(call, row);
  const answer = writeAnswer(call, outcome, 201);
  if (outcome.kind === "refused") return answer;
  associateCreated(call, outcome.record.id, links);
  return { ...answer, headers: { Location: `${request.origin}${request.path}/${outcome.record.id}` } };
}

export function get(call: Call, id: string): Answer {
  const { table, request } = call;
  const identity = identityOf(call.request.query, id);
  if (!identifies(call.table.type, identity.idProperty)) return notUnique(call.table.type.typeId, identity.idProperty);
  const others = othersAsked(call);
  if ("status" in others) return others;
  const record = wantsArchived(request.query) ? table.findArchived(id) : findRecord(table, identity);
  return record
    ? { status: 200, body: readWithOthers(call, record, others) }
    : refusalAnswer(table.type, { kind: "missing", id });
}

export function update(call: Call, id: string, written: Written): Answer {
  const identity = identityOf(call.request.query, id);
  if (!identifies(call.table.type, identity.idProperty)) return notUnique(call.table.type.typeId, identity.idProperty);
  return writeAnswer(call, updateRecord(call.table, identity, written, call.request.atMs), 200);
}

/** Archiving what is not there is no error. */
export function archive({ portal, table, request }: Call, id: string): Answer {
  portal.archiveRecord(table, id, request.atMs);
  return { status: 204, body: undefined };
}

export function list(call: Call): Answer {
  const { table, request } = call;
  const { query } = request;
  const others = othersAsked(call);
  if ("status" in others) return others;
  const asked = pageOf(query.get("limit"), query.get("after"), 100);
  if (!asked) return badRequest("limit must be between 1 and 100, and after a number from the page before");
  const rest = table
    .all()
    .filter(
      (record) => Number(record.id) > asked.after && (record.archivedAtMs !== undefined) === wantsArchived(query),
    );
  const page = rest.slice(0, asked.limit);
  const last = rest.length > asked.limit ? page.at(-1) : undefined;
  return {
    status: 200,
    body: {
      results: page.map((record) => readWithOthers(call, record, others)),
      ...(last
        ? { paging: { next: { after: last.id, link: nextLink(request.origin, request.path, query, last) } } }
        : {}),
    },
  };
}

/** The tables whose associations a read brings along. */
function othersAsked({ portal, request }: Call): readonly ObjectTable[] | Answer {
  const tables: ObjectTable[] = [];
  for (const name of namesIn(request.query, "associations")) {
    const table = portal.findTable(name);
    if (!table) return unknownType(name);
    tables.push(table);
  }
  return tables;
}

function readWithOthers(
  { portal, table, request }: Call,
  record: StoredRecord,
  others: readonly ObjectTable[],
): object {
  const json = asRead(table.type, record, namesIn(request.query, "properties"));
  const associations = others.flatMap((other) => {
    const all = portal.associations.of({ type: table.type, id: record.id }, other.type);
    const { links, next } = pageOfLinks(all, null, mostLinks);
    const path = `${request.origin}/crm/v3/objects/${table.type.name}/${record.id}/associations/${other.type.name}`;
    const results = { results: namedJson(links), ...pagingJson(next, path) };
    return links.length > 0 ? [[othersName(other.type), results] as const] : [];
  });
  return associations.length > 0 ? { ...json, associations: Object.fromEntries(associations) } : json;
}

function nextLink(origin: string, path: string, query: URLSearchParams, last: StoredRecord): string {
  const next = new URLSearchParams(query);
  next.set("after", last.id);
  return `${origin}${path}?${next}`;
}

function writeAnswer({ table }: Call, outcome: Outcome, status: number): Answer {
  return outcome.kind === "written"
    ? { status, body: asWritten(table.type, outcome.record, outcome.touched) }
    : refusalAnswer(table.type, outcome.refusal);
}

function identityOf(query: URLSearchParams, id: string): Identity {
  return { id, idProperty: query.get("idProperty") ?? "hs_object_id" };
}
