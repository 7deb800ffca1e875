// One exchange over HTTP: where it may be redirected to, what of an answer counts, and what is known when none comes.

import { afterEach, beforeEach, expect, test } from "vitest";
import { openItems } from "../support/items.js";
import { hangUp, type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
let other: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
  other = await startScripted();
});
afterEach(async () => {
  await api.close();
  await other.close();
});

const item = { body: { id: "1", name: "one" } };
const moved = (status: number, location?: string): Line => ({ status, headers: location ? { location } : {} });
const create = async () => {
  const { table, columns } = await openItems(api.url);
  return table.write("insert", columns, [{ key: null, sent: { name: "one" } }]);
};
const read = async () => {
  const { table, columns } = await openItems(api.url, { manifest: { auth: { bearer: "secret" } } });
  return table.get(columns, ["1"]);
};

test.each([301, 302, 303, 307, 308])("a read is followed to where a %i leads on the same host", async (status) => {
  api.add(moved(status, "/items/2"), moved(status, `${api.url}/items/3?x=1`), item);
  expect(await read()).toMatchObject([{ key: "1" }]);
  expect(api.routes).toEqual(["GET /items/1", "GET /items/2", "GET /items/3?x=1"]);
});

test.each([307, 308])("a write is followed to where a %i leads, with its body", async (status) => {
  api.add(moved(status, "/v2/items"), item);
  expect(await create()).toMatchObject({ kind: "answered", rows: [{ key: "1" }] });
  expect(api.routes).toEqual(["POST /items", "POST /v2/items"]);
  expect(api.asked[1]?.bodyText).toBe('{"name":"one"}');
});

test.each([300, 301, 302, 303, 304, 399])(
  "P13: a %i does not tell what became of a write, and is not followed",
  async (status) => {
    api.add(moved(status, "/v2/items"));
    expect(await create()).toMatchObject({ kind: "unknown", reason: `status ${status} in place of an answer`, status });
    expect(api.asked.length).toBe(1);
  },
);

test.each([307, 308])("a write that a %i leads to another host was refused", async (status) => {
  api.add(moved(status, `${other.url}/items`));
  expect(await create()).toMatchObject({
    kind: "refused",
    error: { sqlstate: "HV000", status, hint: expect.stringContaining("Nothing was changed.") },
  });
  expect(other.asked).toEqual([]);
});

test("a redirect to another host is not followed, and no login is sent there", async () => {
  api.add(moved(302, `${other.url}/items/1`), moved(302), moved(302, "http://["));
  for (let i = 0; i < 3; i += 1) await expect(read()).rejects.toThrow("redirected (status 302)");
  expect(other.asked).toEqual([]);
});

test("redirects that lead to themselves end", async () => {
  api.add(...Array.from({ length: 9 }, () => moved(302, "/items/1")));
  await expect(read()).rejects.toThrow("redirected (status 302)");
  expect(api.asked.length).toBe(4);
});

const html = { headers: { "content-type": "text/html" }, text: "<html>Sign in</html>" };

test("a page in place of JSON, or nothing, is no record", async () => {
  api.add(html, { text: "" }, { text: '"text"' }, { text: '{"id": ' }, { status: 204 });
  for (let i = 0; i < 4; i += 1)
    await expect(read()).rejects.toThrow("things: rows by key of items came without JSON, status 200");
  await expect(read()).rejects.toThrow("came without JSON, status 204");
});

test("JSON that begins with a byte order mark is JSON", async () => {
  api.add({ text: '\uFEFF{"id": "1"}' });
  expect(await read()).toMatchObject([{ key: "1" }]);
});

test("a write that is answered with a page, or without the rows that were promised, is not known", async () => {
  const { table, columns } = await openItems(api.url);
  api.add(html, { text: "" }, html);
  expect(await create()).toMatchObject({ kind: "unknown", reason: "status 200 without a JSON body: Sign in" });
  expect(await create()).toMatchObject({ kind: "unknown", reason: "status 200 without a JSON body" });
  expect(await table.write("delete", columns, [{ key: "1", sent: {} }])).toMatchObject({
    kind: "unknown",
    status: 200,
  });
});

test("a 204 where rows were promised is an answer, and the rows are read again", async () => {
  const { table, columns } = await openItems(api.url);
  api.add({ status: 204 }, { status: 204 });
  expect(await table.write("update", columns, [{ key: "1", sent: { name: "x" } }])).toMatchObject({
    rows: [{ kind: "accepted", key: "1", row: {} }],
  });
  expect(await create()).toMatchObject({ kind: "answered", rows: [{ kind: "unreported" }] });
});

test("a 404 of the API says that a row is gone; a 404 of a gateway says nothing", async () => {
  const { table, columns } = await openItems(api.url);
  const listed = { body: { items: [] } };
  const remove = () => table.write("delete", columns, [{ key: "1", sent: {} }]);
  api.add({ status: 404, body: { message: "no such item" } }, listed, { status: 410, body: {} }, listed);
  api.add({ status: 404, ...html });
  expect(await remove()).toMatchObject({ rows: [{ kind: "absent" }] });
  expect(await remove()).toMatchObject({ rows: [{ kind: "absent" }] });
  expect(await remove()).toMatchObject({ kind: "refused", error: { sqlstate: "HV000", message: "status 404" } });
  api.add({ status: 404, body: {} }, listed, { status: 404, ...html });
  expect(await read()).toEqual([]);
  await expect(read()).rejects.toThrow("status 404");
});

test("an answer that is too large is not read to its end", async () => {
  api.add({ text: " ".repeat(64 * 1024 * 1024 + 1) });
  // A slow machine takes seconds for so much.
  const { table, columns } = await openItems(api.url, { account: { timeoutMs: 60_000 } });
  const outcome = await table.write("insert", columns, [{ key: null, sent: { name: "one" } }]);
  expect(outcome).toMatchObject({ kind: "unknown", reason: "the answer is larger than 16 MB" });
});

test("the outcome of a call without an answer is unknown, and one that was never sent is unsent", async () => {
  api.add(hangUp, () => new Promise(() => undefined));
  expect(await create()).toMatchObject({ kind: "unknown", status: null });
  const { table, columns } = await openItems(api.url, { account: { timeoutMs: 50 } });
  expect(await table.write("insert", columns, [{ key: null, sent: {} }])).toMatchObject({
    kind: "unknown",
    reason: "no answer within 50 ms",
  });
  await api.close();
  expect(await create()).toMatchObject({
    kind: "unsent",
    error: { sqlstate: "HV00N", message: "things is unreachable (ECONNREFUSED)" },
  });
});
