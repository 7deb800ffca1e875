// Time-outs and a killed backend during a call don't keep an accepted row out of the mirror.

import { afterAll, beforeAll, expect, test } from "vitest";
import { untilSent } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com" }] });
});
afterAll(() => stack.close());

test("P6: the client's own time-outs do not strike between the call and the end of its statement", async () => {
  const client = await stack.client();
  await client.query("set statement_timeout = '150ms'");
  await client.query("set idle_in_transaction_session_timeout = '150ms'");
  for (const text of [
    "insert into hubspot.contacts (email) values ('slow1@example.com') returning email",
    "update hubspot.contacts set firstname = 'Slow' where email = 'ada@example.com' returning email",
  ]) {
    for (const queryMode of ["simple", "extended"]) {
      stack.sandbox.fault({ kind: "slow", ms: 400 });
      const slow = text.replace("slow1", `slow-${queryMode}`).replace("'Slow'", `'Slow ${queryMode}'`);
      const extended = queryMode === "extended" ? { queryMode } : {};
      expect((await client.query({ text: slow, ...extended })).rowCount).toBe(1);
    }
  }
  await client.query("begin");
  stack.sandbox.fault({ kind: "slow", ms: 400 });
  expect((await client.query("insert into hubspot.contacts (email) values ('slow3@example.com')")).rowCount).toBe(1);
  await client.query("commit");
});

test("P6: a time-out of the client's holds while its statement is planned, and is ten seconds at least when upstream has accepted it", async () => {
  const slowIn = (mode: string) => `create or replace function public.slow() returns trigger language plpgsql as $$begin
      if current_setting('throughline.call', true) like '${mode}:%' then perform pg_sleep(0.4); end if; return null; end$$`;
  await stack.admin.query(`${slowIn("apply")};
    create trigger slow after insert or update on hubspot.contacts for each row execute function public.slow()`);
  const client = await stack.client();
  await client.query("set statement_timeout = '150ms'");
  const timeout = async () => (await client.query("show statement_timeout")).rows;
  for (const name of ["one", "two"]) {
    const inserted = "insert into hubspot.contacts (email) values ($1) returning email";
    expect((await client.query(inserted, [`${name}@example.com`])).rowCount).toBe(1);
    expect(await timeout()).toEqual([{ statement_timeout: "150ms" }]);
    if (name === "one") await client.query("begin");
  }
  await client.query("commit");
  await stack.admin.query(slowIn("plan"));
  const late = client.query("update hubspot.contacts set firstname = 'Late' where email = 'one@example.com'");
  await expect(late).rejects.toMatchObject({ code: "57014" });
  await stack.admin.query("drop trigger slow on hubspot.contacts");
});

test("P6: a backend that is killed during the call leaves the accepted row in the mirror", async () => {
  const client = await stack.client();
  const { rows } = await client.query("select pg_backend_pid() as pid");
  await stack.admin.query(
    "create function public.tell() returns trigger language plpgsql as $$begin perform pg_notify('seen', new.email); return new; end$$",
  );
  await stack.admin.query(
    "create trigger tell after insert on hubspot.contacts for each row execute function public.tell()",
  );
  await stack.admin.query("listen seen");
  const told = new Promise<string | undefined>((resolve) =>
    stack.admin.once("notification", ({ payload }) => resolve(payload)),
  );
  stack.sandbox.fault({ kind: "slow", ms: 500 });
  const lost = client
    .query("insert into hubspot.contacts (email) values ('killed@example.com')")
    .catch((cause) => cause);
  await untilSent(stack.admin);
  await stack.admin.query("select pg_terminate_backend($1)", [rows[0].pid]);
  expect(await lost).toMatchObject({ code: "TL002" });
  expect(await told).toBe("killed@example.com");
  expect(
    stack.sandbox.records("contacts").filter(({ properties }) => properties["email"] === "killed@example.com"),
  ).toHaveLength(1);
});
