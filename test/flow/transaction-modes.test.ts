// throughline.transaction and throughline.chunk say how many calls a transaction and a statement may make.

import { beforeEach, expect, test } from "vitest";
import { mirroredEmails, refused, upstreamEmails } from "../support/answers.js";
import { type Line, startLine } from "../support/line.js";
import { untilTrue } from "../support/sessions.js";

let line: Line;
beforeEach(async () => {
  line = await startLine({ seed: [{ email: "ada@x.com" }] });
  return () => line.close();
});

const insert = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com')`;
const many = (n: number, name = "m") =>
  `insert into hubspot.contacts (email) select '${name}' || i || '@x.com' from generate_series(1, ${n}) i returning email`;
test("autocommit: a write inside BEGIN … COMMIT is refused before it is sent, one outside is not", async () => {
  const client = await line.client();
  await client.query("set throughline.transaction = autocommit");
  await client.query(insert("a"));
  await client.query("begin");
  expect(await refused(client.query(insert("b")))).toMatchObject({
    code: "0A000",
    hint: expect.stringContaining("throughline.transaction"),
  });
  await client.query("rollback");
  expect(line.writes()).toHaveLength(1);
});

test("immediate: each statement of a transaction makes its call, and a rollback undoes none", async () => {
  const client = await line.client();
  const warnings: string[] = [];
  client.on("notice", ({ message }) => warnings.push(message ?? ""));
  await client.query("set throughline.transaction = 'immediate'");
  await client.query("begin");
  await client.query(insert("a"));
  await client.query("update hubspot.contacts set firstname = 'A' where email = 'a@x.com'");
  await client.query("delete from hubspot.contacts where email = 'ada@x.com'");
  await client.query("rollback");
  expect(line.writes()).toHaveLength(3);
  expect(warnings).toEqual([expect.stringMatching(/^rollback did not undo 3 upstream writes/)]);
  expect((await line.admin.query("select email, firstname from hubspot.contacts")).rows).toEqual([
    { email: "a@x.com", firstname: "A" },
  ]);
});

test("an unknown mode is refused, and the hint names the modes", async () => {
  const client = await line.client();
  await client.query("set throughline.transaction = 'deferred'");
  expect(await refused(client.query(insert("a")))).toMatchObject({
    code: "0A000",
    hint: expect.stringContaining("autocommit, single, immediate"),
  });
});

test("chunk: a statement makes as many calls as it needs, and RETURNING keeps the order of the rows", async () => {
  const client = await line.client();
  await client.query("set throughline.chunk = on");
  const { rows } = await client.query(many(250));
  expect(rows.map(({ email }) => email)).toEqual(Array.from({ length: 250 }, (_, i) => `m${i + 1}@x.com`));
  expect(line.writes()).toHaveLength(3);
  expect((await client.query("update hubspot.contacts set firstname = 'x'")).rowCount).toBe(251);
  expect((await client.query("delete from hubspot.contacts")).rowCount).toBe(251);
  expect(line.writes()).toHaveLength(9);
  expect(await mirroredEmails(line)).toEqual([]);
  // Entries are closed behind the client's back.
  await untilTrue(line.admin, "not exists (select from throughline.journal where closed_at is null)");
  expect(await refused(client.query(many(10_001)))).toMatchObject({ code: "54000" });
});

test("TL001: the first call that fails is the last one, and the rows of the calls before it stay", async () => {
  const client = await line.client();
  await client.query("set throughline.chunk = on");
  line.sandbox.fault({ kind: "unauthorized", on: { path: "*/batch/create" }, times: 1 });
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
  expect(upstreamEmails(line)).toHaveLength(1 + 199);
  expect(await mirroredEmails(line)).toEqual(upstreamEmails(line));
});
