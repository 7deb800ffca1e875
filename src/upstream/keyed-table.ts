// The records of a table by their keys, or by another unique column: those that upstream has, and proof for those that are gone.

import pMap from "p-map";
import { inSlices } from "../config/slices.js";
import type { Call } from "../manifest/call-schema.js";
import { lookUp, pointerTo, recordsAt } from "../manifest/pointer.js";
import type { Scope } from "../manifest/template.js";
import type { MirrorColumn } from "../mirror/column.js";
import { AbsenceProofs } from "./absence.js";
import { readError } from "./errors.js";
import type { Answer } from "./exchange.js";
import { ReadableTable, type Reading, requestsAtATime, syncReads, upstreamNames } from "./reading.js";
import type { UpstreamRecord } from "./record.js";
import { keyScope } from "./row-scope.js";
import type { UpstreamError } from "./write-outcome.js";

/** The records that came, and the errors that stand in the place of others. Nothing proves yet that those are gone. */
interface Search {
  readonly records: readonly UpstreamRecord[];
  readonly errors: readonly UpstreamError[];
}

export class KeyedTable extends ReadableTable {
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
      const scope = { columns: upstreamNames(columns), ...(await this.tableScope()) };
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
    throw this.readFailure("rows by key", `: ${refusal.message}, ${why}`, refusal.sqlstate);
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
    const isOne = size === 1;
    const all = distinctScopes(call, values.map(scopeOf));
    const parts = Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
    const searchPart = async (rows: readonly Scope[]): Promise<Search> => {
      const keys = rows.map(({ key }) => key);
      const scope = { columns: upstreamNames(columns), keys, ...(await this.tableScope()), ...rows[0] };
      const result = await this.ask({ call, scope, rows }, reading);
      // An API that answers "forbidden" for a missing record has a rule `ask`, and this request is the one that asked.
      if (result.kind === "refused" && (result.error.meaning === "empty" || (isOne && isOfAbsence(result.error))))
        return { records: [], errors: [result.error] };
      const answer = this.answerOf("rows by key", result, isOne);
      const there = await inSlices(recordsAt(answer.body, call.rows ?? ""));
      // Some APIs keep the place of a record that they do not have.
      const elements = Array.isArray(there) ? there.filter((element) => element !== null) : there;
      this.requireWhole(call, answer);
      const found = await this.withRest(call, answer, elements, columns, reading);
      return { records: await inSlices(this.records(call, answer, found, columns)), errors: [] };
    };
    const found = await pMap(parts, searchPart, { concurrency: requestsAtATime });
    return { records: found.flatMap(({ records }) => records), errors: found.flatMap(({ errors }) => errors) };
  }
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
