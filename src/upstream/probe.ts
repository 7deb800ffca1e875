// How well a manifest fits its API: one page of a table, read as the sync reads it, and what that leaves out or can't hold.
// No value of a record leaves this file.

import { isRecord } from "../config/json.js";
import type { Call } from "../manifest/call-schema.js";
import { elementType } from "../manifest/column-types.js";
import { numberText } from "../manifest/lossless-json.js";
import { lookUp, pointerTo } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { MirrorColumn } from "../mirror/column.js";
import { decode } from "./codec.js";
import type { ExchangeRequest, ExchangeResult } from "./exchange.js";
import { ReadableTable } from "./reading.js";
import type { UpstreamRecord } from "./record.js";

interface Undecoded {
  readonly column: string;
  /** What the manifest says it is. */
  readonly type: string;
  /** What one of the values is, as JSON has kinds. */
  readonly found: string;
  readonly records: number;
}

export interface ProbeResult {
  readonly table: string;
  readonly records: number;
  /** How many of them have a key that another one has. */
  readonly repeated: number;
  /** Columns that no record has. */
  readonly missing: readonly string[];
  readonly undecoded: readonly Undecoded[];
  /** Fields that no column mirrors: by name, or by pointer when they stand outside the record's fields. */
  readonly unmirrored: readonly string[];
  /** What the manifest's other lists gave, and why one gave nothing. */
  readonly lists: readonly { readonly name: string; readonly records: number; readonly failed: string | null }[];
  /** Whether its key leads to the first record again; null when there is none. */
  readonly foundAgain: boolean | null;
  /** Why reading stopped. */
  readonly failed: string | null;
}

export class ProbedTable extends ReadableTable {
  private elements: unknown[] = [];
  private body: unknown;

  async probe(): Promise<ProbeResult> {
    const nothing = {
      table: this.resource,
      records: 0,
      repeated: 0,
      missing: [],
      undecoded: [],
      unmirrored: [],
      lists: [],
    };
    try {
      const columns = await this.columns();
      const { records } = await this.list(columns, null);
      const listed = { ...nothing, ...this.compare(columns, records) };
      const again = await this.readAgain(columns, listed, records[0]?.key);
      return { ...again, lists: await this.otherLists(columns) };
    } catch (cause) {
      if (!(cause instanceof ReadFailed)) throw cause;
      return { ...nothing, foundAgain: null, failed: `${cause.message}${this.shape()}` };
    }
  }

  protected override async exchange(
    wanted: Omit<ExchangeRequest, "columnOf">,
    columns: readonly MirrorColumn[],
  ): Promise<ExchangeResult> {
    const ended = await super.exchange(wanted, columns);
    this.body = ended.kind === "answered" ? ended.body : undefined;
    this.elements = [];
    return ended;
  }

  protected override record(
    element: unknown,
    columns: readonly MirrorColumn[],
    call: Call,
  ): UpstreamRecord | undefined {
    this.elements.push(element);
    return super.record(element, columns, call);
  }

  private async readAgain(
    columns: readonly MirrorColumn[],
    listed: Omit<ProbeResult, "foundAgain" | "failed">,
    key: string | undefined,
  ): Promise<ProbeResult> {
    if (key === undefined) return { ...listed, foundAgain: null, failed: null };
    try {
      const found = await this.get(columns, [key]);
      return { ...listed, foundAgain: found.some((record) => record.key === key), failed: null };
    } catch (cause) {
      if (!(cause instanceof ReadFailed)) throw cause;
      return { ...listed, foundAgain: null, failed: `${cause.message}${this.shape()}` };
    }
  }

  /** A page of what has changed within a day, and of what was deleted, where the manifest says how to ask. */
  private async otherLists(columns: readonly MirrorColumn[]): Promise<ProbeResult["lists"]> {
    const { changes, deleted } = this.manifest.read;
    const calls = [
      // Of events, the records that they are about are no part.
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

  private compare(columns: readonly MirrorColumn[], records: readonly UpstreamRecord[]) {
    const { elements } = this;
    const at = { ...this.manifest.record, ...definedIn(this.manifest.read.list.record) };
    const values = (column: MirrorColumn) => {
      const nth = this.manifest.key.indexOf(column.name);
      const pointer = nth === -1 ? column.from : at.key[nth];
      return elements.map((element) => lookUp(element, pointer ?? `${at.fields}${pointerTo(column.upstream)}`));
    };
    const undecoded = columns.flatMap((column) => {
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
      undecoded,
      unmirrored: unmirrored(elements, columns, at),
    };
  }

  /** A value that is there does not become NULL, nor does an element of a list. */
  private fits(column: MirrorColumn, value: unknown): boolean {
    if (value === undefined || value === null || value === "") return true;
    const element = column.codec === "plain" ? elementType(column.type) : undefined;
    if (element === undefined) return decode(column, value, this.rules) !== null;
    const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
    return elements.every((one) => this.fits({ ...column, type: element }, one));
  }

  /** What the answer has, when what was looked for is not there. */
  private shape(): string {
    const [element] = this.elements;
    if (isRecord(element)) return `; such a record has: ${Object.keys(element).join(", ")}`;
    return isRecord(this.body) ? `; the answer has: ${Object.keys(this.body).join(", ")}` : "";
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

function unmirrored(elements: readonly unknown[], columns: readonly MirrorColumn[], at: RecordAt): string[] {
  const pointers = [...at.key, ...columns.map(({ from, upstream }) => from ?? `${at.fields}${pointerTo(upstream)}`)];
  const strange = (within: string, known: readonly string[]) =>
    namesOf(elements.map((element) => lookUp(element, within))).filter((name) => {
      const here = `${within}${pointerTo(name)}`;
      return name !== ".." && !known.some((pointer) => pointer === here || pointer.startsWith(`${here}/`));
    });
  const outside = at.fields === "" ? [] : strange("", [...pointers, at.fields]).map(pointerTo);
  return [...strange(at.fields, pointers), ...outside];
}

function namesOf(records: readonly unknown[]): string[] {
  return [...new Set(records.flatMap((record) => (isRecord(record) ? Object.keys(record) : [])))];
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  return numberText(value) === undefined ? typeof value : "number";
}
