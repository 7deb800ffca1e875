// The records of a table by their keys, or by another unique column: those that upstream has, and proof for those that are gone.

import pMap from "p-map";
import { memberOf } from "../config/member.js";
import { inSlices } from "../config/slices.js";
import type { Call } from "../manifest/call-schema.js";
import { lookUp, pointerTo, recordsAt } from "../manifest/pointer.js";
import type { Scope } from "../manifest/template.js";
import type { MirrorColumn } from "../mirror/column.js";
import { AbsenceProofs } from "./absence.js";
import { AddressBound, failedByAddress, isTooLong, namesColumns, namesKeys } from "./address-bound.js";
import { readError } from "./errors.js";
import type { Answer, ExchangeResult } from "./exchange.js";
import { type Page, ReadableTable, type Reading, requestsAtATime, syncReads, upstreamNames } from "./reading.js";
import { joinParts, type UpstreamRecord } from "./record.js";
import { showRequest } from "./request.js";
import { keyScope } from "./row-scope.js";
import { type UpstreamError, wholeSentence } from "./write-outcome.js";

/** The records that came, and the errors that stand in the place of others. Nothing proves yet that those are gone. */
interface Search {
  readonly records: readonly UpstreamRecord[];
  readonly errors: readonly UpstreamError[];
}

/** Marks the place of a list whose columns are read by key: no cursor of an API begins with a tab. */
const byKeyMark = "\t";

export class KeyedTable extends ReadableTable {
  private readonly addresses = new AddressBound();

  /**
   * Returns one page of all records. Where all columns would make the address longer than the API takes, the list has only a few, and the
   * records are read by their keys. Throws ReadFailed, also when `signal` is aborted.
   */
  override async list(columns: readonly MirrorColumn[], cursor: string | null, signal?: AbortSignal): Promise<Page> {
    const call = this.manifest.read.list;
    if (cursor?.startsWith(byKeyMark)) return this.listByKey(columns, cursor.slice(byKeyMark.length), signal);
    if (!namesColumns(call)) return super.list(columns, cursor, signal);
    const scope = { columns: upstreamNames(columns), ...(await this.tableScope()) };
    const length = this.addressLength(call, scope) + encodeURIComponent(cursor ?? "").length;
    if (!this.addresses.takes(length)) return this.listByKey(columns, cursor, signal);
    try {
      return await super.list(columns, cursor, signal);
    } catch (cause) {
      if (!failedByAddress(cause)) throw cause;
      this.addresses.refuse(length);
      return this.listByKey(columns, cursor, signal);
    }
  }

  private async listByKey(
    columns: readonly MirrorColumn[],
    cursor: string | null,
    signal?: AbortSignal,
  ): Promise<Page> {
    const page = await super.list(this.fewColumns(columns), cursor, signal);
    const records = await this.get(
      columns,
      page.records.map(({ key }) => key),
      { signal },
    );
    return { ...page, records, next: page.next === null ? null : `${byKeyMark}${page.next}` };
  }

  /** Those that a list can't do without: its key's, and the one that leads to the next page; or any. */
  private fewColumns(columns: readonly MirrorColumn[]): readonly MirrorColumn[] {
    const { key, read } = this.manifest;
    const { pages } = read.list;
    const leading =
      pages && "column" in pages ? (memberOf(this.config.rename, pages.column) ?? pages.column) : undefined;
    const few = columns.filter(({ name, from }) => from === null && (key.includes(name) || name === leading));
    return few.length > 0 ? few : columns.slice(0, 1);
  }

  /** Returns those records of these keys that upstream has. Throws ReadFailed, also when the signal of `reading` is aborted. */
  async get(
    columns: readonly MirrorColumn[],
    keys: readonly string[],
    reading: Partial<Reading> = {},
  ): Promise<readonly UpstreamRecord[]> {
    const full = { ...syncReads, ...reading };
    return this.proven(columns, await this.searchKeys(columns, keys, full), full);
  }

  /** Returns those records of these keys that upstream has, ahead of the sync, for a statement that waits. Throws ReadFailed. */
  async getNow(columns: readonly MirrorColumn[], keys: readonly string[]): Promise<readonly UpstreamRecord[]> {
    return this.get(columns, keys, this.statementReads);
  }

  /** Whether the API can be asked for records by a unique column. */
  get finds(): boolean {
    return this.manifest.read.find !== undefined;
  }

  /** Returns the records with these values in a unique column; undefined when the API has no such call. Throws ReadFailed, also when `signal` is aborted. */
  async find(
    columns: readonly MirrorColumn[],
    { upstream }: MirrorColumn,
    values: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly UpstreamRecord[] | undefined> {
    const call = this.manifest.read.find;
    const reading: Reading = { lane: "read", waitMs: this.account.waitMs, signal };
    if (!call) return undefined;
    const search = await this.search(columns, call, values, reading, (value) => ({ value, column: upstream }));
    return this.proven(columns, search, reading);
  }

  /** How a statement reads, ahead of the sync. */
  protected get statementReads(): Reading {
    return { lane: "write", waitMs: this.account.waitMs };
  }

  /** Returns the proofs of what one call of ours misses. */
  protected absenceProofs(columns: readonly MirrorColumn[], reading: Reading): AbsenceProofs {
    return new AbsenceProofs(this.manifest.read.list, async (call) => {
      const scope = { columns: upstreamNames(this.fewColumns(columns)), ...(await this.tableScope()) };
      return this.ask({ call, scope }, reading);
    });
  }

  protected searchKeys(columns: readonly MirrorColumn[], keys: readonly string[], reading: Reading): Promise<Search> {
    return this.search(columns, this.manifest.read.get, keys, reading, (key) => ({
      key: keyScope(columns, this.manifest.key, this.rules, key),
    }));
  }

  /** Returns the records of a search whose other records are gone. Throws ReadFailed when nothing proves it. */
  private async proven(
    columns: readonly MirrorColumn[],
    { records, errors: [error, ...others] }: Search,
    reading: Reading,
  ): Promise<readonly UpstreamRecord[]> {
    const refusal = error && (await this.absenceProofs(columns, reading).refusalUnlessGone(error, others));
    if (!refusal) return records;
    const why = "and nothing proves that the record is gone";
    throw this.readFailure("rows by key", `: ${wholeSentence(refusal)}, ${why}`, refusal.sqlstate);
  }

  /** Throws ReadFailed when an answer refuses to tell of a record for another reason than that it is gone: what it leaves out is then no proof. */
  private requireWhole(call: Call, { body, status, headers }: Answer): void {
    const failures = call.failed === undefined ? undefined : lookUp(body, call.failed);
    const { manifest, hooks, secrets } = this.account;
    const context = { status, isInside: true, headers, body, columnOf: () => null, hooks, secrets };
    for (const failure of Array.isArray(failures) ? failures : []) {
      const { message, sqlstate, absent, ask, meaning } = readError(manifest.errors, failure, context);
      if (!absent && !ask && meaning !== "empty")
        throw this.readFailure("rows by key", `: of some it was told: ${message}`, sqlstate);
    }
  }

  /** Reads as many records with one request as the call takes, with several requests at a time. */
  private async search(
    columns: readonly MirrorColumn[],
    call: Call,
    values: readonly string[],
    reading: Reading,
    scopeOf: (one: string) => Scope,
  ): Promise<Search> {
    const size = call.max ?? 1;
    const all = distinctScopes(call, values.map(scopeOf));
    const parts = Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
    const searchPart = (rows: readonly Scope[]) => this.searchFitting(columns, call, rows, reading);
    return bothOf(await pMap(parts, searchPart, { concurrency: requestsAtATime }));
  }

  /** Makes one request, or several where its address would be longer than the API takes. */
  private async searchFitting(
    columns: readonly MirrorColumn[],
    call: Call,
    rows: readonly Scope[],
    reading: Reading,
  ): Promise<Search> {
    const { by, parts } = this.halves(columns, call, rows);
    const split = async () => {
      const searchPart = (part: Part) => this.searchFitting(part.columns, call, part.rows, reading);
      const searches = await pMap(parts, searchPart, { concurrency: 1 });
      const both = bothOf(searches);
      return by === "rows" ? both : { ...both, records: this.joined(searches) };
    };
    const keys = rows.map(({ key }) => key);
    const scope = { columns: upstreamNames(columns), keys, ...(await this.tableScope()), ...rows[0] };
    const length = this.addressLength(call, scope);
    if (parts.length > 1 && !this.addresses.takes(length)) return split();
    const result = await this.ask({ call, scope, rows }, reading);
    if (result.kind === "refused" && isTooLong(result.error.status) && parts.length > 1) {
      this.addresses.refuse(length);
      return split();
    }
    return this.found(columns, call, result, reading);
  }

  private async found(
    columns: readonly MirrorColumn[],
    call: Call,
    result: ExchangeResult,
    reading: Reading,
  ): Promise<Search> {
    const isOne = (call.max ?? 1) === 1;
    // An API that answers "forbidden" for a missing record has a rule `ask`, and this request is the one that asked.
    if (result.kind === "refused" && (result.error.meaning === "empty" || (isOne && isOfAbsence(result.error))))
      return { records: [], errors: [result.error] };
    const answer = this.answerOf("rows by key", result, isOne);
    const there = await inSlices(recordsAt(answer.body, call.rows ?? ""));
    // Some APIs keep the place of a record that they do not have.
    const elements = Array.isArray(there) ? there.filter((element) => element !== null) : there;
    this.requireWhole(call, answer);
    const all = await this.withRest(call, answer, elements, columns, reading);
    return { records: await inSlices(this.records(call, answer, all, columns)), errors: [] };
  }

  /** Returns the halves of what makes the address of a search long: its keys, or else its columns but for those of the key. */
  private halves(columns: readonly MirrorColumn[], call: Call, rows: readonly Scope[]): Halves {
    if (namesKeys(call) && rows.length > 1)
      return { by: "rows", parts: halvesOf(rows).map((part) => ({ columns, rows: part })) };
    const isOfKey = ({ name }: MirrorColumn) => this.manifest.key.includes(name);
    const others = columns.filter((column) => !isOfKey(column));
    if (!namesColumns(call) || others.length < 2) return { by: "columns", parts: [{ columns, rows }] };
    const ofKey = columns.filter(isOfKey);
    return { by: "columns", parts: halvesOf(others).map((part) => ({ columns: [...ofKey, ...part], rows })) };
  }

  /** Returns the records of which each search has a part. One that the last search has no longer is gone. Throws ReadFailed. */
  private joined(searches: readonly Search[]): readonly UpstreamRecord[] {
    const [last, ...earlier] = searches
      .map(({ records }) => new Map(records.map((record) => [record.key, record])))
      .reverse();
    return [...(last ?? [])].map(([key, record]) => {
      const parts = [...earlier.flatMap((records) => records.get(key) ?? []), record];
      if (parts.length < searches.length)
        throw this.readFailure("rows by key", ": one came while its columns were read");
      return joinParts(key, parts);
    });
  }

  private addressLength(call: Call, scope: Scope): number {
    const request = showRequest(this.account, { call, scope });
    return request.kind === "composed" ? request.url.length : 0;
  }
}

/** What a search is split into where its address is too long; one part: it can't be. */
interface Halves {
  readonly by: "rows" | "columns";
  readonly parts: readonly Part[];
}

interface Part {
  readonly columns: readonly MirrorColumn[];
  readonly rows: readonly Scope[];
}

function halvesOf<One>(list: readonly One[]): readonly (readonly One[])[] {
  const middle = Math.ceil(list.length / 2);
  return [list.slice(0, middle), list.slice(middle)];
}

function bothOf(searches: readonly Search[]): Search {
  return { records: searches.flatMap(({ records }) => records), errors: searches.flatMap(({ errors }) => errors) };
}

/** Returns one scope of those for which the call asks the same: it may name a part of the key alone. */
function distinctScopes({ path, query, body }: Call, scopes: readonly Scope[]): readonly Scope[] {
  const templates = JSON.stringify([path, query, body]);
  const parts = [...templates.matchAll(/\{(keys?|value)(?:\.(\w+))?\}/g)];
  const names = parts.flatMap(([, , part]) => (part === undefined ? [] : [part]));
  if (names.length < parts.length || names.length === 0) return scopes;
  const identity = ({ key }: Scope) => JSON.stringify(names.map((name) => String(lookUp(key, pointerTo(name)))));
  return [...new Map(scopes.map((scope) => [identity(scope), scope])).values()];
}

function isOfAbsence({ absent, ask }: UpstreamError): boolean {
  return absent || ask;
}
