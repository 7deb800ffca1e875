// The words of an answer, wherever they come from: whatever an API says, they are clean, bounded and without secrets before anybody
// gets them, and a rule of the manifest sees no more of them than that.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ReadFailed } from "../../src/manifest/read-failed.js";
import { ProbedTable } from "../../src/upstream/probe.js";
import { openItems } from "../support/items.js";
import { type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
let tokens: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
  tokens = await startScripted();
});
afterEach(async () => {
  await api.close();
  await tokens.close();
});

const seeded = { seed: 15, numRuns: 40 };
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const secret = "sk-Test-0123456789";
const secrets = { secret: { secret: true, about: "secret" } };
const evil = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\0",
        "\u001b]52;c;QQ==\u0007",
        "\u009b2J",
        "\r\n",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u2028",
        "\ufeff",
        "\ud800",
      ),
      fc.constantFrom(secret, `"${secret}"`, "is taken", "[[[[", "x".repeat(5_000)),
      fc.string({ unit: "binary" }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(""));

/** Each text in an outcome, and each name. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.entries(value).flat().flatMap(textsOf) : [];
}
function expectCleanWords(outcome: unknown, most = 2_048): void {
  for (const text of textsOf(outcome)) {
    expect(text).not.toMatch(unsafe);
    expect(text).not.toContain("sk-Test-");
    expect(text.length).toBeLessThanOrEqual(most);
  }
}

const errors = {
  list: "/errors",
  code: ["/code", "/kind"],
  message: ["/message", "/text"],
  column: "/field",
  row: "/row",
  request: "/request",
  rules: [{ message: "^(?<label>[^]*?) ?is (?<what>[^]*)$", hint: "{label} was {what}.", raise: "unique_violation" }],
};
const update = async (body: unknown, status: number, more: object = {}, headers: Record<string, string> = {}) => {
  const { table, columns } = await openItems(api.url, {
    manifest: { errors: { ...errors, ...more }, config: secrets, auth: { bearer: "{config.secret}" } },
    account: { config: { secret } },
  });
  api.add({ status, body, headers });
  return table.write("update", columns, [{ key: "1", sent: { name: "x" } }]);
};

test.each([400, 403, 409, 500, 503])(
  "P15: every field of a refusal is clean and bounded, at status %i",
  async (status) => {
    await fc.assert(
      fc.asyncProperty(evil, evil, evil, async (one, other, third) => {
        const single = { code: one, message: other, text: one, field: third, row: one };
        for (const body of [
          { ...single, kind: other, request: third },
          { errors: [single], request: one },
          { errors: [one] },
          one,
        ])
          expectCleanWords(await update(body, status));
      }),
      seeded,
    );
  },
);

test("a code and a request id have 200 characters, a message 2,048", async () => {
  const long = (of: string) => of.repeat(2_000_000);
  const outcome = await update({ code: long("C"), message: long("m"), request: long("r") }, 400);
  if (outcome.kind !== "refused") throw new Error("it was not refused");
  const { code, message, request } = outcome.error;
  expect([code?.length, message.length, request?.length]).toEqual([200, 2_048, 200]);
});

test("a request id by header is clean as well", async () => {
  const headers = { "x-id": `r1\u009b2J ${secret}` };
  const outcome = await update({}, 400, { request: { header: "X-Id" } }, headers);
  expect(outcome).toMatchObject({ error: { request: "r1 2J …" } });
});

test("a rule sees what the client sees of a message: 2,048 characters on one line", async () => {
  const rules = [
    { message: "[^]{2049}", raise: "unique_violation" },
    { message: "[\\0\\n]", raise: "unique_violation" },
    { message: "^no space", raise: "not_null_violation" },
  ];
  expect(await update({ message: `no\0\nspace${"x".repeat(1_000_000)}` }, 400, { rules })).toMatchObject({
    error: { sqlstate: "23502" },
  });
});

test("a value that pretends to be a function is no value of a rule", async () => {
  const rules = [{ where: { "/kind": "a" }, raise: "unique_violation" }];
  expect(await update({ kind: { toString: 1, valueOf: 2 } }, 400, { rules })).toMatchObject({
    error: { sqlstate: "23514" },
  });
  expect(await update({ kind: ["a"] }, 400, { rules })).toMatchObject({ error: { sqlstate: "23505" } });
});

test("P15: what a hook makes of an error is clean as well", async () => {
  await fc.assert(
    fc.asyncProperty(evil, async (said) => {
      const { table, columns } = await openItems(api.url, {
        manifest: { config: secrets },
        account: {
          config: { secret },
          hooks: {
            encodeRecord: undefined,
            decodeRecord: undefined,
            nextPage: undefined,
            classifyError: () => ({ raise: "23505", hint: said, retry: "safe", skip: false }),
          },
        },
      });
      api.add({ status: 400, body: { message: said } });
      expectCleanWords(await table.write("update", columns, [{ key: "1", sent: { name: "x" } }]));
    }),
    seeded,
  );
});

test("P15: what the server of tokens says is clean, and shows neither the secret nor a token", async () => {
  const auth = {
    oauth2: { token: `${tokens.url}/token`, grant: { grant_type: "refresh_token", refresh_token: "{config.secret}" } },
  };
  await fc.assert(
    fc.asyncProperty(evil, evil, async (error, description) => {
      const { table, columns } = await openItems(api.url, {
        manifest: { config: secrets, auth },
        account: { config: { secret } },
      });
      const update = () => table.write("update", columns, [{ key: "1", sent: { name: "x" } }]);
      tokens.add({ status: 400, body: { error, error_description: description } });
      expectCleanWords(await update());
      tokens.add({ body: { access_token: "t0ken-0ne", refresh_token: "refresh-tw0", expires_in: 0 } });
      tokens.add({ status: 400, body: { error: `${error} t0ken-0ne refresh-tw0` } });
      api.add({ status: 400, body: { message: `${description}t0ken-0ne, refresh-tw0`, code: "t0ken-0ne" } });
      const outcomes = [await update(), await update()];
      expectCleanWords(outcomes);
      expect(JSON.stringify(outcomes)).not.toMatch(/t0ken-0ne|refresh-tw0/);
    }),
    seeded,
  );
});

test("P15: why a read failed is said in clean words", async () => {
  await fc.assert(
    fc.asyncProperty(evil, fc.constantFrom(400, 401, 500), async (said, status) => {
      const { table, columns } = await openItems(api.url, {
        manifest: { config: secrets },
        account: { config: { secret } },
      });
      api.add({ status, body: { message: said, code: said } });
      const failure = await table.list(columns, null).catch((cause: unknown) => cause);
      if (!(failure instanceof ReadFailed)) throw failure;
      expectCleanWords(failure.message, 4_096);
    }),
    seeded,
  );
});

const described = (fields: readonly object[]): Line => ({ body: { fields } });
const discovering = {
  columns: { id: { type: "text", write: "never", from: "/id" } },
  record: { key: "/id", fields: "/f" },
  discover: { GET: "/fields", rows: "/fields", column: { name: "/name", type: "/type", about: "/label", max: "/max" } },
};

test("P15: a discovered column has a name and a label that can be shown, and is told apart from its look-alike", async () => {
  await fc.assert(
    fc.asyncProperty(evil, async (said) => {
      api.add(described([{ name: said, label: said }, { name: `${said}\u200b` }, { name: `${said}\u202e` }]));
      const { columns } = await openItems(api.url, { table: discovering });
      const names = columns.map(({ name }) => name);
      expect(new Set(names).size).toBe(4);
      for (const name of names) {
        expect(name).not.toMatch(unsafe);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
      }
      expect(columns.map(({ label }) => label ?? "").join("")).not.toMatch(unsafe);
    }),
    seeded,
  );
});

test("a column is found by its label, however the API writes it", async () => {
  api.add(described([{ name: "a", label: "Full\u200b\nname" }]));
  const { table, columns } = await openItems(api.url, { table: discovering });
  api.add({ status: 400, body: { message: "bad", field: "FULL\u202e name" } });
  expect(await table.write("delete", columns, [{ key: "1", sent: {} }])).toMatchObject({ error: { column: "a" } });
});

test("P15: what does not fit is told by names that are clean, and not by all of sixty thousand", async () => {
  const manifest = { config: secrets };
  const { table } = await openItems(api.url, { manifest, account: { config: { secret } } });
  const names = Array.from({ length: 60_000 }, (_, at) => `\u001b[2J\u202ename ${at}`);
  api.add({ body: Object.fromEntries(names.map((name) => [name, 1])) });
  const tableManifest = table.account.manifest.tables["items"];
  if (!tableManifest) throw new Error("the manifest has no table of items");
  const { failed } = await new ProbedTable(table.account, table.config, tableManifest).probe();
  expect(failed).toMatch(/the answer has: \[2Jname 0, .* and \d+ more$/);
  expectCleanWords(failed, 4_096);
});

test("a place in a list that can't be kept ends the copy of that list, with a sentence", async () => {
  for (const next of ["a\0b", "\ud800", "x".repeat(100_000)]) {
    const list = { GET: "/items", rows: "/items", pages: { cursor: "/next", as: "after" } };
    const { table, columns } = await openItems(api.url, {
      table: { read: { list, get: { GET: "/items/{key}", rows: "" } } },
    });
    api.add({ body: { items: [], next } });
    await expect(table.list(columns, null)).rejects.toThrow("things: a page of items names no place that can be kept");
  }
});
