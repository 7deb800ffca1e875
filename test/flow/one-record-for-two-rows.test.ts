// An API may take several rows of a statement for one record, such as by an e-mail address whose case it does not tell apart. What it says last
// of a record counts, the statement is answered, and nothing stays open behind it.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { startManifestStack } from "../support/manifest-stack.js";
import { type Line, type ScriptedServer, startScripted } from "../support/scripted.js";
import type { ServedStack } from "../support/served-stack.js";
import { untilTrue } from "../support/sessions.js";

interface Person {
  readonly id: string;
  readonly email: string;
  readonly name: string;
}

interface Sent {
  readonly index: string;
  readonly id?: string;
  readonly fields: { readonly email?: string; readonly name?: string };
}

let api: ScriptedServer;
let stack: ServedStack;
let people: Person[];
let made = 0;

/** Each record that is sent changes the one that has its e-mail, whatever the case; a record that gets another's is merged into that. */
function write({ index, id, fields }: Sent): object {
  const before = people.find((one) => one.id === id);
  const email = (fields.email ?? before?.email ?? "").toLowerCase();
  const holder = people.find((one) => one.email === email) ?? before;
  if (!holder) made += 1;
  const now = { id: holder?.id ?? `p${made}`, email, name: fields.name ?? holder?.name ?? "" };
  people = [...people.filter((one) => one.id !== now.id && one.id !== id), now];
  return { index, ...now };
}

beforeEach(async () => {
  people = [];
  const answer: Line = ({ url, bodyText }) => {
    if (url === "/people") return { body: { people } };
    const body = JSON.parse(bodyText);
    if (url === "/read") return { body: { people: people.filter(({ id }) => body.ids.includes(id)) } };
    return { body: { people: body.records.map(write) } };
  };
  api = await startScripted(...Array.from({ length: 5_000 }, () => answer));
  const many = (path: string, each: object) => ({
    POST: path,
    body: { records: { each: { index: "{index}", fields: "{record}", ...each } } },
    rows: "/people",
    match: "/index",
    max: 20,
  });
  const manifest = manifestSchema.parse({
    throughline: 1,
    api: "crm",
    base: "http://127.0.0.1",
    errors: { message: "/message" },
    tables: {
      people: {
        key: "id",
        columns: { id: { type: "text", write: "never" }, email: { type: "text", unique: true }, name: "text" },
        read: {
          list: { GET: "/people", rows: "/people" },
          get: { POST: "/read", body: { ids: { each: "{key}" } }, rows: "/people", max: 20 },
        },
        write: {
          create: many("/create", {}),
          update: many("/update", { id: "{key}" }),
          upsert: { on: "email", ...many("/upsert", {}) },
        },
      },
    },
  });
  stack = await startManifestStack({ schema: "crm", manifest, resource: "people", url: api.url, close: api.close });
});
afterEach(() => stack.close());

const shown = (all: readonly { readonly id: unknown; readonly email: unknown; readonly name: unknown }[]) =>
  all.map(({ id, email, name }) => `${id} ${email} ${name}`).sort();
const mirrored = async () => shown((await stack.admin.query("select id, email, name from crm.people")).rows);
const allClosed = () => untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");

const email = fc.constantFrom("ann", "Ann", "ANN", "bo", "Bo", "BO", "cy", "CY").map((name) => `${name}@one.example`);
const emails = fc.uniqueArray(email, { minLength: 1, maxLength: 6 });
const statement = fc.record({ emails, isUpsert: fc.boolean() });

test("P6: rows that are one record upstream are written once, with what was said last", async () => {
  const client = await stack.client();
  let count = 0;
  const nextName = () => {
    count += 1;
    return `name ${count}`;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { minLength: 1, maxLength: 3 }), async (statements) => {
      people = [];
      await stack.pull();
      for (const { emails: wanted, isUpsert } of statements) {
        // An INSERT can't write a row that is there already.
        const isNew = (one: string) => !people.some((other) => other.email === one.toLowerCase());
        const sent = isUpsert ? wanted : wanted.filter(isNew);
        if (sent.length === 0) continue;
        const values = sent.map((_, n) => `($${2 * n + 1}, $${2 * n + 2})`).join(", ");
        const end = isUpsert ? " on conflict (email) do update set name = excluded.name" : "";
        const { rows: returned } = await client.query(
          `insert into crm.people (email, name) values ${values}${end} returning id, email, name`,
          // Each row changes something of its record.
          sent.flatMap((one) => [one, nextName()]),
        );
        expect(await mirrored()).toEqual(shown(people));
        const touched = people.filter((one) => sent.some((row) => row.toLowerCase() === one.email));
        expect(shown(returned)).toEqual(shown(touched));
      }
      await allClosed();
    }),
    { seed: 15, numRuns: 15 },
  );
});

test("P6: two rows of an UPDATE that become one record upstream are one here", async () => {
  people = [
    { id: "101", email: "ann@one.example", name: "a" },
    { id: "102", email: "bo@one.example", name: "b" },
  ];
  await stack.pull();
  const client = await stack.client();
  const sql =
    "update crm.people set name = 'n' || id, email = case id when '102' then 'Ann@one.example' else email end";
  await client.query(sql);
  expect(shown(people)).toEqual(["101 ann@one.example n102"]);
  expect(await mirrored()).toEqual(shown(people));
  await allClosed();
});
