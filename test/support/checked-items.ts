// An API of three records, manifests of it with parts that are wrong, and `connector check` on them.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { stringify } from "yaml";
import { connectorCommand } from "../../src/cli/connector.js";
import { runCommand } from "./command.js";

/** Three records, in pages as large as `limit` says, each of which leads on in whichever way a manifest follows. */
const records = [1, 2, 3].map((n) => ({
  id: `r${n}`,
  name: `name ${n}`,
  mail: `${n}@one.example`,
  size: n,
  open: true,
}));
const descriptions = [
  { key: "id", kind: "string" },
  { key: "name", kind: "string" },
  { key: "mail", kind: "email", only: true },
  { key: "size", kind: "int" },
  { key: "open", kind: "bool" },
];

function answer(request: IncomingMessage, url: string): { body: unknown; link?: string } {
  const { pathname, searchParams } = new URL(request.url ?? "", url);
  if (request.headers.authorization !== `Bearer ${key}`) return { body: { items: "no" } };
  if (pathname === "/tables") {
    const tables = ["items", "others", "notes", "drafts", "more"];
    return { body: { tables: tables.map((title) => ({ title, key: "items", fields: descriptions })) } };
  }
  if (pathname === "/fields") return { body: { fields: descriptions } };
  if (pathname === "/find") return { body: { items: records.filter(({ mail }) => mail === searchParams.get("mail")) } };
  const one = records.find(({ id }) => pathname === `/items/${id}`);
  if (one) return { body: one };
  const limit = Number(searchParams.get("limit") ?? 2);
  const from = Number(searchParams.get("after") ?? 0);
  const next = from + limit < records.length ? String(from + limit) : undefined;
  const there = `${url}/items?limit=${limit}&after=${next}`;
  return {
    body: {
      items: records.slice(from, from + limit),
      total: records.length,
      hasMore: next !== undefined,
      ...(next === undefined ? {} : { next, there }),
    },
    ...(next === undefined ? {} : { link: `<${there}>; rel="next", <${url}/items>; rel="first"` }),
  };
}

const get = { GET: "/items/{key}", rows: "" };
export const list = { GET: "/items", query: { limit: 100 }, rows: "/items", pages: { cursor: "/next", as: "after" } };
export const find = { GET: "/find", query: { mail: "{value}" }, rows: "/items" };
export const discover = {
  GET: "/fields",
  rows: "/fields",
  column: { name: "/key", type: "/kind", unique: "/only" },
};
const create = { POST: "/items", body: "{record}", rows: "" };
export const update = { PATCH: "/items/{key}", body: "{record}", rows: "" };
export const columns = {
  id: { type: "text", write: "never" },
  name: { type: "text", required: true },
  mail: { type: "text", unique: true },
  size: "integer",
  open: "boolean",
};
export const types = { string: "text", email: "text", int: "integer", bool: "boolean" };
export const described = { discover, columns: { id: { write: "never" } } };

type Keys = Readonly<Record<string, unknown>>;
export interface Parts {
  readonly manifest?: Keys;
  readonly table?: Keys;
  /** In place of "items". */
  readonly name?: string;
  readonly read?: Keys;
  readonly write?: Keys;
}

export const key = "k3y-of-the-test";

export interface CheckedItems {
  /** Writes the manifest with these parts in place of what is right, and hooks beside it, and checks it, against the API if it is to. */
  check(
    parts?: Parts,
    hooks?: { readonly end: string; readonly text: string },
    withUrl?: boolean,
  ): Promise<{ code: number; said: string }>;
  close(): void;
}

export async function startCheckedItems(): Promise<CheckedItems> {
  const folder = mkdtempSync(join(tmpdir(), "throughline-check-"));
  let url = "";
  const server = createServer((request, response) => {
    const { body, link } = answer(request, url);
    response.writeHead(200, { "content-type": "application/json", ...(link === undefined ? {} : { link }) });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  url = `http://127.0.0.1:${address.port}`;
  vi.stubEnv("ITEMS_KEY", key);
  let count = 0;
  return {
    check: async (parts = {}, hooks, withUrl = true) => {
      // A module is loaded once by its path.
      count += 1;
      const file = join(folder, `items${count}.yaml`);
      writeFileSync(file, stringify(manifestOf(parts)));
      if (hooks) writeFileSync(join(folder, `items${count}.hooks.${hooks.end}`), hooks.text);
      const ran = await runCommand(connectorCommand, { names: ["check", file], flags: withUrl ? { url } : {} });
      return { code: ran.code, said: `${ran.out}${ran.err}`.replaceAll(file, "FILE") };
    },
    close: () => {
      vi.unstubAllEnvs();
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function manifestOf({ manifest, table, read, write, name = "items" }: Parts) {
  const items = {
    key: "id",
    columns,
    read: { list, get, find, ...read },
    write: { create, update, ...write },
    ...table,
  };
  return {
    throughline: 1,
    api: "items",
    base: "http://127.0.0.1",
    config: { key: { secret: true, about: "key" } },
    auth: { bearer: "{config.key}" },
    errors: { message: "/message" },
    types,
    ...manifest,
    tables: { [name]: items },
  };
}
