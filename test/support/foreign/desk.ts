// A help desk's tickets, as an older product serves them: an API key, integer ids, pages by offset, no batches, a 204 for each
// write, and errors that are text alone.

import { type Fields, type Kept, Tickets, ticketFields } from "./desk-tickets.js";
import { type Answer, type Asked, type ForeignServer, type Rate, startForeign, steadyClock } from "./http.js";
import { isObject, parseJson, plain, printJson } from "./json.js";

interface DeskOptions {
  /** The one key that is let in. */
  readonly key?: string;
  /** Who can own a ticket. */
  readonly agents?: readonly string[];
  readonly rate?: Rate;
  /** For `created_at` and `updated_at`; absent: a second later with each write. */
  readonly nowMs?: () => number;
}

interface Desk extends ForeignServer {
  /** All that is stored; a number that JavaScript would write otherwise is its text. */
  records(): readonly Fields[];
  /** Creates tickets unseen by the log, as an agent would; returns their ids. A number too large is given as a bigint. */
  seed(rows: readonly Fields[]): readonly number[];
  edit(id: number, fields: Fields): void;
  remove(id: number): void;
}

const largestPage = 50;

export async function startDesk(options: DeskOptions = {}): Promise<Desk> {
  const key = options.key ?? "desk-key";
  const tickets = new Tickets(options.agents ?? ["ana", "ben", "chi"], options.nowMs ?? steadyClock());
  const server = await startForeign(
    {
      collection: "/api/tickets",
      refuse: ({ headers }) => (headers["x-api-key"] === key ? undefined : refusal(401, "Invalid API key")),
      serve: (asked) => serve(tickets, asked),
      tooMany: (waitMs) => ({
        ...refusal(429, "Too many requests"),
        headers: { "Retry-After": String(Math.ceil(waitMs / 1000)) },
      }),
      broken: () => refusal(500, "Something went wrong"),
      headers: (call, left) => ({ "X-Request-Id": `desk-${call}`, "X-Rate-Left": String(left) }),
    },
    options.rate ?? { calls: 1000, perMs: 1000 },
  );
  return {
    ...server,
    records: () => tickets.all().map((ticket) => fieldsOf(plain(ticketFields(ticket)))),
    seed: (rows) => rows.map((row) => keptId(tickets.create(asSent(row)))),
    edit: (id, fields) => {
      keptId(tickets.update(id, asSent(fields)));
    },
    remove: (id) => {
      keptId(tickets.remove(id));
    },
  };
}

function serve(tickets: Tickets, { route, id: idText, query, bodyText }: Asked): Answer {
  const id = /^[1-9]\d*$/.test(idText) ? Number(idText) : 0;
  switch (route) {
    case "GET /api/tickets":
      return list(tickets, query);
    case "GET /api/tickets/{id}":
      return answer(200, tickets.get(id));
    case "POST /api/tickets":
      return withTicket(bodyText, (written) => answer(201, tickets.create(written)));
    case "PUT /api/tickets/{id}":
      return withTicket(bodyText, (written) => answer(204, tickets.update(id, written)));
    case "DELETE /api/tickets/{id}":
      return answer(204, tickets.remove(id));
    default:
      return refusal(404, "Not found");
  }
}

/** By id; by `updated_at` and then id for those that were updated at some time or since. */
function list(tickets: Tickets, query: URLSearchParams): Answer {
  const offset = Number(query.get("offset") ?? 0);
  const limit = Math.min(largestPage, Number(query.get("limit") ?? largestPage));
  const since = query.get("updated_since");
  const sinceMs = Date.parse(since ?? "1970-01-01");
  if (!Number.isInteger(offset) || offset < 0) return refusal(400, "Offset is invalid");
  if (!Number.isInteger(limit) || limit < 1) return refusal(400, "Limit is invalid");
  if ((query.get("sort") ?? "id") !== "id") return refusal(400, "Sort is invalid");
  if (Number.isNaN(sinceMs)) return refusal(400, "Updated since is invalid");
  const found = tickets.all().filter(({ updated_at }) => Date.parse(updated_at) >= sinceMs);
  const updatedMs = ({ updated_at }: { readonly updated_at: string }) => (since === null ? 0 : Date.parse(updated_at));
  const ordered = found.toSorted((a, b) => updatedMs(a) - updatedMs(b) || a.id - b.id);
  const page = ordered.slice(offset, offset + limit).map(ticketFields);
  return { status: 200, bodyText: printJson({ tickets: page, total: found.length }) };
}

function withTicket(bodyText: string, write: (written: Fields) => Answer): Answer {
  const body = parseJson(bodyText);
  return isObject(body) && isObject(body["ticket"]) ? write(body["ticket"]) : refusal(400, "Ticket is missing");
}

function answer(status: number, kept: Kept): Answer {
  if (kept.kind === "refused") return refusal(kept.status, ...kept.errors);
  return status === 204 ? { status } : { status, bodyText: printJson({ ticket: ticketFields(kept.ticket) }) };
}

function refusal(status: number, ...errors: readonly string[]): Answer {
  return { status, bodyText: printJson({ errors }) };
}

function keptId(kept: Kept): number {
  if (kept.kind === "refused") throw new Error(kept.errors.join(", "));
  return kept.ticket.id;
}

/** What a test gives, as if it had come as JSON. */
function asSent(fields: Fields): Fields {
  return fieldsOf(parseJson(printJson(fields)));
}

function fieldsOf(value: unknown): Fields {
  return isObject(value) ? value : {};
}
