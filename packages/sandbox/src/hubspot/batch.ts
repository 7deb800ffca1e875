// The batch operations. With a trace id on every input each row succeeds or fails alone and the answer is a 207;
// without, one refused row refuses all, and only ids that don't exist are left out.

import { type Answer, badRequest, notUnique, tooMany } from "./answer.js";
import type { AskedLink } from "./association-check.js";
import { batchAnswer } from "./batch-answer.js";
import { type Call, wantsArchived } from "./call.js";
import { associateCreated, createAsked } from "./create.js";
import type { ObjectTable, StoredRecord } from "./object-table.js";
import { identifies, type ObjectType } from "./object-type.js";
import { asRead, asWritten, type RecordJson } from "./record-json.js";
import { type BatchError, batchError, missingError, type Refusal, refusalAnswer } from "./refusal.js";
import { findRecord, type Identity, keptId, type Outcome, updateRecord, upsertRecord } from "./write.js";
import type { CreateRow, IdentifiedRow, ReadInput } from "./write-body.js";

const most = 100;

export function createBatch(call: Call, rows: readonly CreateRow[]): Answer {
  const links = new Map<string, readonly AskedLink[]>();
  const write = (row: CreateRow) => {
    const made = createAsked(call, row);
    if (made.outcome.kind === "written") links.set(made.outcome.record.id, made.links);
    return made.outcome;
  };
  const answer = writeBatch(call, rows, 201, write, asWritten);
  // What a refused batch has undone is not there any more.
  for (const [id, asked] of links) if (call.table.find("hs_object_id", id)) associateCreated(call, id, asked);
  return answer;
}

export function updateBatch(call: Call, rows: readonly IdentifiedRow[]): Answer {
  const { table, request } = call;
  const refused = refuseIdentities(table, rows);
  if (refused) return refused;
  const write = (row: IdentifiedRow) => updateRecord(table, row.identity, row.properties, request.atMs);
  return writeBatch(call, rows, 200, write, asWritten);
}

export function upsertBatch(call: Call, rows: readonly IdentifiedRow[]): Answer {
  const { table, request } = call;
  const refused = refuseIdentities(table, rows);
  if (refused) return refused;
  const write = (row: IdentifiedRow) => upsertRecord(table, row.identity, row.properties, request.atMs);
  return writeBatch(call, rows, 200, write, (type, record, touched, created) => {
    return { ...asWritten(type, record, touched), new: created };
  });
}

export function readBatch(call: Call, { identities, properties }: ReadInput): Answer {
  const { table, request } = call;
  const refused = tooMany(identities, most) ?? notIdentifying(table, identities);
  if (refused) return refused;
  const found = new Map<string, StoredRecord>();
  const missing: string[] = [];
  for (const identity of identities) {
    const record = wantsArchived(request.query) ? table.findArchived(identity.id) : findRecord(table, identity);
    if (record) found.set(record.id, record);
    else missing.push(identity.id);
  }
  const results = [...found.values()].map((record) => asRead(table.type, record, properties));
  return batchAnswer(call, 200, results, missing.length > 0 ? [missingError(table.type, missing)] : []);
}

/** Says nothing of ids that were not there. */
export function archiveBatch({ portal, table, request }: Call, ids: readonly string[]): Answer {
  const refused = tooMany(ids, most);
  if (refused) return refused;
  for (const id of ids) portal.archiveRecord(table, id, request.atMs);
  return { status: 204, body: undefined };
}

type Render = (type: ObjectType, record: StoredRecord, touched: readonly string[], created: boolean) => RecordJson;

function writeBatch<Row extends Pick<CreateRow, "traceId">>(
  call: Call,
  rows: readonly Row[],
  status: number,
  write: (row: Row) => Outcome,
  render: Render,
): Answer {
  const refused = tooMany(rows, most);
  if (refused) return refused;
  const { table } = call;
  const traced = rows.every((row) => row.traceId !== undefined);
  const { tried, whole } = table.attempt(
    () => {
      const tried = rows.map((row) => ({ traceId: row.traceId, outcome: write(row) }));
      return { tried, whole: traced ? undefined : wholeRefusal(tried.map(({ outcome }) => outcome)) };
    },
    ({ whole }) => whole === undefined,
  );
  if (whole) return refusalAnswer(table.type, whole);

  const results: object[] = [];
  const errors: BatchError[] = [];
  const missing: string[] = [];
  for (const { traceId, outcome } of tried) {
    if (outcome.kind === "written") {
      const json = render(table.type, outcome.record, outcome.touched, outcome.created);
      results.push(traceId === undefined ? json : { ...json, objectWriteTraceId: traceId });
    } else if (traceId !== undefined) errors.push(batchError(table.type, outcome.refusal, traceId));
    else if (outcome.refusal.kind === "missing") missing.push(outcome.refusal.id);
  }
  if (missing.length > 0) errors.push(missingError(table.type, missing));
  return batchAnswer(call, status, results, errors);
}

/** What refuses a batch as a whole: all the invalid values of all rows, else the first row that does more than miss. */
function wholeRefusal(outcomes: readonly Outcome[]): Refusal | undefined {
  const refusals = outcomes.flatMap((outcome) => (outcome.kind === "refused" ? [outcome.refusal] : []));
  const issues = refusals.flatMap((refusal) => (refusal.kind === "invalid" ? refusal.issues : []));
  if (issues.length > 0) return { kind: "invalid", issues };
  return refusals.find(({ kind }) => kind !== "missing");
}

function refuseIdentities(table: ObjectTable, rows: readonly IdentifiedRow[]): Answer | undefined {
  const identities = rows.map(({ identity }) => identity);
  return notIdentifying(table, identities) ?? twice(table, identities);
}

function notIdentifying({ type }: ObjectTable, identities: readonly Identity[]): Answer | undefined {
  const wrong = identities.find(({ idProperty }) => !identifies(type, idProperty));
  return wrong && notUnique(type.typeId, wrong.idProperty);
}

function twice(table: ObjectTable, identities: readonly Identity[]): Answer | undefined {
  const ids = identities.map((identity) => keptId(table, identity));
  const repeated = [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
  return repeated.length > 0
    ? badRequest(`Duplicate IDs found in batch input: [${repeated.join(", ")}]. IDs must be unique`)
    : undefined;
}
