// A small API that stores what it is sent and gives it back as it came: JSON over real HTTP, with records in memory. A request
// is done altogether or not at all. It assigns the ids, has unique fields, and knows nothing of the types of the rest.

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { isRecord } from "../../src/config/json.js";
import { parseJson, toJson } from "../../src/manifest/lossless-json.js";

export interface EchoRecord {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Echo {
  readonly url: string;
  /** Method and path of each, newest last. */
  readonly requests: readonly string[];
  records(): readonly EchoRecord[];
  /** Has these records and no others, and forgets its requests. The ids that it assigns begin anew. */
  reset(records: readonly EchoRecord[]): void;
  close(): Promise<void>;
}

/** An id tells by itself that it was assigned, and they ascend as text. As long as the key's placeholder in a mirror. */
export const idPrefix = "echo-record:00000000-0000-0000-0000-";
const idDigits = 12;

type Fields = Readonly<Record<string, unknown>>;
type Stored = ReadonlyMap<string, Fields>;
type Answer = { readonly status: number; readonly body?: unknown; readonly stored?: Stored };

/** `unique`: the fields that no two records share; null is shared. */
export async function startEcho(unique: readonly string[]): Promise<Echo> {
  let stored: Stored = new Map();
  let assigned = 0;
  const requests: string[] = [];
  const nextId = () => {
    assigned += 1;
    return `${idPrefix}${String(assigned).padStart(idDigits, "0")}`;
  };
  const server = createServer((incoming, outgoing) => {
    readJson(incoming, (body) => {
      const url = new URL(incoming.url ?? "/", "http://echo");
      requests.push(`${incoming.method} ${url.pathname}`);
      const answer = route(stored, nextId, `${incoming.method} ${url.pathname}`, url.searchParams, body);
      const taken = answer.stored && duplicate(answer.stored, unique);
      const { status, body: said } = taken ? refusal(409, "DUPLICATE", taken.message, taken.field) : answer;
      if (answer.stored && !taken) stored = answer.stored;
      outgoing.writeHead(status, said === undefined ? {} : { "content-type": "application/json" });
      outgoing.end(said === undefined ? undefined : toJson(said));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the echo listens on no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    records: () => [...stored].map(([id, fields]) => ({ id, fields })),
    reset: (records) => {
      stored = new Map(records.map(({ id, fields }) => [id, fields]));
      assigned = 0;
      requests.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function route(stored: Stored, nextId: () => string, asked: string, query: URLSearchParams, body: unknown): Answer {
  const one = /^(?:PUT|PATCH|DELETE) \/records\/([^/]+)$/.exec(asked)?.[1];
  if (one !== undefined) {
    const id = decodeURIComponent(one);
    if (asked.startsWith("PUT")) return put(stored, id, fieldsOf(body));
    if (asked.startsWith("DELETE")) return remove(stored, [id]);
    const answer = update(stored, [{ id, fields: fieldsOf(body) }]);
    return answer.stored ? { ...answer, body: recordOf(answer.stored, id) } : answer;
  }
  switch (asked) {
    case "GET /records":
      return list(stored, Number(query.get("limit") ?? 100), query.get("after"));
    case "POST /records/read":
      return { status: 200, body: { records: idsOf(body).flatMap((id) => recordOf(stored, id) ?? []) } };
    case "POST /records": {
      const id = nextId();
      return { status: 201, body: { id, fields: fieldsOf(body) }, stored: new Map([...stored, [id, fieldsOf(body)]]) };
    }
    case "POST /records/create": {
      const records = recordsOf(body).map(({ index, fields }) => ({ index, id: nextId(), fields }));
      const created = records.map(({ id, fields }) => [id, fields] as const);
      return { status: 201, body: { records }, stored: new Map([...stored, ...created]) };
    }
    case "POST /records/update":
      return update(stored, recordsOf(body));
    case "POST /records/upsert":
      return upsert(stored, nextId, recordsOf(body), isRecord(body) ? String(body["by"]) : "");
    case "POST /records/delete":
      return remove(stored, idsOf(body));
    default:
      return refusal(404, "NO_SUCH_PATH", `there is no ${asked}`);
  }
}

/** In the order of creation: a record keeps its place when it is updated. */
function list(stored: Stored, limit: number, after: string | null): Answer {
  const ids = [...stored.keys()];
  const from = after === null ? 0 : ids.indexOf(after) + 1;
  const page = ids.slice(from, from + limit);
  const next = from + limit < ids.length ? page.at(-1) : undefined;
  return { status: 200, body: { records: page.map((id) => recordOf(stored, id)), next } };
}

/** Creates a record under an id that the client chose. */
function put(stored: Stored, id: string, fields: Fields): Answer {
  if (stored.has(id)) return refusal(409, "DUPLICATE", `there is a record ${id}`);
  return { status: 204, stored: new Map([...stored, [id, fields]]) };
}

function update(stored: Stored, records: readonly { readonly id: string; readonly fields: Fields }[]): Answer {
  const updated = new Map(stored);
  for (const { id, fields } of records) {
    const before = updated.get(id);
    if (!before) return missing(id);
    updated.set(id, { ...before, ...fields });
  }
  return { status: 200, body: { records: records.map(({ id }) => recordOf(updated, id)) }, stored: updated };
}

/** Which records are new is told by a field that identifies them. */
function upsert(
  stored: Stored,
  nextId: () => string,
  records: readonly { readonly index: unknown; readonly fields: Fields }[],
  by: string,
): Answer {
  const upserted = new Map(stored);
  const done = records.map(({ index, fields }) => {
    const [id = nextId(), before = {}] = [...upserted].find(([, one]) => one[by] === fields[by]) ?? [];
    upserted.set(id, { ...before, ...fields });
    return { index, ...recordOf(upserted, id) };
  });
  return { status: 200, body: { records: done }, stored: upserted };
}

function remove(stored: Stored, ids: readonly string[]): Answer {
  const left = new Map(stored);
  for (const id of ids) if (!left.delete(id)) return missing(id);
  return { status: 204, stored: left };
}

/** What two of these records share and must not. */
function duplicate(stored: Stored, unique: readonly string[]): { field: string; message: string } | undefined {
  for (const field of unique) {
    const seen = new Set<unknown>();
    for (const { [field]: value } of stored.values()) {
      if (value === undefined || value === null) continue;
      if (seen.has(value)) return { field, message: `another record has the ${field} ${JSON.stringify(value)}` };
      seen.add(value);
    }
  }
  return undefined;
}

function missing(id: string): Answer {
  return refusal(404, "NOT_FOUND", `there is no record ${id}`);
}

function refusal(status: number, code: string, message: string, field?: string): Answer {
  return { status, body: { code, message, field } };
}

function recordOf(stored: Stored, id: string): EchoRecord | undefined {
  const fields = stored.get(id);
  return fields && { id, fields };
}

function recordsOf(body: unknown): { readonly index: unknown; readonly id: string; readonly fields: Fields }[] {
  const records = isRecord(body) && Array.isArray(body["records"]) ? body["records"] : [];
  return records.filter(isRecord).map((one) => ({ index: one["index"], id: String(one["id"]), fields: fieldsOf(one) }));
}

function fieldsOf(body: unknown): Fields {
  return isRecord(body) && isRecord(body["fields"]) ? body["fields"] : {};
}

function idsOf(body: unknown): string[] {
  return isRecord(body) && Array.isArray(body["ids"]) ? body["ids"].map(String) : [];
}

function readJson(incoming: IncomingMessage, whole: (body: unknown) => void): void {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    const text = Buffer.concat(chunks).toString("utf8");
    whole(text === "" ? undefined : parseJson(text));
  });
}
