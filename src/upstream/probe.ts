// Probes how well a manifest fits its API: reads one page of a table as the sync does, and finds the fields and values that the mirror
// would lose. No value of a record leaves this file.

import { isRecord } from "../config/json.js";
import type { Slices } from "../config/slices.js";
import type { Call } from "../manifest/call-schema.js";
import { numberText } from "../manifest/json-number.js";
import { lookUp, pointerTo } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { MirrorColumn } from "../mirror/column.js";
import { decode, Loss } from "./decode.js";
import { unknownTypeWords } from "./discover.js";
import type { ExchangeRequest, ExchangeResult } from "./exchange.js";
import { KeyedTable } from "./keyed-table.js";
import { syncReads } from "./reading.js";
import type { UpstreamRecord } from "./record.js";
import { nameList, upstreamName } from "./words.js";

interface Misfit {
  readonly column: string;
  /** The type that the manifest gives the column. */
  readonly type: string;
  /** The JSON kind of one of the values that the type can't hold. */
  readonly found: string;
  readonly records: number;
}

export interface ProbeResult {
  readonly table: string;
  readonly records: number;
  /** The number of records whose key another record has as well. */
  readonly repeated: number;
  /** Columns that no record has. */
  readonly missing: readonly string[];
  /** Columns that some records have and others have not, and of which the manifest does not say what that means. */
  readonly partial: readonly { readonly column: string; readonly records: number }[];
  /** A sentence for each type of the API that the manifest does not know. */
  readonly unknownTypes: readonly string[];
  readonly undecoded: readonly Misfit[];
  /** Fields that no column mirrors: by name, or by pointer when they stand outside the record's fields. */
  readonly unmirrored: readonly string[];
  /** The manifest's other lists: how many records each gave, or why it failed. */
  readonly lists: readonly { readonly name: string; readonly records: number; readonly failed: string | null }[];
  /** The paths of `if` in the manifest's rules that prove nothing, so that no record would ever be gone. */
  readonly proofless: readonly string[];
  /** True when the first record's key leads to it again; null when there is no record. */
  readonly foundAgain: boolean | null;
  /** The reason why reading stopped; null when it did not. */
  readonly failed: string | null;
}

export class ProbedTable extends KeyedTable {
  private elements: unknown[] = [];
  private body: unknown;

  /** Returns how the table's first page fits the manifest. A failure of the API is part of the result. */
  async probe(): Promise<ProbeResult> {
    const nothing = {
      table: this.resource,
      records: 0,
      repeated: 0,
      missing: [],
      partial: [],
      unknownTypes: [],
      undecoded: [],
      unmirrored: [],
      lists: [],
      proofless: [],
    };
    try {
      const columns = await this.columns();
      const { records } = await this.list(columns, null);
      const comparison = { ...nothing, ...this.compare(columns, records), unknownTypes: unknownTypeWords(columns) };
      const again = await this.readAgain(columns, comparison, records[0]?.key);
      return { ...again, lists: await this.otherLists(columns), proofless: await this.prooflessPaths(columns) };
    } catch (cause) {
      if (!(cause instanceof ReadFailed)) throw cause;
      return { ...nothing, foundAgain: null, failed: `${cause.message}${this.shape()}` };
    }
  }

  protected override async exchange(
    request: Omit<ExchangeRequest, "columnOf">,
    columns: readonly MirrorColumn[],
  ): Promise<ExchangeResult> {
    const result = await super.exchange(request, columns);
    this.body = result.kind === "answered" ? result.body : undefined;
    this.elements = [];
    return result;
  }

  protected override record(
    element: unknown,
    columns: readonly MirrorColumn[],
    call: Call,
  ): Slices<UpstreamRecord | undefined> {
    this.elements.push(element);
    return super.record(element, columns, call);
  }

  private async readAgain(
    columns: readonly MirrorColumn[],
    comparison: Omit<ProbeResult, "foundAgain" | "failed">,
    key: string | undefined,
  ): Promise<ProbeResult> {
    if (key === undefined) return { ...comparison, foundAgain: null, failed: null };
    try {
      const records = await this.get(columns, [key]);
      return { ...comparison, foundAgain: records.some((record) => record.key === key), failed: null };
    } catch (cause) {
      if (!(cause instanceof ReadFailed)) throw cause;
      return { ...comparison, foundAgain: null, failed: `${cause.message}${this.shape()}` };
    }
  }

  /** Reads a page of the changes within a day and a page of the deletions, where the manifest has such calls. */
  private async otherLists(columns: readonly MirrorColumn[]): Promise<ProbeResult["lists"]> {
    const { changes, deleted } = this.manifest.read;
    const calls = [
      // An event names its record but does not contain it.
      ...(changes && changes.since.key === undefined
        ? [["changes", changes, sinceYesterday(changes.since.as)] as const]
        : []),
      ...(typeof deleted === "object" ? [["deleted", deleted, {}] as const] : []),
    ];
    const lists: ProbeResult["lists"][number][] = [];
    for (const [name, call, scope] of calls) {
      try {
        const { records } = await this.page(call, columns, null, scope);
        lists.push({ name, records: records.length, failed: null });
      } catch (cause) {
        if (!(cause instanceof ReadFailed)) throw cause;
        lists.push({ name, records: 0, failed: `${cause.message}${this.shape()}` });
      }
    }
    return lists;
  }

  /** The account can read the table now, which each proof is to say. */
  private async prooflessPaths(columns: readonly MirrorColumn[]): Promise<readonly string[]> {
    const proofs = this.absenceProofs(columns, syncReads);
    const paths: string[] = [];
    for (const { if: proof } of this.account.manifest.errors.rules)
      if (proof && !(await proofs.proves(proof))) paths.push(proof.path);
    return [...new Set(paths)];
  }

  private compare(columns: readonly MirrorColumn[], records: readonly UpstreamRecord[]) {
    const { elements } = this;
    const at = { ...this.manifest.record, ...definedIn(this.manifest.read.list.record) };
    const values = (column: MirrorColumn) => {
      const nth = this.manifest.key.indexOf(column.name);
      const pointer = nth === -1 ? column.from : at.key[nth];
      return elements.map((element) => lookUp(element, pointer ?? `${at.fields}${pointerTo(column.upstream)}`));
    };
    const misfits = columns.flatMap((column) => {
      const wrong = values(column).filter((value) => !this.fits(column, value));
      const { name, type } = column;
      return wrong.length > 0 ? [{ column: name, type, found: kindOf(wrong[0]), records: wrong.length }] : [];
    });
    return {
      records: elements.length,
      repeated: elements.length - records.length,
      missing: columns
        .filter((column) => elements.length > 0 && values(column).every((value) => value === undefined))
        .map(({ name }) => name),
      partial: columns.flatMap((column) => {
        const having = values(column).filter((value) => value !== undefined).length;
        const isPartial = column.absent === undefined && having > 0 && having < elements.length;
        return isPartial ? [{ column: column.name, records: having }] : [];
      }),
      undecoded: misfits,
      unmirrored: unmirroredFields(elements, columns, at),
    };
  }

  private fits(column: MirrorColumn, value: unknown): boolean {
    const loss = new Loss();
    if (value !== undefined) decode(column, value, this.rules, loss);
    return !loss.isFound;
  }

  /** Returns the names of the fields that the answer has, for the message that something is missing. */
  private shape(): string {
    const [element] = this.elements;
    if (isRecord(element)) return `; such a record has: ${nameList(Object.keys(element))}`;
    return isRecord(this.body) ? `; the answer has: ${nameList(Object.keys(this.body))}` : "";
  }
}

function sinceYesterday(form: "iso" | "unix" | "unix_ms") {
  const at = new Date(Date.now() - 86_400_000);
  return { since: { iso: at.toISOString(), unix: Math.floor(at.getTime() / 1000), unix_ms: at.getTime() }[form] };
}

interface RecordAt {
  readonly key: readonly string[];
  readonly fields: string;
}

function definedIn(at: Call["record"]): Partial<RecordAt> {
  return { ...(at?.key ? { key: at.key } : {}), ...(at?.fields === undefined ? {} : { fields: at.fields }) };
}

function unmirroredFields(elements: readonly unknown[], columns: readonly MirrorColumn[], at: RecordAt): string[] {
  const pointers = [...at.key, ...columns.map(({ from, upstream }) => from ?? `${at.fields}${pointerTo(upstream)}`)];
  const strange = (within: string, columnPointers: readonly string[]) =>
    namesOf(elements.map((element) => lookUp(element, within))).filter((name) => {
      const here = `${within}${pointerTo(name)}`;
      return name !== ".." && !columnPointers.some((pointer) => pointer === here || pointer.startsWith(`${here}/`));
    });
  const outside = at.fields === "" ? [] : strange("", [...pointers, at.fields]).map(pointerTo);
  return [...strange(at.fields, pointers), ...outside].map(upstreamName);
}

function namesOf(records: readonly unknown[]): string[] {
  return [...new Set(records.flatMap((record) => (isRecord(record) ? Object.keys(record) : [])))];
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  return numberText(value) === undefined ? typeof value : "number";
}
