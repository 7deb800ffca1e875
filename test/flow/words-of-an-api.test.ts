// What an API says, on its whole way: into the client's error or warning, into the journal, and onto the terminal of whoever reads it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { DatabaseError } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { startManifestStack } from "../support/manifest-stack.js";
import { runProgram } from "../support/program.js";
import { type ScriptedServer, startScripted } from "../support/scripted.js";
import type { ServedStack } from "../support/served-stack.js";

const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Noncharacter_Code_Point}]/u;
/** A key that commands a terminal, and forges a line of a list. */
const evilKey = "k\u001b[2J\u202e\n2026-01-01  closed";

const manifest = {
  throughline: 1,
  api: "words",
  base: "http://127.0.0.1",
  errors: { message: "/message", code: "/code", column: "/field", request: "/request" },
  tables: {
    items: {
      key: "id",
      columns: { id: { type: "text", write: "never" }, name: "text", n: "integer" },
      read: { list: { GET: "/items", rows: "/items" }, get: { GET: "/items/{key}", rows: "" } },
      write: {
        create: { POST: "/items", body: "{record}", rows: "" },
        update: { PATCH: "/items/{key}", body: "{record}", rows: "" },
        delete: { DELETE: "/items/{key}" },
      },
    },
  },
};
let api: ScriptedServer;
let stack: ServedStack;
beforeAll(async () => {
  api = await startScripted({
    body: {
      items: [
        { id: evilKey, name: "one" },
        { id: "2", name: "two" },
      ],
    },
  });
  stack = await startManifestStack({
    schema: "words",
    manifest: manifestSchema.parse(manifest),
    resource: "items",
    url: api.url,
    close: () => api.close(),
  });
});
afterAll(() => stack.close());

const evil = fc
  .array(
    fc.oneof(
      fc.constantFrom("\0", "\u001b]52;c;QQ==\u0007", "\r\n", "\u202e", "\u2028", "\ud800"),
      fc.string({ unit: "binary" }),
    ),
  )
  .map((parts) => parts.join(""));
/** The error of a statement that fails. */
async function failureOf(statement: Promise<unknown>): Promise<DatabaseError> {
  const cause = await statement.catch((thrown: unknown) => thrown);
  if (!(cause instanceof DatabaseError)) throw new Error("the statement did not fail in Postgres's terms");
  return cause;
}
type Words = { readonly [Field in "message" | "detail" | "hint"]?: string | undefined };
function expectCleanWords({ message, detail, hint }: Words): void {
  for (const text of [message, detail, hint]) expect(text ?? "").not.toMatch(unsafe);
}

test("P15: a refusal stays a refusal whatever its words are, and its entry is closed", async () => {
  const client = await stack.client();
  await fc.assert(
    fc.asyncProperty(evil, evil, evil, async (message, code, request) => {
      api.add({ status: 400, body: { message, code, request: `${request}\0` } });
      const error = await failureOf(client.query("update words.items set name = 'x' where id = '2'"));
      expect(error).toMatchObject({ code: "23514" });
      expectCleanWords(error);
      const { rows } = await stack.admin.query(
        "select state, request_id, closed_at is not null as closed from throughline.journal order by intent_at desc limit 1",
      );
      expect(rows).toMatchObject([{ state: "refused", closed: true }]);
      expect(rows[0].request_id ?? "").not.toMatch(unsafe);
    }),
    { seed: 6, numRuns: 40 },
  );
});

const refusals = fc.constantFrom(400, 402, 403, 409, 413, 415, 422);
const pages: readonly (readonly [string, (text: string) => string])[] = [
  ["text/plain", (text) => `${text}\n`],
  ["text/html", (text) => `<html><head><title>Sorry</title></head><body><p>${text}</p></body></html>`],
  ["application/xml", (text) => `<?xml version="1.0"?><Error><Message>${text}</Message></Error>`],
  ["application/json", (text) => JSON.stringify({ fault: { faultstring: text } })],
];
const said = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,9}$/), { minLength: 1, maxLength: 9 })
  .map((words) => words.join(" "));

test("P4: the words of a refusal reach the client, whatever their body is", async () => {
  const client = await stack.client();
  await fc.assert(
    fc.asyncProperty(refusals, fc.constantFrom(...pages), said, async (status, [type, wrap], text) => {
      api.add({ status, headers: { "content-type": type }, text: wrap(text) });
      const error = await failureOf(client.query("update words.items set name = 'x' where id = '2'"));
      expect(error.message).toBe(`words: status ${status}`);
      expect(error.detail).toContain(`status ${status}. The answer says "`);
      expect(error.detail).toContain(text);
    }),
    { seed: 15, numRuns: 30 },
  );
});

test("P15: a key of a record commands no terminal: not by a warning, not by the journal", async () => {
  const client = await stack.client();
  const notices: (string | undefined)[] = [];
  client.on("notice", (notice) => {
    expectCleanWords(notice);
    notices.push(notice.message);
  });
  api.add({ body: { id: evilKey, name: "x", n: 1 } });
  await client.query("begin");
  await client.query("update words.items set name = 'x' where name = 'one'");
  await client.query("rollback");
  expect(notices.join("")).toContain("rollback did not undo 1 upstream write (words.items k [2J 2026-01-01  closed)");

  const folder = mkdtempSync(join(tmpdir(), "throughline-words-"));
  writeFileSync(
    join(folder, "throughline.yaml"),
    `postgres: "${stack.opened.config.postgres.url}"\napis: { hubspot: { token: "\${TOKEN}" } }\n`,
  );
  const journal = (...args: readonly string[]) =>
    runProgram(folder, { ...process.env, TOKEN: "pat-test" }, ["journal", ...args]);
  const list = await journal("list", "--limit", "1");
  expect(list).toMatchObject({ code: 0, err: "" });
  expect(list.out).toMatch(/ k\\u001b\[2J\\u202e\\u000a2026-01-01 {2}closed\n$/);
  const { id } = JSON.parse((await journal("list", "--limit", "1", "--json")).out);
  const shown = await journal("show", id);
  expect(shown.out.replaceAll("\n", "")).not.toMatch(unsafe);
  const asJson = (await journal("show", id, "--json")).out;
  expect(asJson.trimEnd()).not.toMatch(unsafe);
  expect(JSON.parse(asJson).keys).toEqual([evilKey]);
  rmSync(folder, { recursive: true });
});

test("P15: what Postgres says of an API's value is clean as well", async () => {
  await stack.admin.query(`create function words.loud() returns trigger language plpgsql as $$begin
      if new.n = 4 then raise exception 'no %', new.name using errcode = '22000'; end if; return null; end$$;
    create trigger z_loud after insert or update on words.items for each row execute function words.loud()`);
  const client = await stack.client();
  api.add({ body: { id: "2", name: "A\u001b[2J\u202eB", n: 4 } });
  const error = await failureOf(client.query("update words.items set n = 3 where id = '2'"));
  expect(error).toMatchObject({ code: "TL002", detail: "22000: no A [2JB" });
  expectCleanWords(error);
});

test("an argument of a command commands no terminal", async () => {
  const { code, err } = await runProgram(tmpdir(), process.env, ["journ\u001b[2Jal\u202e"]);
  expect(code).toBe(2);
  expect(err.replaceAll("\n", "")).not.toMatch(unsafe);
  expect(err).toContain('there is no command "journ\\u001b[2Jal\\u202e"');
});
