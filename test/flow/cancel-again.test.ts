// Cancel requests where the write stands in a string, and before its call could be noted.

import { beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { type Line, startLine } from "../support/line.js";
import { cancel, untilBlocked } from "../support/sessions.js";

let line: Line;
beforeEach(async () => {
  line = await startLine({ seed: [{ email: "ada@x.com" }], timeoutMs: 20_000 });
  await line.admin.query("create table public.ledger (no int); grant all on public.ledger to app");
  return () => line.close();
});

const insert = "insert into hubspot.contacts (email) values ('new@x.com')";

test("P7: cancelled during the call of a string: TL007, what stands before it is undone, and what follows does not run", async () => {
  const client = await line.client();
  line.sandbox.fault({ kind: "hang" });
  const asked = refused(client.query(`insert into ledger values (1); ${insert}; insert into ledger values (2)`));
  await expect.poll(() => line.sandbox.log.length).toBeGreaterThan(0);
  await cancel(client, line.port);
  expect(await asked).toMatchObject({ code: "TL007" });
  expect((await client.query("select from ledger")).rowCount).toBe(0);
  expect(line.writes()).toHaveLength(1);
});

test("P7: cancelled while the call can't be noted: 57014, and nothing is sent", async () => {
  const client = await line.client();
  await line.admin.query("begin; lock table throughline.journal in exclusive mode");
  const asked = refused(client.query(insert));
  await untilBlocked(line.admin);
  await cancel(client, line.port);
  await line.admin.query("commit");
  expect(await asked).toMatchObject({ code: "57014" });
  expect(line.writes()).toEqual([]);
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});
