// What a statement would send, without sending it: EXPLAIN, and throughline.dry_run.

import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
let client: pg.Client;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@a.example", firstname: "Ada" }, { email: "bob@a.example" }] });
  client = await stack.client();
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

const requests = (lines: readonly { readonly "QUERY PLAN": string }[]) =>
  lines.map((row) => row["QUERY PLAN"]).slice(lines.findIndex((row) => row["QUERY PLAN"].startsWith("Throughline")));

describe("EXPLAIN", () => {
  const said: readonly (readonly [string, readonly unknown[], readonly unknown[]])[] = [
    [
      "explain insert into hubspot.contacts (email) values ('new@a.example')",
      [],
      [
        expect.stringMatching(/^Throughline: POST http:\/\/127\.0\.0\.1:\d+\/crm\/v3\/objects\/contacts$/),
        "  Rows: 1, at most 100 in one request",
        expect.stringMatching(/^ {2}Budget: \d+ of 100 calls left in 10 s$/),
        '  Body: {"properties":{"email":"new@a.example"}}',
      ],
    ],
    [
      "explain (costs off) update hubspot.contacts set firstname = upper($1) where email like $2",
      ["x", "%@a.example"],
      [
        expect.stringMatching(/^Throughline: POST .*\/batch\/update$/),
        "  Rows: 2, at most 100 in one request",
        expect.stringContaining("Budget: "),
        expect.stringMatching(
          /^ {2}Body: \{"inputs":\[\{"id":"\d+","objectWriteTraceId":"0","properties":\{"firstname":"X"\}\}/,
        ),
      ],
    ],
    [
      "explain verbose delete from hubspot.contacts where email = 'ada@a.example'",
      [],
      [
        expect.stringMatching(/^Throughline: DELETE .*\/contacts\/\d+$/),
        "  Rows: 1, at most 100 in one request",
        expect.anything(),
      ],
    ],
    [
      "/* why */ explain update hubspot.contacts set firstname = firstname",
      [],
      ["Throughline: no request (nothing would change)"],
    ],
    [
      "explain update hubspot.contacts set createdate = now()",
      [],
      [
        'Throughline: no request: it would be refused (428C9: throughline: column "createdate" of "hubspot"."contacts" is read-only: hubspot computes it)',
        "  Hint: Nothing was sent. Leave the column out, or set it to what it is.",
      ],
    ],
    [
      "explain insert into hubspot.contacts (email) values ('ada@a.example')",
      [],
      [
        'Throughline: no request: it would be refused (23505: duplicate key value violates unique constraint "contacts_email_key")',
      ],
    ],
  ];

  test.each(said)("%s tells the request, and makes none", async (sql, values, lines) => {
    const { rows, command } = await client.query(sql, [...values]);
    expect(command).toBe("EXPLAIN");
    expect(rows[0]["QUERY PLAN"]).toMatch(/on (hubspot\.)?contacts/);
    expect(requests(rows)).toEqual(lines);
    expect(stack.sandbox.log).toEqual([]);
    const { rows: left } = await client.query(
      "select name from pg_prepared_statements where name like '%throughline%'",
    );
    expect(left).toEqual([]);
    const { rows: noted } = await stack.admin.query("select count(*)::int as n from throughline.journal");
    expect(noted).toEqual([{ n: 0 }]);
  });

  test("a client's transaction and its unnamed statement are left untouched", async () => {
    await client.query("begin");
    await client.query("create temp table mine as select 1 as a");
    const refusedOne = await client.query("explain update hubspot.contacts set createdate = now()");
    expect(requests(refusedOne.rows)[0]).toMatch(/would be refused/);
    expect((await client.query("select a from mine")).rows).toEqual([{ a: 1 }]);
    await client.query("commit");
    expect((await client.query("select a from mine")).rows).toEqual([{ a: 1 }]);
  });

  test("a refusal by Postgres is passed on unchanged", async () => {
    const error = await refused(client.query("explain insert into hubspot.contacts (nothing) values (1)"));
    expect(error).toMatchObject({ code: "42703" });
    await client.query("begin");
    await refused(client.query("select 1 / 0"));
    expect(await refused(client.query("explain delete from hubspot.contacts"))).toMatchObject({ code: "25P02" });
    await client.query("rollback");
  });

  test.each(["json", "yaml", "xml"])("a plan in %s stays one, and a NOTICE has the request", async (format) => {
    const said: unknown[] = [];
    const note = ({ message, detail }: { message?: string | undefined; detail?: string | undefined }) =>
      said.push({ message, detail });
    client.on("notice", note);
    const { rows } = await client.query(
      `explain (format ${format}) insert into hubspot.contacts (email) values ('a@b.example')`,
    );
    client.off("notice", note);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain("hroughline");
    expect(said).toEqual([
      {
        message: expect.stringMatching(/^throughline: POST \S+\/crm\/v3\/objects\/contacts$/),
        detail: expect.stringMatching(/^Rows: 1, .*\nBudget: .*\nBody: .*a@b\.example/),
      },
    ]);
  });

  test("an EXECUTE is explained as the write that it runs", async () => {
    await client.query("prepare put(text) as insert into hubspot.contacts (email) values ($1)");
    const { rows } = await client.query("explain execute put('put@b.example')");
    expect(requests(rows).join("\n")).toMatch(/POST .*contacts.*put@b\.example/s);
    await client.query("deallocate put");
    const { rows: noted } = await stack.admin.query("select count(*)::int as n from throughline.journal");
    expect(noted).toEqual([{ n: 0 }]);
  });

  test("a statement that writes to no mirror is explained by Postgres alone", async () => {
    const read = await client.query("explain select * from hubspot.contacts");
    expect(JSON.stringify(read.rows)).not.toContain("Throughline");
  });
});

describe("throughline.dry_run", () => {
  const notices: string[] = [];
  beforeAll(async () => {
    client.on("notice", ({ message = "", detail = "" }) => notices.push(`${message}\n${detail}`));
    await client.query("set throughline.dry_run = on");
  });
  beforeEach(() => {
    notices.length = 0;
  });
  const mirrored = async () =>
    (await stack.admin.query("select email, firstname from hubspot.contacts order by email")).rows;

  test.each(["simple", "extended"])(
    "a write is answered as it was planned, and nothing is sent or kept (%s)",
    async (protocol) => {
      const before = await mirrored();
      const values = protocol === "simple" ? undefined : [];
      const { rows, rowCount } = await client.query(
        "insert into hubspot.contacts (email, firstname) values ('a@b.example', upper('a')), ('c@b.example', 'c') returning email, firstname",
        values,
      );
      expect({ rows, rowCount }).toEqual({
        rows: [
          { email: "a@b.example", firstname: "A" },
          { email: "c@b.example", firstname: "c" },
        ],
        rowCount: 2,
      });
      expect((await client.query("delete from hubspot.contacts where email = 'ada@a.example'", values)).rowCount).toBe(
        1,
      );
      expect(notices).toEqual([
        expect.stringMatching(
          /^throughline: dry run: nothing was sent, and nothing is changed\nPOST .*\/batch\/create\nRows: 2, /,
        ),
        expect.stringMatching(/\nDELETE .*\nRows: 1, /),
      ]);
      expect(stack.sandbox.log).toEqual([]);
      expect(await mirrored()).toEqual(before);
    },
  );

  test("a write that would be refused is refused, and the client's transaction goes on", async () => {
    expect(await refused(client.query("update hubspot.contacts set createdate = now()"))).toMatchObject({
      code: "428C9",
    });
    await client.query("begin");
    await client.query("create temp table kept as select 1 as a");
    await client.query("update hubspot.contacts set firstname = 'x'");
    await client.query("commit");
    expect((await client.query("select a from kept")).rows).toEqual([{ a: 1 }]);
    expect(stack.sandbox.log).toEqual([]);
  });
});
