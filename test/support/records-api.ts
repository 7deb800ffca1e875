// An API that keeps the JSON of its records as it is, over real HTTP: each has a number and any fields. A PATCH replaces the fields that it
// has; of the fields that merge, it replaces keys, and a key that is null goes.

import { once } from "node:events";
import { createServer } from "node:http";
import type { TableConfig } from "../../src/config/api.js";
import { isRecord } from "../../src/config/json.js";
import { parseJson, toJson } from "../../src/manifest/lossless-json.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { startManifestStack } from "./manifest-stack.js";
import type { ServedStack } from "./served-stack.js";

type Fields = Readonly<Record<string, unknown>>;

interface RecordsApi {
  /** The column of each field, as a manifest declares it. */
  readonly columns: Readonly<Record<string, unknown>>;
  /** More keys of the manifest, and of its table. */
  readonly manifest?: Fields;
  readonly table?: Fields;
  /** What the config says of its table. */
  readonly choice?: Partial<TableConfig>;
  /** The fields of the records 1, 2, and so on: JSON. */
  readonly records: readonly string[];
  /** What the API makes of the fields that it is sent; they themselves when left out. */
  normalise?(fields: Fields): Fields;
}

export interface RecordsStack extends ServedStack {
  /** The bodies of the requests that wrote, newest last: JSON. */
  readonly sent: readonly string[];
  /** The fields of a record, as the API has them: JSON, with their names in order. */
  fields(id: number): string;
  /** Changes a record in the API. */
  change(id: number, json: string): void;
  /** Deletes it there. */
  remove(id: number): void;
}

/** Serves the mirror records.rows over such an API. */
export async function startRecords(api: RecordsApi): Promise<RecordsStack> {
  const stored = new Map<string, Fields>();
  const change = (id: number, json: string) => void stored.set(String(id), fieldsIn(json));
  for (const [index, json] of api.records.entries()) change(index + 1, json);
  const sent: string[] = [];
  const shown = (id: string) => ({ id: Number(id), ...stored.get(id) });
  const write = (id: string, text: string) => {
    sent.push(text);
    const fields = fieldsIn(text);
    stored.set(id, patched(api.columns, stored.get(id) ?? {}, api.normalise?.(fields) ?? fields));
  };
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const [, ofPath] = /^\/rows\/(\d+)$/.exec(incoming.url ?? "") ?? [];
      const id = incoming.method === "POST" ? String(stored.size + 1) : ofPath;
      if (id !== undefined && text !== "") write(id, text);
      if (id !== undefined && incoming.method === "DELETE") stored.delete(id);
      const isThere = id === undefined || stored.has(id);
      outgoing.writeHead(isThere ? 200 : 404, { "content-type": "application/json" });
      outgoing.end(toJson(id === undefined ? { rows: [...stored.keys()].map(shown) } : shown(id)));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : ""}`;
  const manifest = manifestSchema.parse({
    throughline: 1,
    api: "records",
    base: "http://127.0.0.1",
    config: {},
    auth: { bearer: "none" },
    errors: { message: "/message" },
    ...api.manifest,
    tables: {
      rows: {
        key: "id",
        columns: { id: { type: "bigint", write: "never" }, ...api.columns },
        read: { list: { GET: "/rows", rows: "/rows" }, get: { GET: "/rows/{key}", rows: "" } },
        write: {
          create: { POST: "/rows", body: "{record}", rows: "" },
          update: { PATCH: "/rows/{key}", body: "{record}", rows: "" },
          delete: { DELETE: "/rows/{key}" },
        },
        ...api.table,
      },
    },
  });
  const close = async () => {
    server.closeAllConnections();
    server.close();
  };
  const stack = await startManifestStack({
    schema: "records",
    manifest,
    resource: "rows",
    url,
    close,
    table: api.choice ?? {},
  });
  return {
    ...stack,
    sent,
    change,
    remove: (id) => void stored.delete(String(id)),
    fields: (id) => toJson(sorted(stored.get(String(id)) ?? {})),
  };
}

function fieldsIn(json: string): Fields {
  const fields = parseJson(json);
  if (!isRecord(fields)) throw new Error("a record of the API is no object");
  return fields;
}

function patched(columns: RecordsApi["columns"], before: Fields, sent: Fields): Fields {
  const entries = Object.entries(sent).map(([name, value]) => {
    const [column, old] = [columns[name], before[name]];
    if (!isRecord(column) || column["merge"] !== true || !isRecord(value) || !isRecord(old)) return [name, value];
    const merged = Object.entries({ ...old, ...value }).filter(([, one]) => one !== null && one !== "");
    return [name, Object.fromEntries(merged)];
  });
  return { ...before, ...Object.fromEntries(entries) };
}

function sorted(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}
