// A help desk by its manifest alone: PUT with a wrapper, a 204 for an update, errors that are text, no batches.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { startDesk } from "../support/foreign/desk.js";
import { startForeignStack } from "../support/foreign/stack.js";

const start = async () =>
  startForeignStack({ name: "desk", resource: "tickets", api: await startDesk(), values: { key: "desk-key" } });

let stack: Awaited<ReturnType<typeof start>>;
let ids: readonly number[];
beforeAll(async () => {
  stack = await start();
  stack.api.seed(Array.from({ length: 120 }, (_, n) => ({ title: `ticket ${n}`, owner: "ana" })));
  ids = stack.api.seed([
    { title: "printer", owner: "ana", reference: "R-1", tags: ["a b", 'c"d'], custom: { floor: 3 }, priority: 2 },
    { title: "screen", owner: "ben", reference: "R-2", spent_hours: 1.5 },
  ]);
  await stack.pull();
});
afterAll(() => stack.close());
beforeEach(() => stack.api.clearLog());

const sent = () => stack.api.log.map(({ method, path }) => `${method} ${path}`);
const ticket = async (id: number) =>
  (await stack.admin.query("select * from desk.tickets where id = $1", [id])).rows[0];

test("pages by offset bring every record, once", async () => {
  const { rows } = await stack.admin.query(
    "select count(*)::int as n, count(distinct id)::int as ids from desk.tickets",
  );
  expect(rows).toEqual([{ n: 122, ids: 122 }]);
  expect(await ticket(ids[0] ?? 0)).toMatchObject({
    title: "printer",
    tags: ["a b", 'c"d'],
    custom: { floor: 3 },
    priority: 2,
    due_on: null,
  });
});

test("P3: INSERT is a POST with the wrapper, and RETURNING has the API's id and defaults", async () => {
  const client = await stack.client();
  const { rows } = await client.query(
    `insert into desk.tickets (title, owner, priority, due_on, tags, external_no, spent_hours)
     values ('mouse', 'chi', 3, '2026-03-01', '{x,"y z"}', 9007199254740993, 0.10)
     returning id, title, status, priority, due_on::text, tags, external_no, spent_hours, created_at is not null as made`,
  );
  expect(rows).toEqual([
    {
      id: String(Number(rows[0].id)),
      title: "mouse",
      status: "open",
      priority: 3,
      due_on: "2026-03-01",
      tags: ["x", "y z"],
      external_no: "9007199254740993",
      spent_hours: "0.10",
      made: true,
    },
  ]);
  expect(Number(rows[0].id)).toBeGreaterThan(0);
  expect(sent()).toEqual(["POST /api/tickets"]);
  expect(stack.api.log[0]?.sent).toEqual({
    ticket: expect.objectContaining({ external_no: "9007199254740993", spent_hours: "0.10", tags: ["x", "y z"] }),
  });
});

test("P3: UPDATE is a PUT that answers 204, and the row is read again", async () => {
  const client = await stack.client();
  const [id = 0] = ids;
  const { rows } = await client.query(
    "update desk.tickets set title = upper(title), due_on = '2026-04-01' where id = $1 returning title, due_on::text, updated_at > created_at as later",
    [id],
  );
  expect(rows).toEqual([{ title: "PRINTER", due_on: "2026-04-01", later: true }]);
  expect(sent()).toEqual([`PUT /api/tickets/${id}`, `GET /api/tickets/${id}`]);
  expect(stack.api.log[0]?.sent).toEqual({ ticket: { title: "PRINTER", due_on: "2026-04-01" } });
});

test("a field that is cleared reads as NULL, although the API answers with an empty text", async () => {
  const client = await stack.client();
  const { rows } = await client.query("update desk.tickets set reference = null where id = $1 returning reference", [
    ids[1],
  ]);
  expect(rows).toEqual([{ reference: null }]);
  await stack.pull();
  expect((await ticket(ids[1] ?? 0)).reference).toBeNull();
});

test("an option that the API replaces by its default stays in the row, and an ignored change is an error", async () => {
  const client = await stack.client();
  const [, id] = ids;
  await client.query("update desk.tickets set status = 'pending' where id = $1", [id]);
  const replaced = await client.query("update desk.tickets set status = 'urgent' where id = $1 returning status", [id]);
  expect(replaced.rows).toEqual([{ status: "open" }]);
  const again = refused(client.query("update desk.tickets set status = 'urgent', title = 'now' where id = $1", [id]));
  expect(await again).toMatchObject({ code: "42501", column: "status" });
  expect(await ticket(id ?? 0)).toMatchObject({ status: "open", title: "now" });
});

const refusals: readonly (readonly [string, object])[] = [
  ["insert into desk.tickets (title, owner) values ('  ', 'ana')", { code: "23502", column: "title" }],
  ["insert into desk.tickets (title, owner) values ('x', 'zed')", { code: "23503", column: "owner" }],
  ["insert into desk.tickets (title, owner, priority) values ('x', 'ana', 9)", { code: "23514", column: "priority" }],
];

test.each(refusals)("P4: %s is refused, with the column by its label", async (sql, error) => {
  const client = await stack.client();
  expect(await refused(client.query(sql))).toMatchObject({
    ...error,
    schema: "desk",
    table: "tickets",
    detail: expect.stringMatching(/^status 422, request desk-\d+\.$/),
  });
  expect(sent()).toEqual(["POST /api/tickets"]);
});

test("P4: a duplicate names its column, and the hint names the other record", async () => {
  const other = stack.api.seed([{ title: "unseen", owner: "ana", reference: "R-9" }]);
  const client = await stack.client();
  expect(
    await refused(client.query("insert into desk.tickets (title, owner, reference) values ('x', 'ana', 'R-9')")),
  ).toMatchObject({
    code: "23505",
    column: "reference",
    constraint: "tickets_reference_key",
    hint: `Ticket ${other[0]} has it.`,
    message: `desk: Reference has already been taken by ticket ${other[0]}`,
  });
});

test("P5: a missing value that the manifest requires is refused before anything is sent", async () => {
  const client = await stack.client();
  expect(await refused(client.query("insert into desk.tickets (title) values ('x')"))).toMatchObject({
    code: "23502",
    column: "owner",
  });
  expect(await refused(client.query("update desk.tickets set title = 'x' where id > 0"))).toMatchObject({
    code: "54000",
    hint: "Nothing was sent. Write at most 1 rows per statement.",
  });
  expect(sent()).toEqual([]);
});

test("a record that was deleted upstream: UPDATE says so once, DELETE succeeds, and a pull sees it", async () => {
  const [gone = 0, deleted = 0, unseen = 0] = stack.api.seed([
    { title: "gone", owner: "ana" },
    { title: "deleted", owner: "ana" },
    { title: "unseen", owner: "ana" },
  ]);
  await stack.pull();
  for (const id of [gone, deleted, unseen]) stack.api.remove(id);
  const client = await stack.client();
  expect(await refused(client.query("update desk.tickets set title = 'x' where id = $1", [gone]))).toMatchObject({
    code: "40001",
  });
  expect((await client.query("update desk.tickets set title = 'x' where id = $1", [gone])).rowCount).toBe(0);
  expect((await client.query("delete from desk.tickets where id = $1", [deleted])).rowCount).toBe(1);
  await stack.pull();
  expect(await ticket(unseen)).toBeUndefined();
});

test("a 429 is waited for as long as it asks, and the statement succeeds", async () => {
  stack.api.fault({ kind: "rate-limit", on: { method: "POST" }, times: 1, waitMs: 1_000 });
  const client = await stack.client();
  const { rowCount } = await client.query("insert into desk.tickets (title, owner) values ('later', 'ana')");
  expect(rowCount).toBe(1);
  expect(sent()).toEqual(["POST /api/tickets", "POST /api/tickets"]);
});

test("a wrong key is the API's own refusal", async () => {
  const wrong = startForeignStack({
    name: "desk",
    resource: "tickets",
    api: await startDesk(),
    values: { key: "wrong" },
  });
  await expect(wrong).rejects.toThrow("desk: a page of tickets: Invalid API key");
});
