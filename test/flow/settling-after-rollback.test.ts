// A rolled-back write that the API has accepted is settled afterwards, and never over what was accepted later.

import { beforeEach, expect, test } from "vitest";
import { untilBlocked } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({
    seed: Array.from({ length: 5 }, (_, i) => ({ email: `s${i}@x.com`, firstname: `F${i}` })),
  });
  return () => stack.close();
});

const idOf = async (email: string): Promise<string> =>
  (await stack.admin.query("select id from hubspot.contacts where email = $1", [email])).rows[0].id;

test("P8: a rolled-back write that is settled late does not overwrite a later accepted one", async () => {
  const id = await idOf("s2@x.com");
  const one = await stack.client();
  const two = await stack.client();
  await one.query("begin");
  await one.query("update hubspot.contacts set lastname = 'from one' where id = $1", [id]);
  stack.sandbox.fault({ kind: "slow", ms: 600, on: { method: "PATCH" } });
  const second = two.query("update hubspot.contacts set lastname = 'from two' where id = $1", [id]);
  await untilBlocked(stack.admin);
  await one.query("rollback");
  await second;
  await stack.pull();
  expect((await stack.admin.query("select lastname from hubspot.contacts where id = $1", [id])).rows).toEqual([
    { lastname: "from two" },
  ]);
});

test("P6: a rolled-back write reaches the mirror although another session held the row for a while", async () => {
  const id = await idOf("s3@x.com");
  const one = await stack.client();
  const two = await stack.client();
  await stack.admin.query(
    "create function public.tell() returns trigger language plpgsql as $$begin perform pg_notify('seen', new.lastname); return new; end$$",
  );
  await stack.admin.query(
    "create trigger tell after update on hubspot.contacts for each row execute function public.tell()",
  );
  await stack.admin.query("listen seen");
  const told = new Promise<string | undefined>((resolve) =>
    stack.admin.on("notification", ({ payload }) => resolve(payload)),
  );
  await one.query("begin");
  await one.query("update hubspot.contacts set lastname = 'kept' where id = $1", [id]);
  await two.query("begin");
  const locked = two.query("select 1 from hubspot.contacts where id = $1 for update", [id]);
  await untilBlocked(stack.admin);
  await one.query("rollback");
  await locked;
  await two.query("commit");
  expect(await told).toBe("kept");
});
