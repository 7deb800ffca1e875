// The operations on one record, and the list of all.

import { type Answer, badRequest, notUnique } from "./answer.js";
import { type Call, namesIn, pageOf, wantsArchived } from "./call.js";
import type { Written } from "./check.js";
import type { StoredRecord } from "./object-table.js";
import { identifies } from "./object-type.js";
import { asRead, asWritten } from "./record-json.js";
import { refusalAnswer } from "./refusal.js";
import { createRecord, findRecord, type Identity, type Outcome, updateRecord } from "./write.js";

export function create(call: Call, written: Written): Answer {
  const { table, request } = call;
  const outcome = createRecord(table, written, request.atMs);
  const answer = writeAnswer(call, outcome, 201);
  if (outcome.kind === "refused") return answer;
  return { ...answer, headers: { Location: `${request.origin}${request.path}/${outcome.record.id}` } };
}

export function get(call: Call, id: string): Answer {
  const { table, request } = call;
  const identity = identityOf(call.request.query, id);
  if (!identifies(call.table.type, identity.idProperty)) return notUnique(call.table.type.typeId, identity.idProperty);
  const record = wantsArchived(request.query) ? table.findArchived(id) : findRecord(table, identity);
  return record
    ? { status: 200, body: asRead(table.type, record, namesIn(request.query, "properties")) }
    : refusalAnswer(table.type, { kind: "missing", id });
}

export function update(call: Call, id: string, written: Written): Answer {
  const identity = identityOf(call.request.query, id);
  if (!identifies(call.table.type, identity.idProperty)) return notUnique(call.table.type.typeId, identity.idProperty);
  return writeAnswer(call, updateRecord(call.table, identity, written, call.request.atMs), 200);
}

/** Archiving what is not there is no error. */
export function archive({ table, request }: Call, id: string): Answer {
  table.archive(id, request.atMs);
  return { status: 204, body: undefined };
}

export function list({ table, request }: Call): Answer {
  const { query } = request;
  const asked = pageOf(query.get("limit"), query.get("after"), 100);
  if (!asked) return badRequest("limit must be between 1 and 100, and after a number from the page before");
  const rest = table
    .all()
    .filter(
      (record) => Number(record.id) > asked.after && (record.archivedAtMs !== undefined) === wantsArchived(query),
    );
  const page = rest.slice(0, asked.limit);
  const last = rest.length > asked.limit ? page.at(-1) : undefined;
  const properties = namesIn(query, "properties");
  return {
    status: 200,
    body: {
      results: page.map((record) => asRead(table.type, record, properties)),
      ...(last
        ? { paging: { next: { after: last.id, link: nextLink(request.origin, request.path, query, last) } } }
        : {}),
    },
  };
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
