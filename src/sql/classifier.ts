// What the texts of one proxy's clients mean: remembered where it was found out before, and otherwise asked of a parser thread.
// Long texts have a thread of their own, so that short ones never wait for them.

import type { Classification, Definition } from "./classification.js";
import { ParserLane } from "./parser-lane.js";
import type { ThreadRequest } from "./parser-thread.js";
import { SharedDefinitions } from "./shared-definitions.js";
import { parsable, type SqlText } from "./sql-text.js";
import type { WatchList } from "./watch-list.js";

/** A longer text goes to the other thread. */
const shortBytes = 16 * 1024;
/** After a long text, its thread holds some hundred megabytes. */
const idleMs = 10_000;
const lanes = { short: new ParserLane(undefined), long: new ParserLane(idleMs) };

/** As many texts are remembered, none of them longer than so many bytes. */
const mostRemembered = 1_000;
const longestRemembered = 4 * 1024;

let proxies = 0;
let requests = 0;

export class Classifier {
  private readonly remembered = new Map<string, Classification>();
  private readonly proxy = ++proxies;
  /** Of which version of the names what is remembered is. */
  private version = 0;
  /** The version of the names that each thread has. */
  private sent = new WeakMap<object, number>();

  /** What the sessions have defined that the names do not have yet. */
  readonly shared: SharedDefinitions;

  constructor(readonly watchList: WatchList) {
    this.shared = new SharedDefinitions(watchList);
  }

  /** Starts what the first text would wait for. */
  warm(): void {
    lanes.short.warm();
  }

  /** No text is classified any more: the threads forget the names. */
  close(): void {
    for (const lane of Object.values(lanes)) lane.tell({ kind: "names", proxy: this.proxy, names: null });
  }

  /** Returns what was found out before of the same bytes; undefined: it has to be asked. */
  known(text: SqlText): Classification | undefined {
    if (this.version !== this.watchList.version) this.forget();
    return text.bytes.length > longestRemembered ? undefined : this.remembered.get(keyOf(text));
  }

  /** Returns what a text means, to a session that has defined more than the catalogue had when it was last looked at. */
  async classify(text: SqlText, definitions: readonly Definition[]): Promise<Classification> {
    const { watchList, proxy, version } = this;
    const lane = text.bytes.length <= shortBytes ? lanes.short : lanes.long;
    const work = { kind: "classify", id: ++requests, proxy, text: parsable(text), definitions } as const;
    const classification = await lane.classify(work, (send, thread) => this.update(send, thread));
    const isGeneral = definitions.length === 0 && !("defines" in classification && classification.defines.length > 0);
    if (isGeneral && text.bytes.length <= longestRemembered && version === watchList.version)
      this.remember(keyOf(text), classification);
    return classification;
  }

  private update(send: (request: ThreadRequest) => void, thread: object): void {
    const { watchList, proxy } = this;
    if (this.sent.get(thread) === watchList.version) return;
    this.sent.set(thread, watchList.version);
    send({ kind: "names", proxy, names: watchList.snapshot });
  }

  /** The oldest gives way. */
  private remember(key: string, classification: Classification): void {
    if (this.remembered.size >= mostRemembered) {
      const [oldest] = this.remembered.keys();
      if (oldest !== undefined) this.remembered.delete(oldest);
    }
    this.remembered.set(key, classification);
  }

  private forget(): void {
    this.remembered.clear();
    this.version = this.watchList.version;
  }
}

function keyOf({ bytes, encoding }: SqlText): string {
  return `${encoding === "utf8" ? "u" : "b"}${bytes.toString("latin1")}`;
}
