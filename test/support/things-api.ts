// A small API over real HTTP that stores what it is sent, under a key that it is given, and computes a field: the label in capitals.
// It does each record of a request by itself, and refuses the label "bad".

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { isRecord } from "../../src/config/json.js";
import { readYaml } from "../../src/config/yaml.js";
import { parseJson, toJson } from "../../src/manifest/lossless-json.js";
import { type Manifest, manifestSchema } from "../../src/manifest/manifest.js";

type Thing = Readonly<Record<string, unknown>>;

export interface ThingsApi {
  readonly url: string;
  readonly manifest: Manifest;
  /** Method and path of each that changes something, newest last. */
  readonly requests: readonly string[];
  records(): readonly Thing[];
  /** The record of a target; the first, if there are several. */
  record(target: string): Thing | undefined;
  /** Makes a record that no mirror knows of. */
  add(thing: Thing): void;
  /** Has its three first records and no others, and forgets its requests. */
  reset(): void;
  close(): Promise<void>;
}

type Answer = { readonly status: number; readonly body?: unknown };

const first: readonly Thing[] = [
  { origin: 1, target: "a", label: "one" },
  { origin: 1, target: "b", label: "two" },
  { origin: 2, target: 'q"\\é', label: "three" },
];

export async function startThingsApi(): Promise<ThingsApi> {
  const stored = new Map<string, Thing>();
  const requests: string[] = [];
  const add = (thing: Thing) => void stored.set(idOf(thing), withComputed(thing));
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const asked = `${incoming.method} ${incoming.url}`;
      if (!["GET /things", "POST /read"].includes(asked)) requests.push(asked);
      const { status, body } = answer(stored, asked, text === "" ? {} : parseJson(text));
      outgoing.writeHead(status, body === undefined ? {} : { "content-type": "application/json" });
      outgoing.end(body === undefined ? undefined : toJson(body));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the API listens on no TCP port");
  const path = fileURLToPath(new URL("things.yaml", import.meta.url));
  const reset = () => {
    stored.clear();
    first.forEach(add);
    requests.length = 0;
  };
  reset();
  return {
    url: `http://127.0.0.1:${address.port}`,
    manifest: readYaml(path, readFileSync(path, "utf8"), manifestSchema),
    requests,
    records: () => [...stored.values()],
    record: (target) => [...stored.values()].find((thing) => thing["target"] === target),
    add,
    reset,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(stored: Map<string, Thing>, asked: string, body: unknown): Answer {
  const { ids, records } = isRecord(body) ? body : {};
  const keys = Array.isArray(ids) ? ids.map(String) : [];
  switch (asked) {
    case "GET /things":
      return { status: 200, body: { records: [...stored.values()] } };
    case "POST /read":
      return { status: 200, body: { records: keys.flatMap((id) => stored.get(id) ?? []) } };
    case "POST /delete":
      for (const id of keys) stored.delete(id);
      return { status: 204 };
    default:
      return write(stored, Array.isArray(records) ? records.filter(isRecord) : []);
  }
}

/** A record without an id is a new one. */
function write(stored: Map<string, Thing>, records: readonly Thing[]): Answer {
  const failed: Thing[] = [];
  const done = records.flatMap(({ index, id, fields }) => {
    const sent = isRecord(fields) ? fields : {};
    if (sent["label"] === "bad") {
      failed.push({ index, code: "BAD", message: "a bad label", field: "label" });
      return [];
    }
    const key = id === undefined ? idOf(sent) : String(id);
    const thing = withComputed({ ...stored.get(key), ...sent });
    stored.set(key, thing);
    return [{ index, ...thing }];
  });
  return { status: failed.length > 0 ? 207 : 200, body: { records: done, failed } };
}

/** A bigint that JavaScript can't hold is a number of JSON all the same. */
function idOf(thing: Thing): string {
  return `${toJson(thing["origin"])}~${String(thing["target"])}`;
}

function withComputed(thing: Thing): Thing {
  return { ...thing, computed: typeof thing["label"] === "string" ? thing["label"].toUpperCase() : null };
}
