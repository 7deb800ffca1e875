// One resource of an API: its columns, its pages, its rows by key, and its writes.

import type { MirrorColumn, TextRow } from "../mirror/column.js";
import { splitKey } from "../mirror/key.js";
import { decode, encode, sameValue, type ValueRules } from "./codec.js";
import { discoverColumns } from "./discover.js";
import { ReadFailed, type RowResult, type WriteEnding } from "./ending.js";
import { classifyOne, isBody } from "./errors.js";
import { type Account, type Answer, exchange, type SendGate, type Wanted } from "./exchange.js";
import type { Call, TableManifest, VerbCalls } from "./manifest.js";
import { lookUp, textAt } from "./pointer.js";
import { type Record, readRecord } from "./record.js";
import type { Scope } from "./template.js";

export type Verb = "insert" | "update" | "delete";

/** A row to write: its key, unless upstream assigns one, and the columns to send. */
export interface SentRow {
  readonly key: string | null;
  readonly sent: TextRow;
}

/** How a write is sent. */
export interface Sending {
  /** How long somebody waits for the rate limit. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly gate?: SendGate | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

export interface Page {
  readonly records: readonly Record[];
  /** Where the next page begins; null after the last. */
  readonly next: string | null;
}

export class ConnectorTable {
  private readonly rules: ValueRules;

  constructor(
    readonly account: Account,
    readonly resource: string,
    private readonly manifest: TableManifest,
  ) {
    this.rules = { asStrings: account.manifest.values === "string", clear: account.manifest.clear ?? null };
  }

  get keyColumns(): readonly string[] {
    return this.manifest.key;
  }

  /** The columns as the manifest and the API describe them now. */
  async columns(): Promise<readonly MirrorColumn[]> {
    const { discover } = this.manifest;
    const answer =
      discover && (await this.read({ method: "GET", path: discover.GET, rows: discover.rows }, {}, "its columns"));
    const found = discover && answer ? lookUp(answer.body, discover.rows) : [];
    return discoverColumns(this.account.manifest, this.manifest, Array.isArray(found) ? found : []);
  }

  /** How many rows one call of this verb takes; undefined when the API has no such call. */
  limit(verb: Verb): number | undefined {
    const calls = this.calls(verb);
    return calls && (calls.many?.max ?? 1);
  }

  /** How long such a write can be repeated under its idempotency key; 0: not at all. */
  repeatableMs(verb: Verb, rows: number): number {
    const calls = this.calls(verb);
    const call = rows === 1 ? calls?.one : calls?.many;
    return call?.method === "POST" ? (this.account.manifest.idempotency?.keeps ?? 0) : 0;
  }

  /** One page of all records, in a stable order. */
  async list(columns: readonly MirrorColumn[], cursor: string | null): Promise<Page> {
    const call = this.manifest.read.list;
    const query = cursor === null || !call.pages ? call.query : { ...call.query, [call.pages.as]: cursor };
    const answer = await this.read({ ...call, query }, { columns: upstreamNames(columns) }, "a page");
    const records = this.records(call, answer, columns);
    return { records, next: (call.pages && textAt(answer.body, call.pages.cursor)) ?? null };
  }

  /** The records of these keys that upstream has. `waitMs`: for the rate limit. */
  async get(
    columns: readonly MirrorColumn[],
    keys: readonly string[],
    waitMs = readWaitMs,
  ): Promise<readonly Record[]> {
    return this.readMany(columns, this.manifest.read.get, keys, waitMs, (key) => ({ key: this.keyScope(key) }));
  }

  /** The records that have these values in a unique column; undefined when the API can't be asked so. */
  async find(
    columns: readonly MirrorColumn[],
    { upstream }: MirrorColumn,
    values: readonly string[],
  ): Promise<readonly Record[] | undefined> {
    const call = this.manifest.read.find;
    if (!call) return undefined;
    return this.readMany(columns, call, values, this.account.waitMs, (value) => ({ value, column: upstream }));
  }

  /** Writes all rows with one request. What the ending says of a row stands at the row's place. */
  async write(
    verb: Verb,
    columns: readonly MirrorColumn[],
    rows: readonly SentRow[],
    { waitMs = Number.POSITIVE_INFINITY, ...sending }: Sending = {},
  ): Promise<WriteEnding> {
    const calls = this.calls(verb);
    const call = rows.length === 1 ? calls?.one : calls?.many;
    if (!call) throw new Error(`no call of ${this.resource} takes ${rows.length} rows`);
    const scopes = rows.map((row, index) => this.rowScope(columns, row, index));
    const ended = await this.exchange(
      {
        call,
        scope: scopes[0] ?? {},
        rows: scopes,
        waitMs: Math.min(this.account.waitMs, waitMs),
        ...sending,
      },
      columns,
    );
    if (ended.kind === "refused" && ended.error.absent) {
      const { status, request } = ended.error;
      // Only of one row that was there can it be said that it is gone.
      if (verb === "insert" || rows.length > 1)
        return { kind: "refused", error: { ...ended.error, sqlstate: "HV000" } };
      return { kind: "answered", rows: [{ kind: "absent" }], status: status ?? 0, request };
    }
    if (ended.kind !== "answered") return ended;
    const { status, request } = ended;
    if (call.rows === undefined) {
      const told = rows.map(
        ({ key }): RowResult => (key === null ? { kind: "unreported" } : { kind: "accepted", key, reported: {} }),
      );
      return { kind: "answered", rows: told, status, request };
    }
    if (!isBody(ended.body))
      return { kind: "unknown", reason: `status ${status} without a JSON body`, status, request };
    return { kind: "answered", rows: this.rowResults(call, ended, columns, rows), status, request };
  }

  /** What upstream is expected to report for a value that was sent. */
  expected(column: MirrorColumn, sent: string | null): string | null {
    return decode(column, encode(column, sent, this.rules), this.rules);
  }

  same(column: MirrorColumn, a: string | null, b: string | null): boolean {
    return sameValue(column, a, b);
  }

  private calls(verb: Verb): VerbCalls | undefined {
    const { create, update, delete: remove } = this.manifest.write;
    return { insert: create, update, delete: remove }[verb];
  }

  private rowScope(columns: readonly MirrorColumn[], { key, sent }: SentRow, index: number): Scope {
    const encoded = columns
      .filter((column) => sent[column.name] !== undefined)
      .map((column) => [column.upstream, encode(column, sent[column.name] ?? null, this.rules)]);
    const record = Object.fromEntries(encoded);
    return { key: key === null ? null : this.keyScope(key), index: String(index), record, row: record };
  }

  /** `{key}`, or `{key.NAME}` of several columns. */
  private keyScope(key: string): unknown {
    const names = this.manifest.key;
    if (names.length === 1) return key;
    const parts = splitKey(names, key);
    return Object.fromEntries(names.map((name, index) => [name, parts[index]]));
  }

  /** What was asked and what came back, row by row. */
  private rowResults(
    call: Call,
    answer: Answer,
    columns: readonly MirrorColumn[],
    rows: readonly SentRow[],
  ): RowResult[] {
    const results: RowResult[] = rows.map(() => ({ kind: "unreported" }));
    const found = lookUp(answer.body, call.rows ?? "");
    for (const element of rows.length === 1 && !Array.isArray(found) ? [found] : asList(found)) {
      const record = this.record(element, columns);
      const at = rows.length === 1 ? 0 : this.place(call, element, record, rows);
      if (record && at !== undefined && at in results) {
        results[at] = { kind: "accepted", key: record.key, reported: record.row };
      }
    }
    const failed = call.failed === undefined ? [] : asList(lookUp(answer.body, call.failed));
    for (const element of failed) {
      const { status, body } = answer;
      const error = classifyOne(this.account.manifest.errors, element, {
        status: 400,
        body,
        columnOf: namesOf(columns),
      });
      const at = rows.length === 1 ? 0 : error.row;
      if (at === null || results[at]?.kind !== "unreported") continue;
      results[at] = error.absent ? { kind: "absent" } : { kind: "refused", error: { ...error, status } };
    }
    return results;
  }

  private place(
    call: Call,
    element: unknown,
    record: Record | undefined,
    rows: readonly SentRow[],
  ): number | undefined {
    if (call.match === undefined) return undefined;
    if (call.match === "key") {
      const at = rows.findIndex(({ key }) => key === record?.key);
      return at === -1 ? undefined : at;
    }
    const index = textAt(element, call.match);
    return index !== undefined && /^\d+$/.test(index) ? Number(index) : undefined;
  }

  /** As many at once as the call takes. */
  private async readMany(
    columns: readonly MirrorColumn[],
    call: Call,
    wanted: readonly string[],
    waitMs: number,
    scopeOf: (one: string) => Scope,
  ): Promise<Record[]> {
    const size = call.max ?? 1;
    const records: Record[] = [];
    for (let at = 0; at < wanted.length; at += size) {
      const scopes = wanted.slice(at, at + size).map(scopeOf);
      const scope = { columns: upstreamNames(columns), keys: scopes.map(({ key }) => key), ...scopes[0] };
      const answer = await this.read(call, scope, "rows by key", scopes, waitMs);
      records.push(...this.records(call, answer, columns));
    }
    return records;
  }

  private records(call: Call, answer: Answer, columns: readonly MirrorColumn[]): Record[] {
    const found = lookUp(answer.body, call.rows ?? "");
    if (!Array.isArray(found)) throw new ReadFailed(`${this.account.api}: no list of ${this.resource} at ${call.rows}`);
    return found.map((element: unknown) => {
      const record = this.record(element, columns);
      if (!record) throw new ReadFailed(`${this.account.api}: a record of ${this.resource} has no key`);
      return record;
    });
  }

  private record(element: unknown, columns: readonly MirrorColumn[]): Record | undefined {
    return readRecord(this.manifest, columns, this.rules, element);
  }

  private exchange(wanted: Omit<Wanted, "columnOf">, columns: readonly MirrorColumn[]) {
    return exchange(this.account, { ...wanted, columnOf: namesOf(columns) });
  }

  private async read(
    call: Call,
    scope: Scope,
    what: string,
    rows: readonly Scope[] = [],
    waitMs = readWaitMs,
  ): Promise<Answer> {
    const ended = await this.exchange({ call, scope, rows, waitMs }, []);
    switch (ended.kind) {
      case "answered":
        if (isBody(ended.body)) return ended;
        throw new ReadFailed(
          `${this.account.api}: ${what} of ${this.resource} came without JSON, status ${ended.status}`,
        );
      case "unknown":
        throw new ReadFailed(`${this.account.api}: ${what} of ${this.resource}: ${ended.reason}`);
      case "refused":
      case "unsent":
        throw new ReadFailed(`${this.account.api}: ${what} of ${this.resource}: ${ended.error.message}`);
    }
  }
}

/** Reading has time: the sync waits for the rate limit rather than fail. */
const readWaitMs = 60_000;

function upstreamNames(columns: readonly MirrorColumn[]): string[] {
  return columns.filter((column) => column.from === null).map((column) => column.upstream);
}

function namesOf(columns: readonly MirrorColumn[]): (upstream: string) => string | null {
  return (upstream) => columns.find((column) => column.upstream === upstream)?.name ?? null;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
