// A local twin of Stripe's API: customers, products, prices and their events, in memory, over real HTTP, with faults on demand.

import { createServer, type ServerResponse } from "node:http";
import { close, listen, readText } from "../listening.js";
import { assertNever } from "../never.js";
import { SlidingWindow } from "../sliding-window.js";
import { type AccessLogEntry, logEntry } from "./access-log.js";
import { Account } from "./account.js";
import { type Answer, tooMany } from "./answer.js";
import { refuseKey } from "./authorization.js";
import type { ResourceName } from "./effect.js";
import { accountVersion } from "./event.js";
import { type Fault, FaultQueue } from "./fault.js";
import type { Params } from "./form.js";
import { IdempotencyKeys } from "./idempotency.js";
import type { JsonObject } from "./json.js";
import { People } from "./people.js";
import { type Reply, replyTo } from "./reply.js";
import { type ApiRequest, readRequest } from "./request.js";
import { serve } from "./routes.js";

export interface SandboxOptions {
  /** 0 or absent: any free one. */
  readonly port?: number;
  /** The one key that is let in; absent: any. */
  readonly token?: string;
  /** Decides all ids. */
  readonly seed?: number;
  readonly rate?: { readonly calls: number; readonly perMs: number };
  /** A fault may be written as on a command line: `rate-limit`, or `rate-limit:3` to strike three requests. */
  readonly faults?: readonly (Fault | string)[];
}

export interface StripeSandbox {
  readonly url: string;
  readonly port: number;
  /** Newest last. */
  readonly log: readonly AccessLogEntry[];
  /** All that is stored, newest last; of deleted objects what is left of them. */
  records(resource: ResourceName): readonly JsonObject[];
  /** Creates objects unseen by the log, as somebody in the dashboard would; returns their ids. Events tell of it. */
  seed(resource: ResourceName, rows: readonly Params[]): readonly string[];
  edit(resource: ResourceName, id: string, params: Params): void;
  delete(resource: ResourceName, id: string): void;
  /** Makes requests to come fail. Throws an Error that names the faults there are for any other. */
  fault(fault: Fault | string): void;
  clearFaults(): void;
  clearLog(): void;
  close(): Promise<void>;
}

export async function startStripeSandbox(options: SandboxOptions = {}): Promise<StripeSandbox> {
  const account = new Account(options.seed ?? 0);
  const people = new People(account);
  const keys = new IdempotencyKeys();
  const rate = options.rate ?? { calls: 100, perMs: 1000 };
  const window = new SlidingWindow(rate.calls, rate.perMs);
  const faults = new FaultQueue();
  for (const fault of options.faults ?? []) faults.add(fault);
  const log: AccessLogEntry[] = [];

  const decide = (request: ApiRequest): Reply => {
    const refused = refuse(request, options.token, window);
    if (refused) return replyTo(request, undefined, () => refused);
    return replyTo(request, faults.take(request), (as = request, answer = (applied) => applied) =>
      keys.answer(request, () => answer(serve(account, as))),
    );
  };
  const server = createServer((incoming, outgoing) => {
    readText(incoming, (bodyText) => {
      const request = readRequest(incoming, bodyText, account.requestIds.next("req_", 14), Date.now());
      const reply = decide(request);
      log.push(logEntry(log.length + 1, request, bodyText, reply));
      send(outgoing, request, reply, keys);
    });
  });
  const port = await listen(server, options.port ?? 0);

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    log,
    records: (resource) => people.records(resource),
    seed: (resource, rows) => rows.map((row) => people.create(resource, row)),
    edit: (resource, id, params) => people.update(resource, id, params),
    delete: (resource, id) => people.delete(resource, id),
    fault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    clearLog: () => {
      log.length = 0;
    },
    close: () => close(server),
  };
}

/** Who may not call at all, or not now; no fault strikes them. */
function refuse(request: ApiRequest, token: string | undefined, window: SlidingWindow): Answer | undefined {
  return refuseKey(request, token) ?? (window.admit(request.atMs) ? undefined : tooMany(request, "rate_limit"));
}

function send(outgoing: ServerResponse, request: ApiRequest, reply: Reply, keys: IdempotencyKeys): void {
  switch (reply.kind) {
    case "hangUp":
      outgoing.destroy();
      return;
    case "silence":
      return;
    case "answer": {
      const { answer, bodyText, afterMs } = reply;
      const write = () => outgoing.writeHead(answer.status, { ...headersOf(request), ...answer.headers }).end(bodyText);
      if (afterMs === 0) {
        write();
        return;
      }
      const release = keys.hold(request);
      const timer = setTimeout(write, afterMs).unref();
      outgoing.once("close", () => {
        clearTimeout(timer);
        release();
      });
      return;
    }
    default:
      assertNever(reply);
  }
}

function headersOf({ id, version, idempotencyKey }: ApiRequest): Readonly<Record<string, string>> {
  return {
    "Content-Type": "application/json",
    "Request-Id": id,
    "Stripe-Version": version ?? accountVersion,
    ...(idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey }),
  };
}
