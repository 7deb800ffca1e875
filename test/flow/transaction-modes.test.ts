// throughline.transaction and throughline.chunk say how many calls a transaction and a statement may make.

import { beforeEach, expect, test } from "vitest";
import { mirroredEmails, refused, upstreamEmails } from "../support/answers.js";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }] });
  return () => stack.close();
});

const insert = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com')`;
const many = (n: number, name = "m") =>
  `insert into hubspot.contacts (email) select '${name}' || i || '@x.com' from generate_series(1, ${n}) i returning email`;
test("autocommit: a write inside BEGIN … COMMIT is refused before it is sent, one outside is not", async () => {
  const client = await stack.client();
  await client.query("set throughline.transaction = autocommit");
  await client.query(insert("a"));
  await client.query("begin");
  expect(await refused(client.query(insert("b")))).toMatchObject({
    code: "0A000",
    hint: expect.stringContaining("throughline.transaction"),
  });
  await client.query("rollback");
  expect(stack.writes()).toHaveLength(1);
});

test("immediate: each statement of a transaction makes its call, and a rollback undoes none", async () => {
  const client = await stack.client();
  const warnings: string[] = [];
  client.on("notice", ({ message }) => warnings.push(message ?? ""));
  await client.query("set throughline.transaction = 'immediate'");
  await client.query("begin");
  await client.query(insert("a"));
  await client.query("update hubspot.contacts set firstname = 'A' where email = 'a@x.com'");
  await client.query("delete from hubspot.contacts where email = 'ada@x.com'");
  await client.query("rollback");
  expect(stack.writes()).toHaveLength(3);
  expect(warnings).toEqual([expect.stringMatching(/^rollback did not undo 3 upstream writes/)]);
  expect((await stack.admin.query("select email, firstname from hubspot.contacts")).rows).toEqual([
    { email: "a@x.com", firstname: "A" },
  ]);
});

test("an unknown mode is refused, and the hint names the modes", async () => {
  const client = await stack.client();
  await client.query("set throughline.transaction = 'deferred'");
  expect(await refused(client.query(insert("a")))).toMatchObject({
    code: "0A000",
    hint: expect.stringContaining("autocommit, single, immediate"),
  });
});

test("chunk: a statement makes as many calls as it needs, and RETURNING keeps the order of the rows", async () => {
  const client = await stack.client();
  await client.query("set throughline.chunk = on");
  const { rows } = await client.query(many(250));
  expect(rows.map(({ email }) => email)).toEqual(Array.from({ length: 250 }, (_, i) => `m${i + 1}@x.com`));
  expect(stack.writes()).toHaveLength(3);
  expect((await client.query("update hubspot.contacts set firstname = 'x'")).rowCount).toBe(251);
  expect((await client.query("delete from hubspot.contacts")).rowCount).toBe(251);
  expect(stack.writes()).toHaveLength(9);
  expect(await mirroredEmails(stack)).toEqual([]);
  // Entries are closed behind the client's back.
  await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
  expect(await refused(client.query(many(10_001)))).toMatchObject({ code: "54000" });
});

test("TL001: the first call that fails is the last one, and the rows of the calls before it stay", async () => {
  const client = await stack.client();
  await client.query("set throughline.chunk = on");
  stack.sandbox.fault({ kind: "unauthorized", on: { path: "*/batch/create" }, times: 1 });
  expect(await refused(client.query(many(250, "u")))).toMatchObject({ code: "28000" });
  const error = await refused(
    client.query(
      "insert into hubspot.contacts (email) select case i when 150 then 'bad' else 'p' || i || '@x.com' end from generate_series(1, 250) i",
    ),
  );
  expect(error).toMatchObject({
    code: "TL001",
    message: "hubspot: the first 100 of 250 rows were accepted, then a call failed",
  });
  expect(error.detail).toContain("row 50");
  await client.query("select 1");
  expect(upstreamEmails(stack)).toHaveLength(1 + 199);
  expect(await mirroredEmails(stack)).toEqual(upstreamEmails(stack));
});
