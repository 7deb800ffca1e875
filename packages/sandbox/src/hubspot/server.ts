// A local twin of HubSpot's CRM API: objects of every type that live in memory, over real HTTP, with faults on demand.

import { createServer, type ServerResponse } from "node:http";
import { close, listen, readText } from "../listening.js";
import { assertNever } from "../never.js";
import { type AccessLogEntry, logEntry } from "./access-log.js";
import { type Answer, rateLimited, unauthorized } from "./answer.js";
import { type Fault, FaultQueue } from "./fault.js";
import { type Outsider, outsider } from "./outsider.js";
import { Portal } from "./portal.js";
import { RateWindow } from "./rate-window.js";
import { type Reply, replyTo } from "./reply.js";
import { type ApiRequest, isSearch, readRequest } from "./request.js";
import { serve } from "./routes.js";

export interface SandboxOptions {
  /** 0 or absent: any free one. */
  readonly port?: number;
  /** The one token that is let in; absent: any. */
  readonly token?: string;
  /** Decides the first id and the order of batch results. */
  readonly seed?: number;
  readonly rate?: Rate;
  /** Searches count here as well; without it, five in a second. */
  readonly searchRate?: Rate;
  /** A fault may be written as on a command line: `rate-limit`, or `rate-limit:3` to strike three requests. */
  readonly faults?: readonly (Fault | string)[];
}

interface Rate {
  readonly calls: number;
  readonly perMs: number;
}

export interface HubspotSandbox extends Outsider {
  readonly url: string;
  readonly port: number;
  /** Newest last. */
  readonly log: readonly AccessLogEntry[];
  /** Makes requests to come fail. Throws an Error that names the faults there are for any other. */
  fault(fault: Fault | string): void;
  clearFaults(): void;
  clearLog(): void;
  close(): Promise<void>;
}

export async function startHubspotSandbox(options: SandboxOptions = {}): Promise<HubspotSandbox> {
  const portal = new Portal(options.seed ?? 0);
  const rate = options.rate ?? { calls: 100, perMs: 10_000 };
  const searchRate = options.searchRate ?? { calls: 5, perMs: 1000 };
  const window = new RateWindow(rate.calls, rate.perMs);
  const searches = new RateWindow(searchRate.calls, searchRate.perMs);
  const faults = new FaultQueue();
  for (const fault of options.faults ?? []) faults.add(fault);
  const log: AccessLogEntry[] = [];

  const decide = (request: ApiRequest): Reply => {
    const refused = refuse(request, options.token, window, searches);
    if (refused) return replyTo(request, undefined, () => refused);
    return replyTo(request, faults.take(request), (applied) => serve(portal, applied));
  };
  const server = createServer((incoming, outgoing) => {
    readText(incoming, (bodyText) => {
      const request = readRequest(incoming, bodyText, Date.now());
      const reply = decide(request);
      log.push(logEntry(log.length + 1, request, bodyText, reply));
      const exhausted = reply.kind === "answer" ? reply.answer.exhausted : undefined;
      send(outgoing, reply, isSearch(request) ? {} : window.headers(exhausted));
    });
  });
  const port = await listen(server, options.port ?? 0);

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    log,
    ...outsider(portal),
    fault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    clearLog: () => {
      log.length = 0;
    },
    close: () => close(server),
  };
}

/** Who may not call at all, or not now; no fault strikes them. */
function refuse(
  request: ApiRequest,
  token: string | undefined,
  window: RateWindow,
  searches: RateWindow,
): Answer | undefined {
  const [, sent] = /^Bearer (\S+)$/.exec(request.authorization ?? "") ?? [];
  if (sent === undefined || (token !== undefined && sent !== token)) return unauthorized();
  if (isSearch(request) && !searches.admit(request.atMs)) return rateLimited("SECONDLY");
  return window.admit(request.atMs) ? undefined : rateLimited("TEN_SECONDLY_ROLLING");
}

function send(outgoing: ServerResponse, reply: Reply, rateHeaders: Readonly<Record<string, string>>): void {
  switch (reply.kind) {
    case "hangUp":
      outgoing.destroy();
      return;
    case "silence":
      return;
    case "answer": {
      const { status, body, headers } = reply.answer;
      const type = body === undefined ? {} : { "Content-Type": "application/json;charset=utf-8" };
      const write = () => outgoing.writeHead(status, { ...type, ...rateHeaders, ...headers }).end(reply.bodyText);
      if (reply.afterMs === 0) write();
      else setTimeout(write, reply.afterMs).unref();
      return;
    }
    default:
      assertNever(reply);
  }
}
