// One parser thread and the texts that wait for it. The thread is started when it is first wanted, and again after it was lost.

import { Worker } from "node:worker_threads";
import type { Classification } from "./classification.js";
import type { ThreadAnswer, ThreadRequest } from "./parser-thread.js";

/** A text that takes longer is left to Postgres: the others wait behind it. */
const longestParseMs = 10_000;

/** What is said of a text that could not be classified. */
const unread: Classification = { kind: "other", defines: [] };

/** The tests run the sources, and a thread runs what was built of them. */
const source = new URL(
  import.meta.url.endsWith(".ts") ? "../../dist/src/sql/parser-thread.js" : "./parser-thread.js",
  import.meta.url,
);

type Work = Extract<ThreadRequest, { kind: "classify" }>;

interface Waiting {
  readonly work: Work;
  readonly resolve: (classification: Classification) => void;
  /** Brings the thread up to date before it gets the text. */
  readonly prepare: (send: (request: ThreadRequest) => void, thread: object) => void;
}

export class ParserLane {
  private readonly queue: Waiting[] = [];
  private current: Waiting | undefined;
  private thread: Worker | undefined;
  private deadline: NodeJS.Timeout | undefined;

  /** `idleMs`: the thread ends, and its memory is given back, when it has had nothing to do for so long; undefined: it stays. */
  constructor(private readonly idleMs: number | undefined) {}

  /** Returns what a text means. One that can't be read, or takes too long, is `other`. */
  classify(work: Work, prepare: Waiting["prepare"]): Promise<Classification> {
    return new Promise((resolve) => {
      this.queue.push({ work, resolve, prepare });
      this.next();
    });
  }

  /** Tells the thread something, if there is one. */
  tell(request: ThreadRequest): void {
    this.thread?.postMessage(request);
  }

  /** Starts the thread before it is wanted, so that no text waits for that. */
  warm(): void {
    this.thread ??= this.start();
  }

  private next(): void {
    if (this.current) return;
    this.current = this.queue.shift();
    clearTimeout(this.deadline);
    const { current } = this;
    if (!current) {
      if (this.idleMs !== undefined) this.deadline = setTimeout(() => this.end(), this.idleMs).unref();
      return;
    }
    this.thread ??= this.start();
    const { thread } = this;
    this.deadline = setTimeout(() => this.end(), longestParseMs).unref();
    current.prepare((request) => thread.postMessage(request), thread);
    thread.postMessage(current.work);
  }

  private start(): Worker {
    const thread = new Worker(source);
    thread.on("message", ({ id, classification }: ThreadAnswer) => {
      if (this.current?.work.id === id) this.settle(classification);
    });
    // An error is followed by its exit.
    thread.on("error", () => undefined);
    thread.once("exit", () => {
      if (this.thread !== thread) return;
      this.thread = undefined;
      if (this.current) this.settle(unread);
    });
    // A listener would hold the process: a thread is no reason to live.
    thread.unref();
    return thread;
  }

  private settle(classification: Classification): void {
    this.current?.resolve(classification);
    this.current = undefined;
    this.next();
  }

  private end(): void {
    const { thread } = this;
    this.thread = undefined;
    void thread?.terminate();
    if (this.current) this.settle(unread);
  }
}
