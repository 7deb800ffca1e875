// An API that describes its columns itself, whatever they are called, behind one mirror: own.records. It keeps its records in memory.

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { manifestSchema } from "../../src/manifest/manifest.js";
import type { OwnApi } from "./manifest-stack.js";

interface Field {
  readonly name: string;
  readonly unique?: boolean;
}

export interface DescribedApi {
  /** May be changed at any time. */
  readonly fields: Field[];
  /** Each record's fields by its key. */
  readonly records: Map<string, Map<string, string | null>>;
  /** What the API makes of a new record, if anything. */
  meddle?: (fields: Map<string, string | null>) => void;
  /** Method and path of each request that changed something. */
  readonly writes: string[];
  /** Adds a record, and returns its key. */
  add(fields: Readonly<Record<string, string>>): string;
  /** Sets a field of a record. */
  set(key: string, name: string, value: string): void;
  /** What a stack takes to put a mirror in front of it. */
  readonly own: Pick<OwnApi, "schema" | "manifest" | "resource" | "url" | "close">;
}

/** Starts the API. A page has `page` records. */
export async function startDescribedApi(fields: readonly (string | Field)[], page = 100): Promise<DescribedApi> {
  const described = fields.map((field) => (typeof field === "string" ? { name: field } : field));
  const records: DescribedApi["records"] = new Map();
  const writes: string[] = [];
  const shown = (key: string) => ({ id: key, fields: Object.fromEntries(records.get(key) ?? []) });
  const add = (its: Iterable<readonly [string, string | null]>) => {
    const key = `k${records.size + 1}`;
    records.set(key, new Map(its));
    return key;
  };
  const write = (method: string | undefined, key: string, body: Body) => {
    if (method === "POST") {
      const added = add(Object.entries(body.fields));
      api.meddle?.(records.get(added) ?? new Map());
      return shown(added);
    }
    if (method === "DELETE") records.delete(key);
    else for (const [name, value] of Object.entries(body.fields)) records.get(key)?.set(name, value);
    return shown(key);
  };
  const answer = async (incoming: IncomingMessage): Promise<unknown> => {
    const { pathname, searchParams } = new URL(incoming.url ?? "", "http://api");
    if (pathname === "/fields") return described;
    const key = decodeURIComponent(pathname.slice("/records/".length));
    if (incoming.method === "GET" && key === "") {
      const from = Number(searchParams.get("after") ?? 0);
      const next = from + page < records.size ? { next: String(from + page) } : {};
      return { records: [...records.keys()].slice(from, from + page).map(shown), ...next };
    }
    const body = await bodyOf(incoming);
    if (pathname === "/records/read") return { records: body.ids.filter((id) => records.has(id)).map(shown) };
    writes.push(`${incoming.method} ${pathname}`);
    return write(incoming.method, key, body);
  };
  const server = createServer((incoming, outgoing) => {
    void answer(incoming).then((body) => {
      outgoing.setHeader("content-type", "application/json");
      outgoing.end(JSON.stringify(body));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the API is on no TCP port");
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  const url = `http://127.0.0.1:${address.port}`;
  const api: DescribedApi = {
    fields: described,
    records,
    writes,
    add: (its) => add(Object.entries(its)),
    set: (key, name, value) => void records.get(key)?.set(name, value),
    own: { schema: "own", manifest, resource: "records", url, close },
  };
  return api;
}

interface Body {
  readonly ids: readonly string[];
  readonly fields: Readonly<Record<string, string | null>>;
}

async function bodyOf(incoming: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return chunks.length === 0 ? { ids: [], fields: {} } : JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

const manifest = manifestSchema.parse({
  throughline: 1,
  api: "described",
  base: "http://127.0.0.1",
  auth: { bearer: "none" },
  errors: { message: "/message" },
  types: { word: "text" },
  tables: {
    records: {
      key: "id",
      record: { key: "/id", fields: "/fields", absent: "null" },
      columns: { id: { type: "text", write: "never", from: "/id" } },
      discover: { GET: "/fields", rows: "", column: { name: "/name", type: "/type", unique: "/unique" } },
      read: {
        list: { GET: "/records/", rows: "/records", pages: { cursor: "/next", as: "after" } },
        get: { POST: "/records/read", body: { ids: { each: "{key}" } }, rows: "/records", max: 100 },
      },
      write: {
        create: { POST: "/records/", body: { fields: "{record}" }, rows: "" },
        update: { PATCH: "/records/{key}", body: { fields: "{record}" }, rows: "" },
        delete: { DELETE: "/records/{key}" },
      },
    },
  },
});
