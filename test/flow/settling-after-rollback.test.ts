// A rolled-back write that the API has accepted is settled afterwards, and never over what was accepted later.

import { beforeEach, expect, test } from "vitest";
import { type Line, startLine } from "../support/line.js";
import { untilBlocked } from "../support/sessions.js";

let line: Line;
beforeEach(async () => {
  line = await startLine({ seed: Array.from({ length: 5 }, (_, i) => ({ email: `s${i}@x.com`, firstname: `F${i}` })) });
  return () => line.close();
});

const idOf = async (email: string): Promise<string> =>
  (await line.admin.query("select id from hubspot.contacts where email = $1", [email])).rows[0].id;

test("P8: a rolled-back write that is settled late does not overwrite a later accepted one", async () => {
  const id = await idOf("s2@x.com");
  const one = await line.client();
  const two = await line.client();
  await one.query("begin");
  await one.query("update hubspot.contacts set lastname = 'from one' where id = $1", [id]);
  line.sandbox.fault({ kind: "slow", ms: 600, on: { method: "PATCH" } });
  const second = two.query("update hubspot.contacts set lastname = 'from two' where id = $1", [id]);
  await untilBlocked(line.admin);
  await one.query("rollback");
  await second;
  await line.pull();
  expect((await line.admin.query("select lastname from hubspot.contacts where id = $1", [id])).rows).toEqual([
    { lastname: "from two" },
  ]);
});

test("P6: a rolled-back write reaches the mirror although another session held the row for a while", async () => {
  const id = await idOf("s3@x.com");
  const one = await line.client();
  const two = await line.client();
  await line.admin.query(
    "create function public.tell() returns trigger language plpgsql as $$begin perform pg_notify('seen', new.lastname); return new; end$$",
  );
  await line.admin.query(
    "create trigger tell after update on hubspot.contacts for each row execute function public.tell()",
  );
  await line.admin.query("listen seen");
  const told = new Promise<string | undefined>((resolve) =>
    line.admin.on("notification", ({ payload }) => resolve(payload)),
  );
  await one.query("begin");
  await one.query("update hubspot.contacts set lastname = 'kept' where id = $1", [id]);
  await two.query("begin");
  const locked = two.query("select 1 from hubspot.contacts where id = $1 for update", [id]);
  await untilBlocked(line.admin);
  await one.query("rollback");
  await locked;
  await two.query("commit");
  expect(await told).toBe("kept");
});
