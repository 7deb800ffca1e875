// The help desk by bare HTTP: a fixture that other tests lean on must itself do what it says.

import { afterEach, expect, test, vi } from "vitest";
import { startDesk } from "../support/foreign/desk.js";

type Desk = Awaited<ReturnType<typeof startDesk>>;

const open: Desk[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((desk) => desk.close()));
});

async function start(options: Parameters<typeof startDesk>[0] = {}): Promise<Desk> {
  const desk = await startDesk(options);
  open.push(desk);
  return desk;
}

/** A body that is a string goes out as it is. */
async function ask(desk: Desk, asked: string, body?: unknown, signal: AbortSignal | null = null) {
  const [method = "", path] = asked.split(" ");
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { "X-Api-Key": "desk-key" };
  const answer = await fetch(`${desk.url}/api/tickets${path}`, { method, headers, body: text ?? null, signal });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const leak = { title: "A leak", owner: "ana" };

test("another key is refused, and none at all", async () => {
  const desk = await start();
  for (const headers of [{ "X-Api-Key": "other" }, {}]) {
    const answer = await fetch(`${desk.url}/api/tickets`, { headers });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({ errors: ["Invalid API key"] });
  }
});

test("a ticket is created, read, updated in part without a word, and deleted", async () => {
  const desk = await start();
  const created = await ask(desk, "POST ", { ticket: { ...leak, tags: ["wet"], custom: { floor: 2 } } });
  const ticket = {
    id: 1,
    title: "A leak",
    owner: "ana",
    status: "open",
    priority: null,
    reference: "",
    due_on: null,
    spent_hours: null,
    external_no: null,
    tags: ["wet"],
    custom: { floor: 2 },
    created_at: "2026-01-01T00:00:01.000Z",
    updated_at: "2026-01-01T00:00:01.000Z",
  };
  expect(created.status).toBe(201);
  expect(JSON.parse(created.text)).toEqual({ ticket });
  const updated = await ask(desk, "PUT /1", { ticket: { priority: 2, due_on: "2026-02-28" } });
  expect(updated).toMatchObject({ status: 204, text: "" });
  const changed = { ...ticket, priority: 2, due_on: "2026-02-28", updated_at: "2026-01-01T00:00:02.000Z" };
  expect(JSON.parse((await ask(desk, "GET /1")).text)).toEqual({ ticket: changed });
  expect(desk.records()).toEqual([changed]);
  expect(await ask(desk, "DELETE /1")).toMatchObject({ status: 204, text: "" });
  expect(desk.records()).toEqual([]);
});

test.each(["GET", "PUT", "DELETE"])("%s of a ticket that is missing answers 404", async (method) => {
  const desk = await start();
  for (const id of ["1", "one"]) {
    const answer = await ask(desk, `${method} /${id}`, method === "PUT" ? { ticket: leak } : undefined);
    expect(answer).toMatchObject({ status: 404, text: '{"errors":["Ticket not found"]}' });
  }
});

test("pages are cut by offset, at most 50 long, by id", async () => {
  const desk = await start();
  const ids = desk.seed(Array.from({ length: 60 }, () => leak));
  const page = async (query: string) => {
    const { tickets, total } = JSON.parse((await ask(desk, `GET ?${query}`)).text);
    return { ids: tickets.map(({ id }: { id: number }) => id), total };
  };
  expect(await page("limit=1000")).toEqual({ ids: ids.slice(0, 50), total: 60 });
  expect(await page("offset=50&limit=20&sort=id")).toEqual({ ids: ids.slice(50), total: 60 });
  desk.remove(1);
  expect(await page("offset=50&limit=20")).toEqual({ ids: ids.slice(51), total: 59 });
  for (const query of ["limit=0", "offset=-1", "sort=title", "updated_since=soon"])
    expect((await ask(desk, `GET ?${query}`)).status, query).toBe(400);
});

test("what changed since a time comes in the order of the changes, those of the time itself included", async () => {
  const desk = await start();
  desk.seed([leak, leak, leak]);
  desk.edit(2, { status: "solved" });
  desk.edit(1, { status: "pending" });
  const { tickets, total } = JSON.parse((await ask(desk, "GET ?updated_since=2026-01-01T00:00:03Z")).text);
  expect(tickets.map(({ id }: { id: number }) => id)).toEqual([3, 2, 1]);
  expect(total).toBe(3);
});

test("changes of one instant come by id", async () => {
  const desk = await start({ nowMs: () => 0 });
  desk.seed([leak, leak]);
  desk.edit(1, { status: "solved" });
  const { tickets } = JSON.parse((await ask(desk, "GET ?updated_since=1970-01-01")).text);
  expect(tickets.map(({ id }: { id: number }) => id)).toEqual([1, 2]);
});

test.each([
  [{}, ["Title cannot be blank", "Owner cannot be blank"]],
  [{ title: " ", owner: "zoe" }, ["Title cannot be blank", "Owner is invalid"]],
  [{ ...leak, priority: 6, due_on: "2026-02-30" }, ["Priority must be between 1 and 5", "Due on is invalid"]],
  [{ ...leak, priority: 1.5 }, ["Priority must be between 1 and 5"]],
  [{ ...leak, spent_hours: "2", external_no: 1.5 }, ["Spent hours is not a number", "External no is not a number"]],
  [
    { ...leak, tags: "wet", custom: [], reference: 7 },
    ["Reference is invalid", "Tags is invalid", "Custom is invalid"],
  ],
])("%j is refused with all that is wrong with it", async (ticket, errors) => {
  const desk = await start();
  const answer = await ask(desk, "POST ", { ticket });
  expect({ status: answer.status, ...JSON.parse(answer.text) }).toEqual({ status: 422, errors });
  expect(desk.records()).toEqual([]);
});

test.each([undefined, "{", "[]", "{}", '{"ticket":1}'])("the body %s is no ticket", async (body) => {
  expect(await ask(await start(), "POST ", body)).toMatchObject({
    status: 400,
    text: '{"errors":["Ticket is missing"]}',
  });
});

test("a reference belongs to one ticket, and an empty one to none", async () => {
  const desk = await start();
  desk.seed([{ ...leak, reference: "R1" }, leak, leak]);
  const taken = '{"errors":["Reference has already been taken by ticket 1"]}';
  expect(await ask(desk, "POST ", { ticket: { ...leak, reference: "R1" } })).toMatchObject({
    status: 409,
    text: taken,
  });
  expect(await ask(desk, "PUT /2", { ticket: { reference: "R1" } })).toMatchObject({ status: 409, text: taken });
  expect((await ask(desk, "PUT /1", { ticket: { reference: "R1" } })).status).toBe(204);
});

test("an unknown status becomes the default, a cleared text is empty, and read-only fields are passed over", async () => {
  const desk = await start();
  desk.seed([{ ...leak, status: "solved", reference: "R1", priority: 1 }]);
  const written = { status: "lost", reference: null, priority: null, id: 9, created_at: "x", updated_at: "x", more: 1 };
  expect((await ask(desk, "PUT /1", { ticket: written })).status).toBe(204);
  expect(desk.records()).toMatchObject([{ id: 1, status: "open", reference: "", priority: null }]);
  expect(desk.records()[0]).toMatchObject({ created_at: "2026-01-01T00:00:01.000Z" });
  expect(desk.records()[0]).not.toHaveProperty("more");
});

test("numbers are kept as they were written", async () => {
  const desk = await start();
  const numbers = '"spent_hours":0.10,"external_no":9007199254740993,"custom":{"a\\"1":[-1.50,1e400]}';
  const created = await ask(desk, "POST ", `{"ticket":{"title":"7","owner":"ana",${numbers}}}`);
  const parts = ['"spent_hours":0.10', '"external_no":9007199254740993', '{"a\\"1":[-1.50,1e400]}', '"title":"7"'];
  for (const part of parts) expect(created.text).toContain(part);
  expect(desk.records()).toMatchObject([{ spent_hours: "0.10", external_no: "9007199254740993" }]);
  expect(desk.log).toMatchObject([{ sent: { ticket: { external_no: "9007199254740993" } } }]);
  desk.edit(1, { external_no: 9223372036854775807n });
  expect((await ask(desk, "GET /1")).text).toContain('"external_no":9223372036854775807,');
  expect(() => desk.edit(1, { external_no: 9223372036854775808n })).toThrow("External no is not a number");
});

test("over its rate it refuses, tells the seconds to wait, and every answer has an id and what is left", async () => {
  const desk = await start({ rate: { calls: 1, perMs: 60_000 } });
  const first = await ask(desk, "GET ");
  expect([first.headers.get("x-request-id"), first.headers.get("x-rate-left")]).toEqual(["desk-1", "0"]);
  const second = await ask(desk, "POST ", { ticket: leak });
  expect(second).toMatchObject({ status: 429, text: '{"errors":["Too many requests"]}' });
  expect(Number(second.headers.get("retry-after"))).toBeGreaterThan(50);
  expect(second.headers.get("x-request-id")).toBe("desk-2");
  expect(desk.records()).toEqual([]);
});

test.each([
  { kind: "hang-up-before", stored: 0 },
  { kind: "hang-up-after", stored: 1 },
] as const)("$kind breaks the connection with $stored tickets stored", async ({ kind, stored }) => {
  const desk = await start();
  desk.fault({ kind });
  await expect(ask(desk, "POST ", { ticket: leak })).rejects.toThrow();
  expect(desk.records()).toHaveLength(stored);
  expect(desk.log).toMatchObject([{ status: null, sent: { ticket: leak }, answered: undefined }]);
});

test.each([
  { kind: "hang-before", stored: 0 },
  { kind: "hang", stored: 1 },
] as const)("$kind never answers, with $stored tickets stored", async ({ kind, stored }) => {
  const desk = await start();
  desk.fault({ kind });
  const waiting = new AbortController();
  const answer = ask(desk, "POST ", { ticket: leak }, waiting.signal);
  await vi.waitFor(() => expect(desk.log).toHaveLength(1), { interval: 1 });
  expect(desk.records()).toHaveLength(stored);
  waiting.abort();
  await expect(answer).rejects.toThrow();
});

test("a fault strikes what it is aimed at, as often as it is told", async () => {
  const desk = await start();
  desk.seed([leak]);
  desk.fault({ kind: "error-after-apply", on: { method: "PUT", path: "/api/tickets/*" }, times: 2 });
  desk.fault({ kind: "rate-limit", on: { method: "DELETE" }, waitMs: 1500 });
  expect((await ask(desk, "GET /1")).status).toBe(200);
  for (const [title, status] of [["b", 500], ["c", 500], ["d", 204]] as const) // biome-ignore format: a table
    expect((await ask(desk, "PUT /1", { ticket: { title } })).status).toBe(status);
  expect(desk.records()).toMatchObject([{ title: "d" }]);
  const limited = await ask(desk, "DELETE /1");
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "2"]);
  desk.fault({ kind: "rate-limit" });
  desk.clearFaults();
  expect((await ask(desk, "DELETE /1")).status).toBe(204);
});

test("the log has requests and answers, and no changes by other people", async () => {
  const desk = await start();
  desk.seed([leak]);
  desk.edit(1, { title: "A flood" });
  await ask(desk, "PUT /1", { ticket: { priority: 9 } });
  await ask(desk, "GET ?limit=1");
  const errors = ["Priority must be between 1 and 5"];
  expect(desk.log).toMatchObject([
    { method: "PUT", path: "/api/tickets/1", status: 422, sent: { ticket: { priority: 9 } }, answered: { errors } },
    { method: "GET", path: "/api/tickets", query: "?limit=1", status: 200, sent: undefined, answered: { total: 1 } },
  ]);
  expect([desk.calls(), desk.calls("PUT /api/tickets/{id}"), desk.calls("POST /api/tickets")]).toEqual([2, 1, 0]);
  desk.clearLog();
  expect(desk.calls()).toBe(0);
  expect(() => desk.remove(2)).toThrow("Ticket not found");
});
