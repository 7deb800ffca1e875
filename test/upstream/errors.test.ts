// What an API says when it refuses, by the rules of a manifest: in Postgres's terms, with the column, and what became of the rows.

import { afterEach, beforeEach, expect, test } from "vitest";
import { refusingStatuses } from "../../src/upstream/errors.js";
import { openItems } from "../support/items.js";
import { type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

const labelled = {
  columns: {
    id: { type: "text", write: "never" },
    name: { type: "text", label: "Full name" },
    n: { type: "integer", to: "count" },
  },
};
const refusedBy = (status: number, body: unknown, headers: Record<string, string> = {}): Line => ({
  status,
  body,
  headers,
});
async function updated(errors: object, ...answers: readonly Line[]) {
  const { table, columns } = await openItems(api.url, {
    manifest: { errors },
    table: labelled,
    account: { waitMs: 10_000 },
  });
  api.add(...answers);
  return table.write("update", columns, [{ key: "1", sent: { name: "x" } }]);
}

const list = { list: "/errors", code: ["/code", "/type"], message: "/text", column: "/field", row: "/row" };
const first = { code: "E1", text: "first", field: "name" };
const second = { code: "E2", text: "second", field: "count", row: 3 };

/** The addresses and rules, the answer, and what the client is told. */
const told: readonly (readonly [string, object, Line, object])[] = [
  [
    "the first of a list is the error",
    { ...list, rules: [{ code: "E1", raise: "unique_violation" }] },
    refusedBy(400, { errors: [first, second] }),
    { sqlstate: "23505", message: "first", code: "E1", column: "name", row: null },
  ],
  [
    "what only follows from another is never the error",
    {
      ...list,
      rules: [
        { code: "E1", skip: true },
        { code: "E2", raise: "not_null_violation" },
      ],
    },
    refusedBy(400, { errors: [first, second] }),
    { sqlstate: "23502", message: "second", column: "n", row: 3 },
  ],
  [
    "unless there is no other",
    { ...list, rules: [{ code: "E1", skip: true, raise: "check_violation" }] },
    refusedBy(409, { errors: [first] }),
    { sqlstate: "23514", message: "first" },
  ],
  [
    "without the list, the body is the error",
    list,
    refusedBy(409, { text: "taken", type: "DUP", field: "Full Name" }),
    { sqlstate: "23505", message: "taken", code: "DUP", column: "name" },
  ],
  [
    "what the single error lacks is looked for in the body",
    { ...list, rules: [{ code: "DUP", raise: "unique_violation" }] },
    refusedBy(400, { type: "DUP", text: "taken", field: "name", row: 2, errors: [{ code: "X" }] }),
    { sqlstate: "23505", message: "taken", code: "DUP", column: "name", row: 2 },
  ],
  [
    "a code is one of several, and may be a number",
    { ...list, rules: [{ code: [4, 21211], raise: "invalid_text_representation" }] },
    refusedBy(400, { code: 21211, text: "no number" }),
    { sqlstate: "22P02", code: "21211" },
  ],
  [
    "where a value stands in the single error",
    { ...list, rules: [{ where: { "/kind": ["a", 7] }, raise: "lock_not_available" }] },
    refusedBy(400, { errors: [{ kind: 7, text: "x" }] }),
    { sqlstate: "55P03" },
  ],
  [
    "where a value stands in the body",
    { ...list, rules: [{ where: { "/policy": "DAY", "/hard": true }, raise: "insufficient_privilege" }] },
    refusedBy(400, { policy: "DAY", hard: true, errors: [{ text: "x" }] }),
    { sqlstate: "42501" },
  ],
  [
    "where one of several values does not stand, a rule is not meant",
    { ...list, rules: [{ where: { "/policy": "DAY", "/hard": true }, raise: "insufficient_privilege" }] },
    refusedBy(400, { policy: "DAY", errors: [{ text: "x" }] }),
    { sqlstate: "23514" },
  ],
  [
    "a text names the column, by its name there, and fills in the hint",
    {
      ...list,
      rules: [
        {
          message: "(?<column>\\w+) has the record (?<id>\\d+)",
          hint: "It is {id}, says {column}.",
          raise: "unique_violation",
        },
      ],
    },
    refusedBy(400, { text: "COUNT: count has the record 12" }),
    { sqlstate: "23505", column: "n", hint: "It is 12, says count." },
  ],
  [
    "a text names the column by its label",
    { ...list, rules: [{ status: [400, 422], message: "^(?<label>.+) is taken", constraint: "items_name_unique" }] },
    refusedBy(422, { text: "full name is taken" }),
    { sqlstate: "23514", column: "name", constraint: "items_name_unique" },
  ],
  [
    "an error may be no more than a text",
    { list: "/errors", message: "/text", rules: [{ message: "^(?<label>.+) is bad", raise: "not_null_violation" }] },
    refusedBy(400, { errors: ["Full name is bad", "n is bad"] }),
    { sqlstate: "23502", message: "Full name is bad", column: "name" },
  ],
  [
    "where the error is a text in the body",
    { code: ["/error/type", "/error"], message: ["/error/message", "/error"] },
    refusedBy(403, { error: "NOT_ALLOWED" }),
    { sqlstate: "42501", code: "NOT_ALLOWED", message: "NOT_ALLOWED" },
  ],
  [
    "its request is by pointer",
    { ...list, request: "/trace/id" },
    refusedBy(400, { trace: { id: "r1" }, errors: [first] }),
    { request: "r1" },
  ],
  [
    "its request is by header",
    { ...list, request: { header: "X-Request-Id" } },
    refusedBy(400, {}, { "x-request-id": "r2" }),
    { request: "r2", message: "status 400" },
  ],
  ["a 412 is a check that failed", list, refusedBy(412, {}), { sqlstate: "40001" }],
  ["a 423 is a lock", list, refusedBy(423, {}), { sqlstate: "55P03" }],
  ["a 415 is like nothing else", list, refusedBy(415, {}), { sqlstate: "HV000" }],
  [
    "upstream's words are cut, and have no line ends",
    { message: "/text" },
    refusedBy(400, { text: `a\n\tb${"x".repeat(3000)}` }),
    { message: `a b${"x".repeat(2044)}…` },
  ],
];

test.each(told)("%s", async (_, errors, answer, error) => {
  expect(await updated(errors, answer)).toMatchObject({ kind: "refused", error });
});

const again = refusedBy(429, { code: "DAILY" }, { "retry-after": "0.01" });
const accepted = { body: { id: "1", name: "x" } };

test("a 429 is repeated, unless a rule says never", async () => {
  expect(await updated({ message: "/text" }, again, again, accepted)).toMatchObject({ kind: "answered" });
  const rules = [{ code: "DAILY", retry: "never", raise: "configuration_limit_exceeded" }];
  expect(await updated({ message: "/text", code: "/code", rules }, again)).toMatchObject({
    kind: "refused",
    error: { sqlstate: "53400", code: "DAILY" },
  });
  expect(api.asked.length).toBe(4);
});

test.each([409, 503])("a %i is repeated where a rule says always", async (status) => {
  const rules = [{ code: "BUSY", retry: "always" }];
  const busy = refusedBy(status, { code: "BUSY" }, { "retry-after": "0.01" });
  expect(await updated({ message: "/text", code: "/code", rules }, busy, accepted)).toMatchObject({ kind: "answered" });
});

test("a call that may be repeated stays unknown when the time is up", async () => {
  const rules = [{ code: "BUSY", retry: "always" }];
  const busy = refusedBy(503, { code: "BUSY" }, { "retry-after": "60" });
  expect(await updated({ message: "/text", code: "/code", rules }, busy)).toMatchObject({
    kind: "unknown",
    status: 503,
  });
});

test("the outcome of a 5xx, or of a rule that says so, is unknown", async () => {
  expect(await updated({ message: "/text" }, refusedBy(502, { text: "bad gateway" }))).toMatchObject({
    kind: "unknown",
    reason: "status 502: bad gateway",
  });
  const page = { status: 502, text: "<html><h1>502 Bad Gateway</h1><hr>nginx</html>" };
  expect(await updated({ message: "/text" }, page)).toMatchObject({
    kind: "unknown",
    reason: "status 502: 502 Bad Gateway nginx",
  });
  const rules = [{ code: "TIMEOUT", outcome: "unknown" }];
  expect(await updated({ message: "/text", code: "/code", rules }, refusedBy(400, { code: "TIMEOUT" }))).toMatchObject({
    kind: "unknown",
    status: 400,
  });
});

/** The table's list, which proves that the account may still see it. */
const listed: Line = { body: { items: [] } };

const statuses = Array.from({ length: 200 }, (_, index) => 400 + index);
test.each(statuses)("P13: a %i refuses a write only where its definition says so", async (status) => {
  const refuses = status in refusingStatuses;
  const errors = { message: "/text", rules: [{ status: 429, retry: "never" }] };
  const ending = await updated(errors, refusedBy(status, []), listed);
  const isGone = status === 404 || status === 410;
  expect(ending.kind).toBe(isGone ? "answered" : refuses ? "refused" : "unknown");
});

test("a 5xx that a rule places is a refusal", async () => {
  const rules = [{ status: 500, message: "duplicate", raise: "unique_violation" }];
  expect(await updated({ message: "/text", rules }, refusedBy(500, { text: "Duplicate key" }))).toMatchObject({
    kind: "refused",
    error: { sqlstate: "23505" },
  });
});

test("a row that is gone is absent, by a rule", async () => {
  const rules = [{ status: 403, code: "GONE", outcome: "absent" }];
  const gone = refusedBy(403, { code: "GONE" });
  expect(await updated({ message: "/text", code: "/code", rules }, gone, listed)).toMatchObject({
    kind: "answered",
    rows: [{ kind: "absent" }],
  });
});

const asking = { message: "/text", rules: [{ status: 403, outcome: "ask", raise: "insufficient_privilege" }] };
const forbidden = refusedBy(403, { text: "forbidden" });

test("asked whether its rows are there: one that is gone is absent, one that is there was refused", async () => {
  expect(await updated(asking, forbidden, forbidden, listed)).toMatchObject({ rows: [{ kind: "absent" }] });
  expect(await updated(asking, forbidden, refusedBy(404, {}), listed)).toMatchObject({ rows: [{ kind: "absent" }] });
  expect(await updated(asking, forbidden, accepted)).toMatchObject({ kind: "refused", error: { sqlstate: "42501" } });
});

test("where nobody says whether its rows are there, it was refused", async () => {
  expect(await updated(asking, forbidden, refusedBy(500, {}))).toMatchObject({
    kind: "refused",
    error: { sqlstate: "42501", message: "forbidden" },
  });
  expect(await updated(asking, forbidden, "hang up")).toMatchObject({ kind: "refused" });
});

test("asked of several rows, each is told by itself", async () => {
  const { table, columns } = await openItems(api.url, {
    manifest: { errors: asking },
    table: {
      read: { list: { GET: "/items", rows: "" }, get: { GET: "/items", rows: "", max: 5 } },
      write: { delete: { POST: "/delete", body: "{keys}", max: 5 } },
    },
  });
  api.add(forbidden, { body: [{ id: "2" }] }, { body: [] });
  const rows = ["1", "2"].map((key) => ({ key, sent: {} }));
  expect(await table.write("delete", columns, rows)).toMatchObject({
    rows: [{ kind: "absent" }, { kind: "refused", error: { sqlstate: "42501" } }],
  });
});

test("a read that is refused says the code, the status and the request, and the words of a page", async () => {
  const { table, columns } = await openItems(api.url, { manifest: { errors: { ...list, request: "/trace" } } });
  const page = { "content-type": "text/html" };
  api.add(
    refusedBy(400, { text: "bad cursor", code: "E7", trace: "r1" }),
    { status: 403, headers: page, text: "<title>403</title><p>Denied by policy 12" },
    { headers: page, text: "<p>Please sign in</p>" },
    { status: 501, text: "upstream connect error" },
  );
  const failures = [];
  for (let i = 0; i < 4; i += 1) failures.push(await table.list(columns, null).catch((cause: Error) => cause.message));
  expect(failures).toEqual([
    "things: a page of items: bad cursor (code E7, status 400, request r1)",
    "things: a page of items: status 403: 403 Denied by policy 12",
    "things: a page of items came without JSON, status 200: Please sign in",
    "things: a page of items: status 501: upstream connect error",
  ]);
});

test("a 429 that is not waited for is told with upstream's own words", async () => {
  const busy = refusedBy(429, { text: "the daily limit is used up", code: "DAILY" }, { "retry-after": "3600" });
  expect(await updated({ message: "/text", code: "/code" }, busy)).toMatchObject({
    kind: "refused",
    error: { sqlstate: "53400", code: "DAILY", status: 429, words: "the daily limit is used up" },
  });
});
