// One resource of an API: its columns, its pages, its rows by key, and its writes.

import type { Call, VerbCalls } from "../manifest/call-schema.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { MirrorColumn } from "../mirror/column.js";
import { decode, encode, isSendable, sameValue } from "./codec.js";
import { rowResults, unread } from "./correlate.js";
import { columnNamed } from "./discover.js";
import { isBody } from "./errors.js";
import type { SendGate } from "./exchange.js";
import { ReadableTable } from "./reading.js";
import { composeRequest } from "./request.js";
import { rowScope, type SentRow } from "./row-scope.js";
import type { RefusedOutcome, RowResult, WriteOutcome } from "./write-outcome.js";

/** `upsert`: some rows are new, and the API tells which, by a column that identifies them. */
export type Verb = "insert" | "update" | "delete" | "upsert";

/** How a write is sent. */
export interface Sending {
  /** How long somebody waits for the rate limit. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly gate?: SendGate | undefined;
  readonly idempotencyKey?: string | null | undefined;
  /** The column by which an upsert tells which rows are new. */
  readonly by?: MirrorColumn | undefined;
}

export class ConnectorTable extends ReadableTable {
  /** How many rows one call of this verb takes; undefined when the API has no such call. */
  limit(verb: Verb): number | undefined {
    const calls = this.calls(verb);
    return calls && (calls.many?.max ?? 1);
  }

  /** Whether the API knows by this column which records are new. */
  upsertsBy({ name, upstream, unique }: MirrorColumn): boolean {
    const on = this.manifest.write.upsert?.on;
    return on === "any" ? unique : on !== undefined && (this.mirrored(on) === name || on === upstream);
  }

  /** How long such a write can be repeated under its idempotency key; 0: not at all. */
  repeatableMs(verb: Verb, rows: number): number {
    return this.callFor(verb, rows)?.method === "POST" ? (this.account.manifest.idempotency?.keeps ?? 0) : 0;
  }

  /** Writes all rows with one request. What the ending says of a row stands at the row's place. */
  async write(
    verb: Verb,
    columns: readonly MirrorColumn[],
    rows: readonly SentRow[],
    { waitMs = Number.POSITIVE_INFINITY, by, ...sending }: Sending = {},
  ): Promise<WriteOutcome> {
    const wanted = await this.request(verb, columns, rows, by);
    const { call } = wanted;
    const ended = await this.exchange(
      { ...wanted, lane: "write", waitMs: Math.min(this.account.waitMs, waitMs), ...sending },
      columns,
    );
    if (ended.kind === "refused") return this.refused(verb, columns, rows, ended);
    if (ended.kind !== "answered") return ended;
    const { status, request } = ended;
    // A page for people is not the API's answer, whatever its status is.
    const isPage = ended.headers.get("content-type")?.includes("html") === true;
    if (status === 204 || (call.rows === undefined && call.ok === undefined && !isPage))
      return { kind: "answered", rows: rows.map(unread), status, request };
    if (!isBody(ended.body))
      return { kind: "unknown", reason: `status ${status} without a JSON body`, status, request };
    const correlation = {
      call: { ...call, match: call.match === "key" || call.match === "order" ? call.match : this.mirrored(call.match) },
      columns,
      errors: this.account.manifest.errors,
      columnOf: columnNamed(columns),
      hooks: this.account.hooks,
      secrets: this.account.secrets,
      read: (element: unknown) => this.record(element, columns, call),
    };
    const results = rowResults(correlation, ended, rows);
    const doubted = results.map((one, index) =>
      one.kind === "refused" && one.error.ask ? (rows[index]?.key ?? null) : null,
    );
    return { kind: "answered", rows: await this.told(columns, results, doubted), status, request };
  }

  /** The one call that writes these rows, and what its templates name. */
  async request(verb: Verb, columns: readonly MirrorColumn[], rows: readonly SentRow[], by?: MirrorColumn) {
    const call = this.callFor(verb, rows.length);
    if (!call) throw new Error(`no call of ${this.resource} takes ${rows.length} rows`);
    const shape = { columns, keyNames: this.manifest.key, rules: this.rules, rename: this.config.rename };
    const scopes = rows.map((row, index) => {
      const plain = rowScope(shape, row, index, verb === "insert");
      const encoded = this.account.hooks?.encodeRecord?.(plain.record, { table: this.resource, verb });
      const scope = encoded ? { ...plain, record: encoded } : plain;
      if (!by) return scope;
      const value = encode(by, row.sent[by.name] ?? null, this.rules);
      return { ...scope, column: by.upstream, value, conflict: [by.upstream] };
    });
    const keys = scopes.map(({ key }) => key);
    return { call, scope: { ...(await this.tableScope()), keys, ...scopes[0] }, rows: scopes };
  }

  /** The request that would write these rows, and what the limits leave for it; nothing is sent. */
  async describe(verb: Verb, columns: readonly MirrorColumn[], rows: readonly SentRow[], by?: MirrorColumn) {
    const wanted = await this.request(verb, columns, rows, by);
    const composed = composeRequest(this.account, wanted, undefined);
    const path = composed.kind === "composed" ? composed.path : "";
    const left = this.account.budget.left(path).map(({ limit: { calls: of, perMs }, calls }) => ({ calls, of, perMs }));
    const { method } = wanted.call;
    return composed.kind === "composed"
      ? { method, url: composed.url, body: composed.body, left }
      : { method, url: `(${composed.error.message})`, body: undefined, left };
  }

  /** What upstream is expected to report for a value that was sent. */
  expected(column: MirrorColumn, sent: string | null): string | null {
    return decode(column, encode(column, sent, this.rules), this.rules);
  }

  /** Whether a value can be sent at all. */
  takes(column: MirrorColumn, value: string): boolean {
    return isSendable(column, value, this.rules);
  }

  same(column: MirrorColumn, a: string | null, b: string | null): boolean {
    return sameValue(column, a, b);
  }

  /** The mirror's name of a column of the manifest. */
  private mirrored<Name extends string | undefined>(name: Name): Name | string {
    return name === undefined ? name : (this.config.rename[name] ?? name);
  }

  private calls(verb: Verb): VerbCalls | undefined {
    const { create, update, delete: remove, upsert } = this.manifest.write;
    return { insert: create, update, delete: remove, upsert: upsert && { many: upsert } }[verb];
  }

  private callFor(verb: Verb, rows: number): Call | undefined {
    const calls = this.calls(verb);
    return rows === 1 ? (calls?.one ?? calls?.many) : calls?.many;
  }

  /** Turned away as a whole; but a row that is gone may be the reason, and need not be one to the client. */
  private async refused(
    verb: Verb,
    columns: readonly MirrorColumn[],
    rows: readonly SentRow[],
    { error }: RefusedOutcome,
  ): Promise<WriteOutcome> {
    const answered = (results: readonly RowResult[]): WriteOutcome => ({
      kind: "answered",
      rows: results,
      status: error.status ?? 0,
      request: error.request,
    });
    if (error.absent && verb !== "insert" && rows.length === 1) return answered([{ kind: "absent" }]);
    // Of a new row, or of one among several, it says nothing.
    if (error.absent) return { kind: "refused", error: { ...error, sqlstate: "HV000" } };
    const keys = rows.map(({ key }) => key);
    if (!error.ask || keys.includes(null)) return { kind: "refused", error };
    const results = rows.map((): RowResult => ({ kind: "refused", error }));
    const told = await this.told(columns, results, keys);
    return told.some(({ kind }) => kind === "absent") ? answered(told) : { kind: "refused", error };
  }

  /** Of the rows whose keys are in doubt, those that are gone are absent; while nobody says which, none is. */
  private async told(
    columns: readonly MirrorColumn[],
    results: readonly RowResult[],
    doubted: readonly (string | null)[],
  ): Promise<readonly RowResult[]> {
    const keys = doubted.filter((key) => key !== null);
    if (keys.length === 0) return results;
    const there = await this.getNow(columns, keys).catch((cause: unknown) => {
      if (cause instanceof ReadFailed) return undefined;
      throw cause;
    });
    const found = new Set(there?.map(({ key }) => key) ?? keys);
    return results.map((result, index) => {
      const key = doubted[index] ?? null;
      return key === null || found.has(key) ? result : { kind: "absent" };
    });
  }
}
