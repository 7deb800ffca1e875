// A read is sent again after what may pass, and only then; a write never is.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mayPass, mostRepeats, repeatPauseMs } from "../../src/upstream/repeats.js";
import { openItems } from "../support/items.js";
import { hangUp, type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

const found: Line = { body: { id: "1", name: "one" } };
const listed: Line = { body: { items: [{ id: "1" }] } };
const html = (status: number): Line => ({ status, headers: { "content-type": "text/html" }, text: "<html>" });
const never: Line = () => new Promise(() => undefined);

const passing: readonly (readonly [string, Line])[] = [
  ...[408, 425, 500, 502, 503, 504, 507, 520, 522, 524, 529, 599].map(
    (status) => [`a ${status}`, html(status)] as const,
  ),
  ["a 503 in JSON", { status: 503, body: { message: "try again" } }],
  ["a 503 that names a time", { status: 503, headers: { "retry-after": "0" }, text: "" }],
  ["a hang-up", hangUp],
  ["a time-out", never],
];

test.each(passing)("a read that is answered by %s is sent again", async (_, trouble) => {
  const { table, columns } = await openItems(api.url, { account: { timeoutMs: 300 } });
  api.add(trouble, found, trouble, listed);
  expect(await table.get(columns, ["1"])).toMatchObject([{ key: "1" }]);
  expect(await table.list(columns, null)).toMatchObject({ records: [{ key: "1" }] });
  expect(api.routes).toEqual(["GET /items/1", "GET /items/1", "GET /items", "GET /items"]);
});

test("a read by POST is sent again, and so are the columns and the proof that a record is gone", async () => {
  const opening = openItems(api.url, {
    table: {
      columns: { id: "text" },
      discover: { GET: "/columns", rows: "/columns", column: { name: "/name", type: "/type" } },
      read: {
        list: { GET: "/items", rows: "/items" },
        get: { POST: "/read", body: { ids: { each: "{key}" } }, rows: "/items", max: 9 },
      },
    },
  });
  api.add(html(502), { body: { columns: [{ name: "name", type: "text" }] } });
  const { table, columns } = await opening;
  api.add(html(502), listed);
  expect(await table.get(columns, ["1"])).toMatchObject([{ key: "1" }]);
  const single = await openItems(api.url);
  api.add({ status: 404, body: {} }, hangUp, listed);
  expect(await single.table.get(single.columns, ["1"])).toEqual([]);
  expect(api.routes).toEqual([
    ...["GET /columns", "GET /columns", "POST /read", "POST /read"],
    ...["GET /items/1", "GET /items", "GET /items"],
  ]);
});

test("a read that fails again and again fails with the last answer, and says how often it was sent", async () => {
  const { table, columns } = await openItems(api.url);
  api.add(...Array.from({ length: mostRepeats }, (): Line => hangUp), {
    status: 503,
    body: { message: "closed today" },
  });
  await expect(table.get(columns, ["1"])).rejects.toThrow(`status 503: closed today (sent ${mostRepeats + 1} times)`);
  expect(api.asked.length).toBe(mostRepeats + 1);
});

const lasting: readonly (readonly [string, Line])[] = [
  ...[400, 401, 402, 403, 409, 414, 422, 501, 505, 511].map((status) => [`a ${status}`, { status, body: {} }] as const),
  ["what a rule says not to repeat", { status: 503, body: { code: "GONE_FOR_GOOD" } }],
  ["a page in place of JSON", html(200)],
];

test.each(lasting)("a read that is answered by %s is not sent again", async (_, trouble) => {
  const rules = [{ code: "GONE_FOR_GOOD", retry: "never" }];
  const { table, columns } = await openItems(api.url, {
    manifest: { errors: { message: "/message", code: "/code", rules } },
  });
  api.add(trouble);
  await expect(table.get(columns, ["1"])).rejects.toThrow("things: rows by key of items");
  expect(api.asked.length).toBe(1);
});

test("an address that has answered is asked again when nothing listens there, and one that never has is not", async () => {
  const { table, columns } = await openItems(api.url);
  const { port } = new URL(api.url);
  api.add(found);
  await table.get(columns, ["1"]);
  await api.close();
  const asking = table.get(columns, ["1"]);
  api = await startScripted(found);
  const elsewhere = await openItems(api.url.replace(/\d+$/, port));
  await expect(elsewhere.table.get(elsewhere.columns, ["1"])).rejects.toThrow("unreachable (ECONNREFUSED)");
  await expect(asking).rejects.toThrow(`unreachable (ECONNREFUSED (sent ${mostRepeats + 1} times))`);
});

test("a read whose reader goes does not wait for its repetition", async () => {
  const { table, columns } = await openItems(api.url);
  const stop = new AbortController();
  api.add(() => {
    setImmediate(() => stop.abort());
    return { status: 503, headers: { "retry-after": "50" } };
  });
  await expect(table.get(columns, ["1"], { signal: stop.signal })).rejects.toThrow("things: rows by key of items");
  expect(api.asked.length).toBe(1);
});

test("a read is not repeated beyond the time that it has", async () => {
  const { table, columns } = await openItems(api.url);
  api.add({ status: 503, headers: { "retry-after": "61" } }, html(502));
  await expect(table.get(columns, ["1"])).rejects.toThrow("status 503");
  // The account of this test leaves a statement no time.
  await expect(table.getNow(columns, ["1"])).rejects.toThrow("status 502");
  expect(api.asked.length).toBe(2);
});

test.each(passing)("P7: a write that is answered by %s is sent once", async (_, trouble) => {
  const { table, columns } = await openItems(api.url, { account: { timeoutMs: 300, waitMs: 30_000 } });
  const rows = [{ key: "1", sent: { name: "x" } }];
  for (const verb of ["insert", "update", "delete"] as const) {
    api.add(trouble);
    const outcome = await table.write(verb, columns, rows, { idempotencyKey: "k" });
    expect(["unknown", "refused"]).toContain(outcome.kind);
  }
  expect(api.asked.length).toBe(3);
});

test("pauses grow twice as long each time, are never the same for all, and have a bound", () => {
  const some = fc.record({ repeats: fc.nat(60), chance: fc.double({ min: 0, max: 1, noNaN: true }) });
  fc.assert(
    fc.property(some, ({ repeats, chance }) => {
      const longest = repeatPauseMs(repeats, 0);
      expect(longest).toBe(Math.min(8_000, 250 * 2 ** repeats));
      expect(repeatPauseMs(repeats, chance)).toBeCloseTo(longest * (1 - chance / 2));
    }),
    { seed: 15 },
  );
});

test("no status below 500 but those of the moment may pass, nor one that a rule gives a meaning", () => {
  const statuses = fc.integer({ min: 400, max: 599 });
  fc.assert(
    fc.property(statuses, (status) => {
      expect(mayPass(status, { retry: "never", read: undefined })).toBe(false);
      expect(mayPass(status, { retry: "safe", read: "end" })).toBe(false);
      if (status < 500) expect(mayPass(status, undefined)).toBe(status === 408 || status === 425);
    }),
    { seed: 15 },
  );
});
