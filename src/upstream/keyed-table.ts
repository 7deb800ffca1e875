// The records of a table by their keys, or by another unique column: those that upstream has, and proof for those that are gone.

import { inSlices } from "../config/slices.js";
import type { Call } from "../manifest/call-schema.js";
import { recordsAt } from "../manifest/pointer.js";
import type { Scope } from "../manifest/template.js";
import type { MirrorColumn } from "../mirror/column.js";
import { AbsenceProofs } from "./absence.js";
import { ReadableTable, type Reading, syncReads, upstreamNames } from "./reading.js";
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
    throw this.readFailure("rows by key", `: ${refusal.message}, ${why}`, refusal.sqlstate);
  }

  /** Reads as many records with one request as the call takes. */
  private async search(
    columns: readonly MirrorColumn[],
    call: Call,
    values: readonly string[],
    reading: Reading,
    scopeOf: (one: string) => Scope,
  ): Promise<Search> {
    const size = call.max ?? 1;
    const isOne = size === 1;
    const records: UpstreamRecord[] = [];
    const errors: UpstreamError[] = [];
    for (let at = 0; at < values.length; at += size) {
      const rows = values.slice(at, at + size).map(scopeOf);
      const keys = rows.map(({ key }) => key);
      const scope = { columns: upstreamNames(columns), keys, ...(await this.tableScope()), ...rows[0] };
      const result = await this.exchange({ call, scope, rows, ...reading }, []);
      // An API that answers "forbidden" for a missing record has a rule `ask`, and this request is the one that asked.
      if (isOne && result.kind === "refused" && (result.error.absent || result.error.ask)) {
        errors.push(result.error);
        continue;
      }
      const answer = this.answerOf("rows by key", result, isOne);
      const part = await inSlices(recordsAt(answer.body, call.rows ?? ""));
      // Some APIs keep the place of a record that they do not have.
      const elements = Array.isArray(part) ? part.filter((element) => element !== null) : part;
      for (const record of await inSlices(this.records(call, answer, elements, columns))) records.push(record);
    }
    return { records, errors };
  }
}
