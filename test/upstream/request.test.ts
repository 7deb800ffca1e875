// What goes out: the path, the query, the headers and the body that a call of the manifest says.

import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../../src/config/secret.js";
import { toJson } from "../../src/manifest/lossless-json.js";
import { openItems } from "../support/items.js";
import { type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

const written = { body: { id: "1" } };
const bodyOf = () => api.asked.at(-1)?.bodyText;
const columns = { id: { type: "text", write: "never" } };

test("headers are the manifest's, and a call may have its own, which win", async () => {
  const { table, columns } = await openItems(api.url, {
    manifest: {
      headers: { "X-Version": "1", Accept: "application/vnd.things+json", "X-Shop": "{config.shop}" },
      config: { shop: { about: "shop" } },
    },
    table: { write: { update: { PATCH: "/items/{key}", headers: { "x-version": "2", "If-Match": "{row.n}" } } } },
    account: { config: { shop: "s1" } },
  });
  api.add({ status: 204 });
  await table.write("update", columns, [{ key: "1", sent: { n: "3" } }]);
  expect(api.asked[0]?.headers).toMatchObject({
    "x-version": "2",
    "x-shop": "s1",
    "if-match": "3",
    accept: "application/vnd.things+json",
  });
});

test("a key has its place in the path whatever is in it, unless it would make another path", async () => {
  const { table, columns } = await openItems(`${api.url}/v1/`);
  api.add(written);
  await table.get(columns, ["a/b?c=é {key}"]);
  expect(api.routes).toEqual(["GET /v1/items/a%2Fb%3Fc%3D%C3%A9%20%7Bkey%7D"]);
  for (const key of ["..", ".", ""]) {
    expect(await table.write("delete", columns, [{ key, sent: {} }])).toMatchObject({
      kind: "unsent",
      error: { sqlstate: "22023" },
    });
  }
  expect(api.asked.length).toBe(1);
});

test("a query repeats a list, joins one with commas inside a text, and leaves out what is empty", async () => {
  const { table, columns } = await openItems(api.url, {
    table: {
      read: {
        list: { GET: "/items", query: { expand: ["a", "b c"], n: 5, all: true, none: "", f: "{columns}" }, rows: "" },
        get: { GET: "/items", query: { ids: "{keys}" }, rows: "", max: 3 },
      },
    },
  });
  api.add({ body: [] }, { body: [] });
  await table.list(columns, null);
  await table.get(columns, ["1", "2,3"]);
  expect(api.routes).toEqual([
    "GET /items?expand=a&expand=b%20c&n=5&all=true&f=id%2Cname%2Cn",
    "GET /items?ids=1%2C2%2C3",
  ]);
});

test("{path} is the path of the base: what a call within a call needs", async () => {
  const { table, columns } = await openItems(`${api.url}/v1`, {
    table: { write: { update: { POST: "/batch", body: { url: "{path}/items/{key}", body: "{record}" }, rows: "" } } },
  });
  api.add(written);
  await table.write("update", columns, [{ key: "1", sent: { n: "3" } }]);
  expect(bodyOf()).toBe('{"url":"/v1/items/1","body":{"n":3}}');
});

const wide = {
  table: {
    columns: {
      ...columns,
      n: "numeric",
      big: "bigint",
      yes: "boolean",
      tags: "text[]",
      meta: "jsonb",
      at: "timestamptz",
    },
  },
};
const sent = {
  n: "0.10",
  big: "9007199254740993",
  yes: "false",
  tags: '{a,"b c",""}',
  meta: '{"x": 1.50, "y": [1, null], "&z=": "ä["}',
  at: "2026-02-28 12:30:00.123456+00",
};

test("JSON keeps every digit of a number, and a NULL is one", async () => {
  const { table, columns } = await openItems(api.url, wide);
  api.add(written, written);
  await table.write("insert", columns, [{ key: null, sent }]);
  expect(bodyOf()).toBe(
    '{"n":0.10,"big":9007199254740993,"yes":false,"tags":["a","b c",""],"meta":{"x":1.50,"y":[1,null],"&z=":"ä["},"at":"2026-02-28T12:30:00.123456Z"}',
  );
  await table.write("update", columns, [{ key: "1", sent: { n: null, tags: null, meta: null } }]);
  expect(bodyOf()).toBe('{"n":null,"tags":null,"meta":null}');
});

test("a form has nested keys in brackets, and no value or key of a row can be another parameter", async () => {
  const { table, columns } = await openItems(api.url, { ...wide, manifest: { encode: "form", clear: "" } });
  api.add(written, written);
  await table.write("insert", columns, [{ key: null, sent }]);
  expect(api.asked[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
  expect(bodyOf()).toBe(
    "n=0.10&big=9007199254740993&yes=false&tags[0]=a&tags[1]=b%20c&tags[2]=&meta[x]=1.50&meta[y][0]=1&meta[y][1]=&meta[%26z%3D]=%C3%A4%5B&at=2026-02-28T12%3A30%3A00.123456Z",
  );
  await table.write("update", columns, [{ key: "1", sent: { n: null, tags: "{}", meta: "{}" } }]);
  expect(bodyOf()).toBe("n=&tags=&meta=");
});

test("values that travel as strings are strings everywhere, and an empty one clears a field", async () => {
  const { table, columns } = await openItems(api.url, { ...wide, manifest: { values: "string", clear: "" } });
  api.add(written, written);
  await table.write("insert", columns, [{ key: null, sent: { ...sent, tags: "{a}" } }]);
  expect(JSON.parse(bodyOf() ?? "")).toEqual({ ...sent, tags: ["a"], at: "2026-02-28T12:30:00.123456Z" });
  await table.write("update", columns, [{ key: "1", sent: { n: null, yes: null } }]);
  expect(bodyOf()).toBe('{"n":"","yes":""}');
});

test("where a new record can't be cleared, its NULLs are left out; an update's are sent", async () => {
  const { table, columns } = await openItems(api.url, { manifest: { create_clears: false } });
  api.add(written, written);
  await table.write("insert", columns, [{ key: null, sent: { name: null, n: "1" } }]);
  expect(bodyOf()).toBe('{"n":1}');
  await table.write("update", columns, [{ key: "1", sent: { name: null, n: "1" } }]);
  expect(bodyOf()).toBe('{"name":null,"n":1}');
});

test("an idempotency key goes with a POST of a write, and with nothing else", async () => {
  const { table, columns } = await openItems(api.url, {
    manifest: { idempotency: { header: "Idempotency-Key", keeps: "24h" } },
    table: {
      read: { list: { POST: "/search", rows: "" }, get: { POST: "/read/{key}", rows: "" } },
    },
  });
  expect([table.repeatableMs("insert", 1), table.repeatableMs("update", 1)]).toEqual([86_400_000, 0]);
  api.add({ body: [] }, written, written);
  await table.list(columns, null);
  await table.get(columns, ["1"]);
  await table.write("insert", columns, [{ key: null, sent: { n: "1" } }], { idempotencyKey: "k1" });
  expect(api.asked.map(({ headers }) => headers["idempotency-key"])).toEqual([undefined, undefined, "k1"]);
});

test("several rows are a list by each, spread by ... and flattened where each is itself a list", async () => {
  const { table, columns } = await openItems(api.url, {
    table: {
      write: {
        update: { PATCH: "/items", body: { each: { id: "{key}", "...": "{record}", i: "{index}" } }, max: 9 },
        delete: { POST: "/_bulk", body: { ops: { each: [{ delete: "{key}" }, "{key}"] }, of: "{keys}" }, max: 9 },
      },
    },
  });
  api.add({ status: 204 }, { status: 204 });
  const rows = ["1", "2"].map((key) => ({ key, sent: { n: key } }));
  await table.write("update", columns, rows);
  expect(bodyOf()).toBe('[{"id":"1","n":1,"i":"0"},{"id":"2","n":2,"i":"1"}]');
  await table.write("delete", columns, rows);
  expect(bodyOf()).toBe('{"ops":[{"delete":"1"},"1",{"delete":"2"},"2"],"of":["1","2"]}');
});

test("a body of more bytes than a call takes is not sent", async () => {
  const { table, columns } = await openItems(api.url, {
    table: { write: { create: { POST: "/items", body: "{record}", bytes: 16 } } },
  });
  api.add({ status: 204 });
  expect(await table.write("insert", columns, [{ key: null, sent: { name: "ääää" } }])).toMatchObject({
    kind: "unsent",
    error: { sqlstate: "54000", message: "the request would have 19 bytes, and things takes at most 16" },
  });
  expect(await table.write("insert", columns, [{ key: null, sent: { name: "äää" } }])).toMatchObject({
    kind: "unsent",
  });
  await table.write("insert", columns, [{ key: null, sent: { name: "ää" } }]);
  expect(api.asked.length).toBe(1);
});

test("a request is described with the rest of its budget, and not sent", async () => {
  const { table, columns } = await openItems(`${api.url}/v1`, { manifest: { limits: [{ calls: 5, per: "60s" }] } });
  expect(await table.describe("update", columns, [{ key: "a b", sent: { n: "1" } }])).toEqual({
    method: "PATCH",
    url: `${api.url}/v1/items/a%20b`,
    body: '{"n":1}',
    remaining: [{ calls: 5, of: 5, perMs: 60_000 }],
  });
  expect(await table.describe("delete", columns, [{ key: "..", sent: {} }])).toMatchObject({
    url: '(".." has no place in the path of a request)',
  });
  expect(api.asked).toEqual([]);
});

test("columns may have other names in the mirror, and other names when they are written", async () => {
  const { table, columns } = await openItems(api.url, {
    table: {
      columns: {
        id: { type: "text", write: "never" },
        name: { type: "text", from: "/label", to: "title" },
        n: "integer",
      },
      write: { update: { PUT: "/items/{key}", body: { n: "{row.n}", old: "{row.name}", all: "{record}" }, rows: "" } },
    },
    config: { rename: { n: "number", name: "what" } },
  });
  expect(columns.map(({ name }) => name)).toEqual(["id", "what", "number"]);
  api.add({ body: { id: "1", label: "x", title: "y", n: 4 } });
  const ending = await table.write("update", columns, [{ key: "1", sent: { number: "3", what: "x" } }]);
  expect(bodyOf()).toBe('{"n":3,"old":"x","all":{"title":"x","n":3}}');
  expect(ending).toMatchObject({ rows: [{ row: { id: "1", what: "x", number: "4" } }] });
});

test.each(["json", "form"] as const)(
  "P9: a request that is shown has no secret, wherever the manifest puts one (%s)",
  async (encode) => {
    const secret = "sk_live_ü&1";
    const { table, columns } = await openItems(`${api.url}/{config.key}`, {
      manifest: { encode, config: { key: { secret: true, about: "key" }, shop: { about: "shop" } } },
      table: {
        write: {
          update: {
            POST: "/{config.key}/{config.shop}/{key}",
            query: { api_key: "{config.key}", list: ["a{config.key}"] },
            body: { token: "{config.key}", deep: [{ "...": "{record}", key: "Bearer {config.key}" }] },
          },
        },
      },
      account: { config: { key: secret, shop: "s1" } },
    });
    const rows = [{ key: "1", sent: { n: "3" } }];
    const shown = await table.describe("update", columns, rows);
    expect(`${shown.url} ${shown.body}`).not.toMatch(/sk_live|%C3%BC/);
    expect(shown.url).toBe(`${api.url}/***/***/s1/1?api_key=***&list=a***`);
    expect(shown.body).toContain("***");
    api.add({ status: 204 });
    await table.write("update", columns, rows);
    expect(api.asked.at(-1)?.bodyText).toContain(encode === "json" ? secret : encodeURIComponent(secret));
  },
);

test("P9: a secret of the config is shown by nothing that prints, logs or writes it", () => {
  const secret = new Secret("sk_live_1");
  const account = { config: { key: secret } };
  expect(
    [String(secret), `${secret}`, JSON.stringify(account), toJson(account), inspect(account)].join(),
  ).not.toContain("sk_live");
  expect(secret.reveal()).toBe("sk_live_1");
});
