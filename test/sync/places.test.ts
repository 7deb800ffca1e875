// The places of a list that a copy goes on from: an API may forget them, and records that it deletes move the others.

import { afterEach, beforeEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { backfill } from "../../src/sync/backfill.js";
import { startManifestStack } from "../support/manifest-stack.js";
import { type Line, type ScriptedServer, startScripted } from "../support/scripted.js";
import type { ServedStack } from "../support/served-stack.js";

let api: ScriptedServer;
let stack: ServedStack;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => stack.close());

async function start(pages: object, rules: readonly object[] = []): Promise<void> {
  const manifest = manifestSchema.parse({
    throughline: 1,
    api: "things",
    base: "http://127.0.0.1",
    errors: { message: "/message", code: "/code", rules },
    tables: {
      items: {
        key: "id",
        columns: { id: { type: "text", write: "never" } },
        read: { list: { GET: "/items", rows: "/items", pages }, get: { GET: "/items/{key}", rows: "" } },
      },
    },
  });
  // It is pulled once, before a test begins.
  api.add(page([]));
  stack = await startManifestStack({ schema: "things", manifest, resource: "items", url: api.url, close: api.close });
  expect(routes()).toEqual([]);
}

const routes = () => api.routes.slice(1);
const byCursor = { cursor: "/next", as: "after" };
const page = (ids: readonly string[], next?: string, more: object = {}): Line => ({
  body: { items: ids.map((id) => ({ id })), next, ...more },
});

/** Copies, after so many pages with an interruption. Returns the rows of the copy, and why it began anew. */
async function copy(pagesBeforeStop = Number.POSITIVE_INFINITY) {
  const [found] = await openMirrors(stack.opened);
  if (!found) throw new Error("no mirror");
  const stop = new AbortController();
  const reasons: string[] = [];
  let pages = 0;
  const { rows, deleted, isInterrupted } = await backfill(stack.opened.pool, found.mirror, found.table, {
    full: false,
    signal: stop.signal,
    progress: () => {
      pages += 1;
      if (pages === pagesBeforeStop) stop.abort();
    },
    startsAnew: (reason) => reasons.push(reason),
  });
  return { rows, deleted, isInterrupted, reasons };
}

const mirrored = async () =>
  (await stack.admin.query("select id from things.items order by id")).rows.map(({ id }) => String(id));

test.each([400, 403, 404, 409, 410, 416, 422])(
  "P11: a copy whose place is answered with %i begins anew, says so, and sees what was deleted meanwhile",
  async (status) => {
    await start(byCursor);
    api.add(page(["1", "2"], "a"), page(["3", "4"], "b"));
    expect(await copy(2)).toMatchObject({ isInterrupted: true });
    const gone: Line = { status: 404, body: { message: "no such item" } };
    api.add({ status, body: { message: "iterator not available" } }, page(["2", "3"], "c"), page(["4"]));
    // The record that is not listed any more is asked for, and then the list as proof.
    api.add(gone, page(["2"]));
    expect(await copy()).toEqual({
      rows: 3,
      deleted: 1,
      isInterrupted: false,
      reasons: [expect.stringContaining("iterator not available")],
    });
    expect(await mirrored()).toEqual(["2", "3", "4"]);
    expect(routes().slice(2)).toEqual([
      "GET /items?after=b",
      "GET /items",
      "GET /items?after=c",
      "GET /items/1",
      "GET /items",
    ]);
  },
);

test("a place that is answered with 200 and an error in place of records is forgotten as well", async () => {
  await start(byCursor);
  api.add(page(["1"], "a"));
  await copy(1);
  api.add({ body: { ok: false, error: "invalid_cursor" } }, page(["1"]));
  expect(await copy()).toMatchObject({ rows: 1, reasons: [expect.stringContaining("no list of items")] });
});

test.each([401, 429, 503])("a %i to the place of a copy says nothing of the place, which is kept", async (status) => {
  await start(byCursor, [{ status: [401, 429, 503], retry: "never" }]);
  api.add(page(["1"], "a"));
  await copy(1);
  api.add({ status, body: { message: "not now" } });
  await expect(copy()).rejects.toThrow("not now");
  api.add(page(["2"]));
  expect(await copy()).toMatchObject({ rows: 1, reasons: [] });
  expect(routes()).toEqual(["GET /items", "GET /items?after=a", "GET /items?after=a"]);
});

test("a place is kept when the beginning can't be read either", async () => {
  await start(byCursor);
  api.add(page(["1"], "a"));
  await copy(1);
  const refused: Line = { status: 403, body: { message: "no right" } };
  api.add(refused, refused);
  await expect(copy()).rejects.toThrow("no right");
  api.add(page(["2"]));
  expect(await copy()).toMatchObject({ rows: 1, reasons: [] });
});

test("a page that a rule answers with `restart` begins the copy anew, but not for ever", async () => {
  const lost: Line = { status: 422, body: { code: "ITERATOR", message: "no longer known" } };
  await start(byCursor, [{ code: "ITERATOR", read: "restart" }]);
  api.add(page(["1"], "a"), lost, page(["1"], "b"), page(["2"]));
  expect(await copy()).toMatchObject({ rows: 2, reasons: [expect.stringContaining("no longer known")] });
  for (let times = 0; times < 4; times += 1) api.add(page(["1"], "a"), lost);
  await expect(copy()).rejects.toThrow("no longer known");
});

test("a refusal of a page in the midst of a copy ends it, without a rule", async () => {
  await start(byCursor);
  api.add(page(["1"], "a"), { status: 400, body: { message: "no more than 10000" } });
  await expect(copy()).rejects.toThrow("no more than 10000");
});

test("P12: a record under another key than asked is written as well, and what is counted are the keys that were asked for", async () => {
  await start({ cursor: "/next", as: "after" });
  api.add(page(["1", "2"]));
  await copy();
  // 1 has been merged into 3.
  api.add(page(["2"]), { body: { id: "3" } });
  expect(await copy()).toMatchObject({ rows: 1, deleted: 1 });
  expect(await mirrored()).toEqual(["2", "3"]);
});

test("P11: a copy by offset that rested while records were deleted goes on further to the front", async () => {
  await start({ offset: "skip", total: "/total" });
  api.add(page(["1", "2"], undefined, { total: 5 }));
  await copy(1);
  // 1 is gone, so that 3 is now where 2 was.
  api.add(page(["4", "5"], undefined, { total: 4 }), page(["3", "4"], undefined, { total: 4 }));
  api.add(page(["5"], undefined, { total: 4 }));
  await copy();
  expect(await mirrored()).toEqual(["1", "2", "3", "4", "5"]);
  expect(routes()).toEqual(["GET /items", "GET /items?skip=2", "GET /items?skip=1", "GET /items?skip=3"]);
});

test("P11: a list that had fewer records than its total is looked at once more", async () => {
  await start({ offset: "skip", total: "/total" });
  api.add(page(["1", "2"], undefined, { total: 4 }), page(["2", "4"], undefined, { total: 4 }));
  api.add(page(["1", "2"], undefined, { total: 4 }), page(["3", "4"], undefined, { total: 4 }));
  expect(await copy()).toMatchObject({ rows: 4 });
  expect(await mirrored()).toEqual(["1", "2", "3", "4"]);
});
