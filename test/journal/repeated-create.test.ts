// A create whose answer was lost is made once more under its idempotency key. Only an answer that accepts it says what became of it.

import { afterEach, beforeEach, expect, test } from "vitest";
import { reconcileWithUpstream } from "../../src/journal/reconcile.js";
import type { Mirror } from "../../src/mirror/column.js";
import { openItems } from "../support/items.js";
import { hangUp, type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

/** Sent ten seconds ago, by both clocks. */
const young = [10_000, 10_000];

async function reconciled(answers: readonly Line[], agesMs: readonly (number | null)[] = young) {
  const { table, columns } = await openItems(api.url, {
    manifest: { idempotency: { header: "Idempotency-Key", keeps: "1h" } },
    account: { waitMs: 1_000 },
  });
  api.add(...answers);
  const mirror: Mirror = {
    id: 1,
    api: "items",
    resource: "items",
    schema: "items",
    table: "items",
    relation: 1,
    key: columns.filter(({ name }) => name === "id"),
    columns,
    complete: true,
    revision: 1,
    missingIndexes: new Map(),
  };
  const request = [{ key: null, sent: { name: "one" }, before: {} }];
  const readAtMs = performance.now();
  const entry = { call: "a call", verb: "insert", request, agesMs, readAtMs, idempotencyKey: "its key" } as const;
  const { signal } = new AbortController();
  const found = await reconcileWithUpstream({ mirror, table, findClaims: async () => new Set(), signal }, [entry]);
  return found.get("a call");
}

const says: readonly (readonly [what: string, line: Line])[] = [
  ...[400, 401, 403, 404, 409, 410, 412, 413, 422, 423, 500].map(
    (status) => [`a ${status}`, { status, body: { message: "no" } }] as const,
  ),
  ["a gateway's 404", { status: 404, text: "<html>no route</html>" }],
  ["a redirect", { status: 302, headers: { location: "/items/7" } }],
  ["nothing at all", hangUp],
  ["an answer without the record", { body: { done: true } }],
];

test.each(says)("P13: %s to the repetition says nothing of the first attempt", async (_, line) => {
  expect(await reconciled([line])).toBeUndefined();
  expect(api.asked.map(({ method, headers }) => [method, headers["idempotency-key"]])).toEqual([["POST", "its key"]]);
});

test("P6: the record that the repetition brings was made, and is read as it is now", async () => {
  expect(
    await reconciled([{ status: 201, body: { id: "7", name: "one" } }, { body: { id: "7", name: "newer", n: 3 } }]),
  ).toEqual({
    neededLooks: 1,
    state: "accepted",
    rows: [{ key: "7", row: { id: "7", name: "newer", n: "3" } }],
  });
});

test.each([
  ["Postgres's clock went back by three days", [10_000 - 3 * 86_400_000, 10_000]],
  ["Postgres's clock went back while the key was forgotten", [10_000, 3_600_000]],
  ["this machine's clock went back while the key was forgotten", [3_600_000, 10_000]],
  ["an earlier version sent it", [10_000, null]],
  ["upstream may have forgotten the key", [3_550_000, 3_550_000]],
] as const)("P13: nothing is made once more when %s", async (_, agesMs) => {
  expect(await reconciled([{ status: 201, body: { id: "7", name: "one" } }], agesMs)).toBeUndefined();
  expect(api.asked).toEqual([]);
});
