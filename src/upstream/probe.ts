// Probes how well a manifest fits its API: does with one table what the run will do, and changes nothing. It reads as the sync does, and
// composes the writes of a record that it has read. No value of a record leaves this file.

import { isRecord } from "../config/json.js";
import { memberOf } from "../config/member.js";
import { lookUp } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { MirrorColumn } from "../mirror/column.js";
import { unknownTypeWords } from "./discover.js";
import type { Answer, ExchangeRequest, ExchangeResult } from "./exchange.js";
import { compareRecords, kindOf } from "./probe-comparison.js";
import { descriptionsIn, discoveryMistakes } from "./probe-discovery.js";
import { probePages, type ReadPage } from "./probe-pages.js";
import { nothingRead, type ProbeResult } from "./probe-result.js";
import { syncReads } from "./reading.js";
import type { UpstreamRecord } from "./record.js";
import { showRequest } from "./request.js";
import { ConnectorTable, type Verb, verbs } from "./table.js";
import { nameList } from "./words.js";

type Tried = Pick<ProbeResult, "mistakes" | "untried">;
const nothingTried: Tried = { mistakes: [], untried: [] };

export class ProbedTable extends ConnectorTable {
  private elements: unknown[] = [];
  private answer: Answer | undefined;

  /** Returns how the table fits the manifest. A failure of the API is part of the result. */
  async probe(): Promise<ProbeResult> {
    const nothing = { ...nothingRead, table: this.resource };
    let ofColumns = nothingTried;
    try {
      const columns = await this.columns();
      ofColumns = { ...nothingTried, mistakes: this.discoveryMistakes() };
      const first = await this.readPage(this.manifest.read.list, columns, null);
      const { elements } = this;
      const { missing, ...comparison } = compareRecords(this.manifest, this.rules, columns, elements);
      const required = columns.filter(({ name, required: isRequired }) => isRequired && missing.includes(name));
      const ofRecords = {
        mistakes: [
          ...required.map(({ name }) => `column "${name}" is required, and no record has it: mend its name, or "from"`),
          ...this.okMistakes(elements),
        ],
        untried: [],
      };
      const foundAgain = await this.isFoundAgain(columns, first.records);
      const tried = [
        ofColumns,
        ofRecords,
        await this.tryPages(columns, first),
        await this.tryFind(columns, first.records),
        await this.tryWrites(columns, first.records),
      ];
      return {
        ...nothing,
        ...comparison,
        unknownTypes: unknownTypeWords(columns),
        records: elements.length,
        repeated: elements.length - first.records.length,
        missing: missing.filter((name) => required.every((column) => column.name !== name)),
        lists: await this.otherLists(columns),
        proofless: await this.prooflessPaths(columns),
        ...foundAgain,
        mistakes: tried.flatMap(({ mistakes }) => mistakes),
        untried: tried.flatMap(({ untried }) => untried),
      };
    } catch (cause) {
      if (!(cause instanceof ReadFailed)) throw cause;
      return { ...nothing, ...ofColumns, failed: `${cause.message}${this.shape()}` };
    }
  }

  protected override async exchange(
    request: Omit<ExchangeRequest, "columnOf">,
    columns: readonly MirrorColumn[],
  ): Promise<ExchangeResult> {
    const result = await super.exchange(request, columns);
    this.answer = result.kind === "answered" ? result : undefined;
    this.elements = [];
    return result;
  }

  protected override contentOf(element: unknown): unknown {
    const content = super.contentOf(element);
    this.elements.push(content);
    return content;
  }

  private discoveryMistakes(): readonly string[] {
    const { discover } = this.manifest;
    if (!discover) return [];
    const descriptions = descriptionsIn(discover, this.answer?.body, this.resource);
    return discoveryMistakes(this.account.manifest, this.manifest, discover, descriptions);
  }

  private async readPage(...[list, columns, cursor]: Parameters<typeof this.page>): Promise<ReadPage> {
    const page = await this.page(list, columns, cursor);
    return { ...page, answer: this.answer };
  }

  /** A failure to read it by its key is the table's. */
  private async isFoundAgain(
    columns: readonly MirrorColumn[],
    [first]: readonly UpstreamRecord[],
  ): Promise<Pick<ProbeResult, "foundAgain" | "failed">> {
    if (!first) return { foundAgain: null, failed: null };
    try {
      const records = await this.get(columns, [first.key]);
      return { foundAgain: records.some(({ key }) => key === first.key), failed: null };
    } catch (cause) {
      if (!(cause instanceof ReadFailed)) throw cause;
      return { foundAgain: null, failed: `${cause.message}${this.shape()}` };
    }
  }

  private async tryPages(columns: readonly MirrorColumn[], first: ReadPage): Promise<Tried> {
    const { list } = this.manifest.read;
    const { wrong, untried } = await probePages(
      list,
      first,
      (call, cursor) => this.readPage(call, columns, cursor),
      this.account.hooks?.nextPage !== undefined,
    );
    return {
      mistakes: wrong === undefined ? [] : [`"read.list" ${wrong}`],
      untried: untried === undefined ? [] : [`a second page of "read.list": ${untried}`],
    };
  }

  /** Looks for the first record that has a value in each unique column, by that value. */
  private async tryFind(columns: readonly MirrorColumn[], records: readonly UpstreamRecord[]): Promise<Tried> {
    if (!this.finds) return nothingTried;
    const unique = columns.filter((column) => column.unique);
    if (unique.length === 0) return { ...nothingTried, untried: ['"read.find": no column is unique'] };
    const mistakes: string[] = [];
    const untried: string[] = [];
    for (const column of unique) {
      const record = records.find(({ row }) => memberOf(row, column.name) != null);
      const value = memberOf(record?.row, column.name);
      if (!record || value == null) untried.push(`"read.find" by "${column.name}": no record has a value there`);
      else {
        const why = await this.whyNotFound(columns, column, value, record.key);
        if (why !== undefined) mistakes.push(`"read.find" by "${column.name}" ${why}`);
      }
    }
    return { mistakes, untried };
  }

  private async whyNotFound(
    columns: readonly MirrorColumn[],
    column: MirrorColumn,
    value: string,
    key: string,
  ): Promise<string | undefined> {
    try {
      const found = (await this.find(columns, column, [value])) ?? [];
      return found.some((record) => record.key === key) ? undefined : "does not find a record that has that value";
    } catch (cause) {
      if (!(cause instanceof ReadFailed)) throw cause;
      return `failed: ${cause.message}${this.shape()}`;
    }
  }

  /** Composes the request of each write, with the hooks and for the first two records, and sends none. */
  private async tryWrites(columns: readonly MirrorColumn[], records: readonly UpstreamRecord[]): Promise<Tried> {
    const mistakes: string[] = [];
    for (const verb of verbs) {
      const limit = this.limit(verb);
      if (limit === undefined || records.length === 0) continue;
      for (const some of [records.slice(0, 1), ...(limit > 1 && records.length > 1 ? [records.slice(0, 2)] : [])]) {
        const why = await this.whyUnsendable(verb, columns, some);
        if (why !== undefined && !mistakes.includes(why)) mistakes.push(why);
      }
    }
    return { ...nothingTried, mistakes };
  }

  private async whyUnsendable(
    verb: Verb,
    columns: readonly MirrorColumn[],
    records: readonly UpstreamRecord[],
  ): Promise<string | undefined> {
    const by = verb === "upsert" ? columns.find((column) => this.upsertsBy(column)) : undefined;
    if (verb === "upsert" && !by) return undefined;
    const rows = records.map(({ key, row }) => ({
      key: verb === "insert" && this.assignsKey(columns) ? null : key,
      sent: Object.fromEntries(
        columns.filter(({ write }) => write !== "never").map(({ name }) => [name, memberOf(row, name) ?? null]),
      ),
    }));
    try {
      const request = showRequest(this.account, await this.request(verb, columns, rows, by));
      return request.kind === "unfit" ? `the request of an ${verb.toUpperCase()}: ${request.error.message}` : undefined;
    } catch (cause) {
      if (!(cause instanceof ReadFailed)) throw cause;
      return cause.message;
    }
  }

  private assignsKey(columns: readonly MirrorColumn[]): boolean {
    return columns.some(({ name, write }) => this.manifest.key.includes(name) && write === "never");
  }

  /** What a read answers at the place of `ok` tells of what a write answers there. */
  private okMistakes(elements: readonly unknown[]): readonly string[] {
    return verbs.flatMap((verb) => {
      const { one, many } = this.calls(verb) ?? {};
      const pointers = [...new Set([one?.ok, many?.ok].filter((pointer) => pointer !== undefined))];
      return pointers.flatMap((pointer) => {
        const found = elements.map((element) => lookUp(element, pointer)).find((value) => value != null);
        if (found === undefined || typeof found === "boolean") return [];
        return [
          `"ok" of an ${verb.toUpperCase()} is ${pointer}, where the records have a ${kindOf(found)}, not true or false`,
        ];
      });
    });
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

  /** Returns the names of the fields that the answer has, for the message that something is missing. */
  private shape(): string {
    const [element] = this.elements;
    const body = this.answer?.body;
    if (isRecord(element)) return `; such a record has: ${nameList(Object.keys(element))}`;
    return isRecord(body) ? `; the answer has: ${nameList(Object.keys(body))}` : "";
  }
}

function sinceYesterday(form: "iso" | "unix" | "unix_ms") {
  const at = new Date(Date.now() - 86_400_000);
  return { since: { iso: at.toISOString(), unix: Math.floor(at.getTime() / 1000), unix_ms: at.getTime() }[form] };
}
