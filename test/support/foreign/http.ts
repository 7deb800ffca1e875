// What the foreign APIs share: one collection as JSON over real HTTP, a limit of calls, faults on purpose, and a log.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { type Fault, FaultQueue } from "./fault.js";
import { parseJson, plain } from "./json.js";

export interface Asked {
  /** Method and path, with `{id}` in the place of an id. */
  readonly route: string;
  readonly id: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly bodyText: string;
}

export interface Answer {
  readonly status: number;
  readonly bodyText?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What one API decides by itself. */
export interface ForeignApi {
  /** The path of its records. */
  readonly collection: string;
  /** Who may not call at all. */
  refuse(asked: Asked): Answer | undefined;
  serve(asked: Asked): Answer;
  tooMany(waitMs: number): Answer;
  broken(): Answer;
  /** On every answer; `call` counts from 1. */
  headers(call: number, left: number): Readonly<Record<string, string>>;
}

export interface Rate {
  readonly calls: number;
  readonly perMs: number;
}

interface LogEntry {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  readonly route: string;
  /** Null: there was no answer. */
  readonly status: number | null;
  /** The bodies, where a number that JavaScript would write otherwise is its text; undefined when there is none. */
  readonly sent: unknown;
  readonly answered: unknown;
}

export interface ForeignServer {
  readonly url: string;
  /** Newest last. */
  readonly log: readonly LogEntry[];
  /** How often the route was called, such as `PUT /things/{id}`; without one, how often anything was. */
  calls(route?: string): number;
  clearLog(): void;
  fault(fault: Fault): void;
  clearFaults(): void;
  close(): Promise<void>;
}

export async function startForeign(api: ForeignApi, rate: Rate): Promise<ForeignServer> {
  const window = new RateWindow(rate);
  const faults = new FaultQueue();
  const log: LogEntry[] = [];
  let calls = 0;
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const { method = "GET", headers } = incoming;
      const { pathname: path, searchParams: query, search } = new URL(incoming.url ?? "/", "http://foreign");
      const id = path.startsWith(`${api.collection}/`) ? path.slice(api.collection.length + 1) : "";
      const route = `${method} ${id === "" ? path : `${api.collection}/{id}`}`;
      const bodyText = Buffer.concat(chunks).toString("utf8");
      const asked = { route, id, query, headers, bodyText };
      const refused = api.refuse(asked) ?? window.refuse((waitMs) => api.tooMany(waitMs));
      const reply = refused ?? struck(api, asked, faults.take(method, path));
      const answer = typeof reply === "string" ? undefined : reply;
      calls += 1;
      const [sent, answered] = [bodyText, answer?.bodyText].map((text) => plain(parseJson(text ?? "")));
      log.push({ method, path, query: search, route, status: answer?.status ?? null, sent, answered });
      if (answer) send(outgoing, answer, api.headers(calls, window.left()));
      if (reply === "hangUp") outgoing.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the API listens on no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    log,
    calls: (route) => log.filter((entry) => route === undefined || entry.route === route).length,
    clearLog: () => {
      log.length = 0;
    },
    fault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A clock that only moves when it is asked: a second each time, from the first of 2026. */
export function steadyClock(): () => number {
  let nowMs = Date.UTC(2026, 0, 1);
  return () => {
    nowMs += 1000;
    return nowMs;
  };
}

/** How a fault changes what becomes of a call. */
function struck(api: ForeignApi, asked: Asked, fault: Fault | undefined): Answer | "hangUp" | "silence" {
  switch (fault?.kind) {
    case undefined:
      return api.serve(asked);
    case "hang-up-before":
      return "hangUp";
    case "hang-up-after":
      api.serve(asked);
      return "hangUp";
    case "hang-before":
      return "silence";
    case "hang":
      api.serve(asked);
      return "silence";
    case "error-after-apply":
      api.serve(asked);
      return api.broken();
    case "rate-limit":
      return api.tooMany(fault?.waitMs ?? 1000);
  }
}

function send(outgoing: ServerResponse, answer: Answer, headers: Readonly<Record<string, string>>): void {
  const type = answer.bodyText === undefined ? {} : { "Content-Type": "application/json" };
  outgoing.writeHead(answer.status, { ...type, ...headers, ...answer.headers }).end(answer.bodyText);
}

/** The calls of the last `perMs`; one that is refused does not count. */
class RateWindow {
  readonly #rate: Rate;
  #admittedAtMs: readonly number[] = [];

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  refuse(tooMany: (waitMs: number) => Answer): Answer | undefined {
    const nowMs = performance.now();
    this.#admittedAtMs = this.#admittedAtMs.filter((atMs) => atMs > nowMs - this.#rate.perMs);
    const [oldestMs = nowMs] = this.#admittedAtMs;
    if (this.left() === 0) return tooMany(Math.ceil(oldestMs + this.#rate.perMs - nowMs));
    this.#admittedAtMs = [...this.#admittedAtMs, nowMs];
    return undefined;
  }

  left(): number {
    return Math.max(0, this.#rate.calls - this.#admittedAtMs.length);
  }
}
