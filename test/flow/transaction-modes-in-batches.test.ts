// throughline.transaction where BEGIN and writes come in one batch, or where the setting comes with the write.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { mirroredEmails, refused, upstreamEmails } from "../support/answers.js";
import { conversation, query, run } from "../support/conversation.js";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }] });
  await stack.admin.query("create table public.ledger (no int); grant all on public.ledger to app");
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

const insert = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com')`;
const many = "insert into hubspot.contacts (email) select i || '@x.com' from generate_series(1, 101) i";
async function expectInStep(): Promise<void> {
  await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
  expect(await mirroredEmails(stack)).toEqual(upstreamEmails(stack));
}

test.each([
  ["pipeline", [...run("begin"), ...run(insert("a")), serialize.sync()]],
  ["string", query(`begin; ${insert("a")}`)],
])("P1: autocommit: a BEGIN in the same %s counts", async (_, messages) => {
  const set = query("set throughline.transaction = autocommit");
  const said = await conversation(stack.port, stack.database, [set, "Z", messages, "Z", query("rollback")]);
  expect(said.filter((message) => message.startsWith("E"))).toEqual(["E 0A000"]);
  expect(stack.writes()).toEqual([]);
});

test("P4: immediate: an error behind two writes of a pipeline undoes the local statements, and neither write", async () => {
  const set = query("set throughline.transaction = immediate");
  const texts = ["insert into ledger values (1)", insert("a1"), insert("b1"), "select 1/0"];
  const pipeline = [...texts.flatMap((text) => run(text)), serialize.sync()];
  const said = await conversation(stack.port, stack.database, [set, "Z", pipeline, "Z"]);
  expect(said.filter((message) => /^[ENZ]/.test(message))).toEqual(["Z I", "E 22012", "N 01000", "Z I", "Z I", "Z I"]);
  expect((await stack.admin.query("select from public.ledger")).rowCount).toBe(0);
  expect(stack.writes()).toHaveLength(2);
  await expectInStep();
});

test("P1: SET LOCAL of a mode holds for the string that it stands in", async () => {
  const client = await stack.client();
  await client.query(`set local throughline.transaction = 'immediate'; ${insert("a2")}; ${insert("b2")}`);
  expect(stack.writes()).toHaveLength(2);
  expect(await refused(client.query(`${insert("c2")}; ${insert("d2")}`))).toMatchObject({ code: "0A000" });
  expect(stack.writes()).toHaveLength(3);
  await expectInStep();
});

test("P1: DISCARD ALL resets the modes", async () => {
  const client = await stack.client();
  await client.query("set throughline.transaction = 'immediate'; set throughline.chunk = on");
  await client.query("discard all");
  expect(await refused(client.query(many))).toMatchObject({ code: "54000" });
  await client.query("begin");
  await client.query(insert("c3"));
  expect(await refused(client.query(insert("d3")))).toMatchObject({ code: "0A000" });
  await client.query("rollback");
  expect(stack.writes()).toHaveLength(1);
  await expectInStep();
});
