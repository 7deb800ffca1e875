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

async function reconciled(...answers: readonly Line[]) {
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
  };
  const request = [{ key: null, sent: { name: "one" }, before: {} }];
  const entry = { call: "a call", verb: "insert", request, ageMs: 10_000, idempotencyKey: "its key" } as const;
  return reconcileWithUpstream({ mirror, table }, entry, async () => new Set());
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
  expect(await reconciled(line)).toBeUndefined();
  expect(api.asked.map(({ method, headers }) => [method, headers["idempotency-key"]])).toEqual([["POST", "its key"]]);
});

test("P6: the record that the repetition brings was made, and is read as it is now", async () => {
  expect(
    await reconciled({ status: 201, body: { id: "7", name: "one" } }, { body: { id: "7", name: "newer", n: 3 } }),
  ).toEqual({
    state: "accepted",
    rows: [{ key: "7", row: { id: "7", name: "newer", n: "3" } }],
  });
});
