// The records of a table by their keys, or by another unique column: those that upstream has, and proof for those that are gone.

import pMap from "p-map";
import { inSlices } from "../config/slices.js";
import type { Call } from "../manifest/call-schema.js";
import { recordsAt } from "../manifest/pointer.js";
import type { Scope } from "../manifest/template.js";
import type { MirrorColumn } from "../mirror/column.js";
import { AbsenceProofs } from "./absence.js";
import { ReadableTable, type Reading, syncReads, upstreamNames } from "./reading.js";
import type { UpstreamRecord } from "./record.js";
import { keyScope } from "./row-scope.js";
import { type UpstreamError, wholeSentence } from "./write-outcome.js";

/** How many requests ask for records at the same time; the rate budget bounds them besides. */
const requestsAtATime = 8;

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
      return this.exchange({ call, scope, ...reading }, []);
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
    const parts = Array.from({ length: Math.ceil(values.length / size) }, (_, n) =>
      values.slice(n * size, (n + 1) * size),
    );
    const searchPart = async (part: readonly string[]): Promise<Search> => {
      const rows = part.map(scopeOf);
      const keys = rows.map(({ key }) => key);
      const scope = { columns: upstreamNames(columns), keys, ...(await this.tableScope()), ...rows[0] };
      const result = await this.exchange({ call, scope, rows, ...reading }, []);
      // An API that answers "forbidden" for a missing record has a rule `ask`, and this request is the one that asked.
      if (isOne && result.kind === "refused" && (result.error.absent || result.error.ask))
        return { records: [], errors: [result.error] };
      const answer = this.answerOf("rows by key", result, isOne);
      const there = await inSlices(recordsAt(answer.body, call.rows ?? ""));
      // Some APIs keep the place of a record that they do not have.
      const elements = Array.isArray(there) ? there.filter((element) => element !== null) : there;
      return { records: await inSlices(this.records(call, answer, elements, columns)), errors: [] };
    };
    const found = await pMap(parts, searchPart, { concurrency: requestsAtATime });
    return { records: found.flatMap(({ records }) => records), errors: found.flatMap(({ errors }) => errors) };
  }
}
