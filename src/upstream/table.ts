// One resource of an API: its columns, its pages, its rows by key, and its writes.

import { assertNever } from "../config/assert-never.js";
import { memberOf } from "../config/member.js";
import { inSlices, type Slices } from "../config/slices.js";
import type { Call, VerbCalls } from "../manifest/call-schema.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { Scope } from "../manifest/template.js";
import type { MirrorColumn } from "../mirror/column.js";
import type { SendGate } from "./admission.js";
import { checkingSendable, encoding } from "./codec.js";
import { rowResults, silentResult } from "./correlate.js";
import { decoding } from "./decode.js";
import { columnNamed } from "./discover.js";
import { isBody } from "./errors.js";
import type { Answer } from "./exchange.js";
import { KeyedTable } from "./keyed-table.js";
import { saying } from "./reading.js";
import { showRequest } from "./request.js";
import { rowScope, type SentRow } from "./row-scope.js";
import { comparing } from "./same-value.js";
import { wordReader } from "./words.js";
import type { RefusedOutcome, RowResult, WriteOutcome } from "./write-outcome.js";

/** `upsert` writes rows of which some are new; the API recognises those by a column that identifies a record. */
export const verbs = ["insert", "update", "delete", "upsert"] as const;
export type Verb = (typeof verbs)[number];

/** How one write is sent. */
export interface Sending {
  /** The longest wait for the rate limit; without it, the account's own. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly gate?: SendGate | undefined;
  readonly idempotencyKey?: string | null | undefined;
  /** The column by which the API recognises the new rows of an upsert. */
  readonly by?: MirrorColumn | undefined;
}

export class ConnectorTable extends KeyedTable {
  /** Returns how many rows one call of this verb takes; undefined when the API has no such call. */
  limit(verb: Verb): number | undefined {
    const calls = this.calls(verb);
    return calls && (calls.many?.max ?? 1);
  }

  /** Returns whether the API can upsert by this column. */
  upsertsBy({ name, upstream, unique }: MirrorColumn): boolean {
    const on = this.manifest.write.upsert?.on;
    return on === "any" ? unique : on !== undefined && (this.mirrorName(on) === name || on === upstream);
  }

  /** Returns for how many milliseconds a write can be repeated under its idempotency key; 0 when it can't be. */
  repeatableMs(verb: Verb, rows: number): number {
    return this.callFor(verb, rows)?.method === "POST" ? (this.account.manifest.idempotency?.keeps ?? 0) : 0;
  }

  /** Writes all rows with one request and returns its outcome, in which each row's result stands at the row's place. */
  async write(
    verb: Verb,
    columns: readonly MirrorColumn[],
    rows: readonly SentRow[],
    { waitMs = Number.POSITIVE_INFINITY, by, ...sending }: Sending = {},
  ): Promise<WriteOutcome> {
    const request = await this.request(verb, columns, rows, by);
    const result = await this.exchange(
      { ...request, lane: "write", waitMs: Math.min(this.account.waitMs, waitMs), ...sending },
      columns,
    );
    switch (result.kind) {
      case "answered":
        return this.afterAnswer(columns, rows, request.call, result);
      case "refused":
        return this.afterRefusal(verb, columns, rows, result);
      case "unsent":
      case "unknown":
        return result;
      default:
        return assertNever(result);
    }
  }

  /** Returns the one call that writes these rows, with the values that its templates name. Throws Error when no call takes them. */
  async request(verb: Verb, columns: readonly MirrorColumn[], rows: readonly SentRow[], by?: MirrorColumn) {
    const call = this.callFor(verb, rows.length);
    if (!call) throw new Error(`no call of ${this.resource} takes ${rows.length} rows`);
    const shape = { columns, keyNames: this.manifest.key, rules: this.rules, rename: this.config.rename };
    const scopes: Scope[] = [];
    for (const [index, row] of rows.entries()) {
      const plain = await inSlices(rowScope(shape, row, index, verb === "insert"));
      const hookRecord = this.account.hooks?.encodeRecord?.(plain.record, { table: this.resource, verb });
      const scope = hookRecord ? { ...plain, record: hookRecord } : plain;
      const value = by && (await inSlices(encoding(by, memberOf(row.sent, by.name) ?? null, this.rules)));
      scopes.push(by ? { ...scope, column: by.upstream, value, conflict: [by.upstream] } : scope);
    }
    const keys = scopes.map((scope) => scope["key"]);
    return { call, scope: { ...(await this.tableScope()), keys, ...scopes[0] }, rows: scopes };
  }

  /** Returns the request that would write these rows, without its secrets, and the calls that the limits leave for it. Sends nothing. */
  async describe(verb: Verb, columns: readonly MirrorColumn[], rows: readonly SentRow[], by?: MirrorColumn) {
    const request = await this.request(verb, columns, rows, by);
    const httpRequest = showRequest(this.account, request);
    const path = httpRequest.kind === "composed" ? httpRequest.path : "";
    const remaining = this.account.budget
      .remaining(path)
      .map(({ limit: { calls: of, perMs }, calls }) => ({ calls, of, perMs }));
    const { method } = request.call;
    return httpRequest.kind === "composed"
      ? { method, url: httpRequest.url, body: httpRequest.body, remaining }
      : { method, url: `(${httpRequest.error.message})`, body: undefined, remaining };
  }

  /** Returns what upstream is expected to report for a value that was sent, as Postgres's text. */
  *expectedText(column: MirrorColumn, text: string | null): Slices<string | null> {
    return yield* decoding(column, yield* encoding(column, text, this.rules), this.rules);
  }

  /** Returns whether a value can be sent at all. */
  takes(column: MirrorColumn, value: string): Slices<boolean> {
    return checkingSendable(column, value, this.rules);
  }

  /** Returns whether what is sent for a value is what clears the column. */
  clears(value: string): boolean {
    return this.rules.clear === "" && value === "";
  }

  /** Returns whether two texts of a column are one value. */
  same(column: MirrorColumn, a: string | null, b: string | null): Slices<boolean> {
    return comparing(column, a, b);
  }

  /** Returns whether upstream may have made `reported` of the text that it was sent. */
  means(column: MirrorColumn, sent: string | null, reported: string | null): Slices<boolean> {
    return comparing(column, sent, reported, "meaning");
  }

  /** The mirror's name of a column of the manifest. */
  private mirrorName<Name extends string | undefined>(name: Name): Name | string {
    return name === undefined ? name : (this.config.rename[name] ?? name);
  }

  protected calls(verb: Verb): VerbCalls | undefined {
    const { create, update, delete: remove, upsert } = this.manifest.write;
    return { insert: create, update, delete: remove, upsert: upsert && { many: upsert } }[verb];
  }

  private callFor(verb: Verb, rows: number): Call | undefined {
    const calls = this.calls(verb);
    return rows === 1 ? (calls?.one ?? calls?.many) : calls?.many;
  }

  /** Reads an answer with a 2xx status: a result for each row, or unknown when the answer is no JSON. */
  private async afterAnswer(
    columns: readonly MirrorColumn[],
    rows: readonly SentRow[],
    call: Call,
    answer: Answer,
  ): Promise<WriteOutcome> {
    const { status, request, headers, body } = answer;
    // An HTML page comes from a gateway, not from the API, whatever its status is.
    const isPage = headers.get("content-type")?.includes("html") === true;
    if (status === 204 || (call.rows === undefined && call.ok === undefined && !isPage))
      return { kind: "answered", rows: rows.map(silentResult), status, request };
    if (!isBody(body)) {
      const reason = wordReader(this.account.secrets).sentence(whyUnreadable(answer));
      return { kind: "unknown", reason, status, request };
    }
    const correlation = {
      call: {
        ...call,
        match: call.match === "key" || call.match === "order" ? call.match : this.mirrorName(call.match),
      },
      columns,
      keyColumns: columns.filter(({ name }) => this.manifest.key.includes(name)),
      errors: this.account.manifest.errors,
      columnOf: columnNamed(columns),
      hooks: this.account.hooks,
      secrets: this.account.secrets,
      read: (element: unknown, some: readonly MirrorColumn[]) => this.record(element, some, call),
    };
    const results = await inSlices(rowResults(correlation, answer, rows));
    return { kind: "answered", rows: await this.settleAbsences(columns, rows, results), status, request };
  }

  /** Ends a write that was refused as a whole; a record that is gone may be the reason, and then its row alone is absent. */
  private async afterRefusal(
    verb: Verb,
    columns: readonly MirrorColumn[],
    rows: readonly SentRow[],
    { error }: RefusedOutcome,
  ): Promise<WriteOutcome> {
    // The record that is gone is no new row's, and among several rows the error does not say whose it is.
    const isGone = error.absent && verb !== "insert" && rows.length === 1;
    const isAsked = error.ask && rows.every(({ key }) => key !== null);
    if (!isGone && !isAsked) return { kind: "refused", error };
    const refused = rows.map((): RowResult => ({ kind: "refused", error }));
    const results = await this.settleAbsences(columns, rows, refused);
    if (results.some(isAbsent))
      return { kind: "answered", rows: results, status: error.status ?? 0, request: error.request };
    const [first] = results;
    return { kind: "refused", error: first?.kind === "refused" ? first.error : error };
  }

  /**
   * Returns `results` with the rows of records that are gone as absent: an error calls them gone, or asks whether they are, and they can't
   * be read; and there is proof. Without it the row is refused. The records in doubt are those of the rows' keys.
   */
  private async settleAbsences(
    columns: readonly MirrorColumn[],
    rows: readonly SentRow[],
    results: readonly RowResult[],
  ): Promise<readonly RowResult[]> {
    const doubtedKeys = results.map((result, index) => (isDoubted(result) ? (rows[index]?.key ?? null) : null));
    const keysInDoubt = doubtedKeys.filter((key) => key !== null);
    const { missingKeys, errors } = await this.findMissing(columns, keysInDoubt);
    const proofs = this.absenceProofs(columns, this.statementReads);
    const settled: RowResult[] = [];
    for (const [index, result] of results.entries()) {
      const isMissing = missingKeys.has(doubtedKeys[index] ?? null);
      if (result.kind !== "refused" || !(result.error.absent || isMissing)) settled.push(result);
      else {
        const refusal = await proofs.refusalUnlessGone(result.error, isMissing ? errors : []);
        settled.push(refusal ? { kind: "refused", error: refusal } : { kind: "absent" });
      }
    }
    return settled;
  }

  /** Returns those of the keys under which no record can be read, with the errors that were read instead; none when reading fails. */
  private async findMissing(columns: readonly MirrorColumn[], keys: readonly string[]) {
    const missingKeys = new Set<string | null>(keys);
    if (keys.length === 0) return { missingKeys, errors: [] };
    try {
      const { records, errors } = await this.searchKeys(columns, keys, this.statementReads);
      for (const { key } of records) missingKeys.delete(key);
      return { missingKeys, errors };
    } catch (cause) {
      if (cause instanceof ReadFailed) return { missingKeys: new Set<string | null>(), errors: [] };
      throw cause;
    }
  }
}

/** Returns the words for an answer whose body is no JSON that an API answers with. */
function whyUnreadable(answer: Answer): string {
  const { status, tooLarge } = answer;
  if (tooLarge !== undefined) return `status ${status}, and the body ${tooLarge}`;
  return `status ${status} without a JSON body${saying(answer)}`;
}

/** The error does not tell whether the row's record is gone, and the record has to be read. */
function isDoubted(result: RowResult): boolean {
  switch (result.kind) {
    case "refused":
      return result.error.ask;
    case "accepted":
    case "absent":
    case "unreported":
      return false;
    default:
      return assertNever(result);
  }
}

function isAbsent(result: RowResult): boolean {
  switch (result.kind) {
    case "absent":
      return true;
    case "accepted":
    case "refused":
    case "unreported":
      return false;
    default:
      return assertNever(result);
  }
}
