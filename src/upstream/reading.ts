// The reading of one resource of an API: its columns and its pages.

import type { TableConfig } from "../config/api.js";
import { assertNever } from "../config/assert-never.js";
import { memberOf } from "../config/member.js";
import { inSlices, type Slices } from "../config/slices.js";
import { suggestion } from "../config/suggest.js";
import type { Lane } from "../http/budget.js";
import type { Call } from "../manifest/call-schema.js";
import { anyTable } from "../manifest/column-schema.js";
import { countAt, lookUp, pointerTo, recordsAt, textAt } from "../manifest/pointer.js";
import { type FailedAnswer, ReadFailed } from "../manifest/read-failed.js";
import type { TableManifest } from "../manifest/table-schema.js";
import type { Scope } from "../manifest/template.js";
import type { MirrorColumn } from "../mirror/column.js";
import type { Account } from "./account.js";
import { isTooLong } from "./address-bound.js";
import { chosenColumns } from "./chosen-columns.js";
import { totalOf } from "./counted-pages.js";
import { unstorable } from "./decode.js";
import { columnNamed, discoverColumns, findTable } from "./discover.js";
import { isBody } from "./errors.js";
import { type Answer, type ExchangeRequest, type ExchangeResult, exchange } from "./exchange.js";
import { restOfLists } from "./nested-lists.js";
import { nextPage, pageCall } from "./pages.js";
import { readingRecord, type UpstreamRecord } from "./record.js";
import type { ValueRules } from "./value-rules.js";
import { wholeSentence } from "./write-outcome.js";

export interface Page {
  readonly records: readonly UpstreamRecord[];
  /** The cursor of the next page; null after the last page. */
  readonly next: string | null;
  /** How many records the list has, by the API's own word; null when it says nothing. */
  readonly total: number | null;
}

/** An answer for which the manifest says that no record comes any more. */
const noMoreRecords: Page = { records: [], next: null, total: null };

/** A read for a statement, or for the sync, which has time to wait for the rate limit. */
export interface Reading {
  readonly lane: Lane;
  readonly waitMs: number;
  /** Aborted: the request is not sent any more, or its answer is not waited for. */
  readonly signal?: AbortSignal | undefined;
}

export const syncReads: Reading = { lane: "read", waitMs: 60_000 };

/** A place in a list is kept with the mirror and sent in an address: it has at most so many characters. */
const longestCursor = 65_536;

/** How many requests of one read are under way at the same time; the rate budget bounds them besides. */
export const requestsAtATime = 8;

/** The SQLSTATE of a read whose answer says nothing. */
const unreadable = "HV000";
/** Some APIs answer with this status when a list has no records. */
const noContent = 204;

type ReadRequest = Pick<ExchangeRequest, "call" | "scope" | "rows" | "address">;

export class ReadableTable {
  protected readonly rules: ValueRules;
  /** Upstream's id of a discovered table. */
  private discoveredId: string | undefined;

  constructor(
    readonly account: Account,
    readonly config: Pick<TableConfig, "resource" | "columns" | "rename" | "write">,
    protected readonly manifest: TableManifest,
  ) {
    const { values, clear = null, create_clears: createClears } = account.manifest;
    const emptyIsNull = clear === "" || manifest.record.empty === "null";
    this.rules = { asStrings: values === "string", clear, emptyIsNull, createClears };
  }

  get resource(): string {
    return this.config.resource;
  }

  get keyColumns(): readonly string[] {
    return this.manifest.key;
  }

  /** True when the API describes the table's columns. */
  get discovers(): boolean {
    return this.manifest.discover !== undefined;
  }

  /** Returns the columns to mirror, as the manifest and the API describe them now. Throws ReadFailed, and ConfigError for unknown names. */
  async columns(): Promise<readonly MirrorColumn[]> {
    return chosenColumns(await this.describedColumns(), this.manifest.key, this.config, this.account.api);
  }

  private async describedColumns(): Promise<readonly MirrorColumn[]> {
    const { discover } = this.manifest;
    if (!discover) return discoverColumns(this.account.manifest, this.manifest, []);
    const scope = discover.table ? {} : await this.tableScope();
    const answer = this.answerOf("its columns", await this.ask({ call: discover, scope }, syncReads));
    const descriptions = asList(lookUp(answer.body, discover.rows));
    if (!discover.table) return discoverColumns(this.account.manifest, this.manifest, descriptions);
    const description = findTable(discover.table, descriptions, this.resource);
    if (!description) throw new ReadFailed(this.noSuchTable(discover.table.name, descriptions));
    this.discoveredId = description.id;
    const { columns, requiredNames } = description;
    return discoverColumns(this.account.manifest, this.manifest, columns).map((column) =>
      requiredNames.includes(column.upstream) ? { ...column, required: true } : column,
    );
  }

  /** The largest number of pages that a list can have. */
  get mostPages(): number {
    return this.manifest.read.list.pages?.cap ?? 1;
  }

  /** Returns one page of all records, in a stable order; a null cursor asks for the first. Throws ReadFailed, also when `signal` is aborted. */
  async list(columns: readonly MirrorColumn[], cursor: string | null, signal?: AbortSignal): Promise<Page> {
    return this.page(this.manifest.read.list, columns, cursor, {}, signal);
  }

  /** Returns one page of a list. `more` holds further values for the call's templates. Throws ReadFailed. */
  protected async page(
    list: Call,
    columns: readonly MirrorColumn[],
    cursor: string | null,
    more: Scope = {},
    signal?: AbortSignal,
  ): Promise<Page> {
    const { call, address, scope: ofPage } = pageCall(list, cursor);
    const scope = { columns: upstreamNames(columns), ...(await this.tableScope()), ...more, ...ofPage };
    const reading = { ...syncReads, signal };
    const result = await this.ask({ call, address, scope }, reading);
    if (result.kind === "refused" && (result.error.meaning === "empty" || result.error.meaning === "end"))
      return noMoreRecords;
    const answer = this.answerOf("a page", result);
    const elements = await inSlices(recordsAt(answer.body, call.rows ?? ""));
    const all = await this.withRest(call, answer, elements, columns, reading);
    const records = await inSlices(this.records(call, answer, all, columns));
    const page = {
      answer,
      count: countAt(answer.body, call.rows ?? ""),
      valueOf: (place: "first" | "last", name: string) => {
        const element = asList(elements).at(place === "first" ? 0 : -1);
        return textAt(element, this.pointerOf(name, columns, call));
      },
    };
    const own = this.account.hooks?.nextPage?.(answer.body, { table: this.resource, cursor });
    const next = own === undefined ? nextPage(call.pages, cursor, page) : own;
    if (next !== null && next === cursor && page.count === 0) return { records, next: null, total: null };
    if (next !== null && next === cursor)
      throw new ReadFailed(`${this.account.api}: a page of ${this.resource} leads to itself`);
    if (next !== null && (next.length > longestCursor || unstorable.test(next)))
      throw new ReadFailed(`${this.account.api}: a page of ${this.resource} names no place that can be kept`);
    return { records, next, total: totalOf(call, answer) };
  }

  /** Returns the elements of an answer together with those that stand on further pages of the lists that they are in. Throws ReadFailed. */
  protected async withRest(
    { nested, ...call }: Call,
    answer: Answer,
    elements: unknown,
    columns: readonly MirrorColumn[],
    reading: Reading,
  ): Promise<unknown> {
    if (!nested || !Array.isArray(elements)) return elements;
    const shared = { columns: upstreamNames(columns), ...(await this.tableScope()) };
    const rest = await restOfLists(nested, answer, {
      send: async ({ scope, ...request }) =>
        this.answerOf("a list", await this.ask({ ...request, scope: { ...shared, ...scope } }, reading)),
      pointerOf: (name) => this.pointerOf(name, columns, call),
      failure: (why) => this.readFailure("a page", `: ${why}`),
      concurrency: requestsAtATime,
    });
    return [...elements, ...rest];
  }

  /** Returns the pointer to a column of the manifest within a record, whether the column is mirrored or not. */
  private pointerOf(name: string, columns: readonly MirrorColumn[], call: Pick<Call, "record">): string {
    const { key, record, columns: declarations } = this.manifest;
    const partOfKey = (call.record?.key ?? record.key)[key.indexOf(name)];
    const { from, to } = memberOf(declarations, name) ?? {};
    const mirrorColumn = columns.find((column) => column.name === (memberOf(this.config.rename, name) ?? name));
    const fields = call.record?.fields ?? record.fields;
    return partOfKey ?? from ?? `${fields}${pointerTo(to ?? mirrorColumn?.upstream ?? name)}`;
  }

  private noSuchTable(name: string, descriptions: readonly unknown[]): string {
    const manifestNames = Object.keys(this.account.manifest.tables).filter(
      (one) => one !== anyTable && one !== this.resource,
    );
    const names = [...manifestNames, ...descriptions.flatMap((one) => textAt(one, name) ?? [])];
    return `${this.account.api}: there is no table "${this.resource}"; ${suggestion(this.resource, names)}`;
  }

  /** Returns the value of the placeholder `{table}`. */
  protected async tableScope(): Promise<Scope> {
    if (!this.manifest.discover?.table) return { table: this.manifest.id ?? this.resource };
    if (this.discoveredId === undefined) await this.columns();
    return { table: this.discoveredId };
  }

  /** Reads the records of an answer; `part` stands where they are. */
  protected *records(
    call: Call,
    answer: Answer,
    part: unknown,
    columns: readonly MirrorColumn[],
  ): Slices<UpstreamRecord[]> {
    if (answer.status === noContent) return [];
    const isOne = call.max === undefined && call.pages === undefined && part !== null && typeof part === "object";
    if (!Array.isArray(part) && !isOne)
      throw new ReadFailed(`${this.account.api}: no list of ${this.resource} at ${call.rows}`, undefined, {
        status: answer.status,
        meaning: null,
      });
    const elements: readonly unknown[] = Array.isArray(part) ? part : [part];
    // A page may list one record twice.
    const records = new Map<string, UpstreamRecord>();
    for (const element of elements) {
      yield;
      if (call.gone !== undefined && lookUp(element, call.gone) === true) continue;
      const record = yield* this.record(element, columns, call);
      if (!record) throw new ReadFailed(`${this.account.api}: a record of ${this.resource} has no key`);
      records.set(record.key, record);
    }
    return [...records.values()];
  }

  protected record(element: unknown, columns: readonly MirrorColumn[], call: Call): Slices<UpstreamRecord | undefined> {
    const { key, record } = this.manifest;
    const at = { ...record, key: call.record?.key ?? record.key, fields: call.record?.fields ?? record.fields };
    return readingRecord({ key, record: at }, columns, this.rules, this.contentOf(element));
  }

  /** Returns what of an element of an answer is the record. Throws ReadFailed when a hook does. */
  protected contentOf(element: unknown): unknown {
    const { decodeRecord } = this.account.hooks ?? {};
    return decodeRecord ? decodeRecord(element, { table: this.resource }) : element;
  }

  protected exchange(request: Omit<ExchangeRequest, "columnOf">, columns: readonly MirrorColumn[]) {
    return exchange(this.account, { ...request, columnOf: columnNamed(columns) });
  }

  /** Sends a call that changes nothing. */
  protected ask(request: ReadRequest, reading: Reading): Promise<ExchangeResult> {
    return this.exchange({ ...request, ...reading, isRead: true }, []);
  }

  /** Returns the answer to a read, which has no content only where there may be no record: not when it was asked for one. Throws ReadFailed. */
  protected answerOf(what: string, result: ExchangeResult, isOne = false): Answer {
    switch (result.kind) {
      case "answered":
        if (isBody(result.body) || (result.status === noContent && !isOne)) return result;
        if (result.tooLarge !== undefined)
          throw this.readFailure(what, ` can't be read: the body ${result.tooLarge}`, unreadable);
        throw this.readFailure(what, ` came without JSON, status ${result.status}${saying(result)}`, unreadable);
      case "unknown":
        throw this.readFailure(what, `: ${result.reason}`, result.status === null ? undefined : unreadable, {
          status: result.status,
          meaning: null,
        });
      case "refused":
      case "unsent":
        throw this.readFailure(
          what,
          `: ${wholeSentence(result.error)}${isTooLong(result.error.status) ? this.fewerColumns() : ""}`,
          result.error.sqlstate,
          result.error,
        );
      default:
        return assertNever(result);
    }
  }

  private fewerColumns(): string {
    const key = `apis.${this.account.api}.tables.${this.resource}.columns`;
    return `. The address is longer than the API takes: name the columns that you need in ${key} of the config`;
  }

  protected readFailure(what: string, why: string, sqlstate?: string, answer?: FailedAnswer): ReadFailed {
    return new ReadFailed(`${this.account.api}: ${what} of ${this.resource}${why}`, sqlstate, answer);
  }
}

/** Returns what a body says that is not JSON, to go on from "status 200". */
export function saying({ words }: Answer): string {
  return words === null ? "" : `: ${words}`;
}

/** Returns the names of those columns that upstream keeps among a record's fields. */
export function upstreamNames(columns: readonly MirrorColumn[]): string[] {
  return columns.filter((column) => column.from === null).map((column) => column.upstream);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
