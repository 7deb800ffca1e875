// A statement with an expression that has another value each time: what is sent is what is in the mirror and in RETURNING.

import { beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ timeoutMs: 800, seed: [{ email: "ada@example.com", firstname: "Ada" }] });
  return () => stack.close();
});

test("P2: a volatile value is accepted in a database that has no table but mirrors", async () => {
  const client = await stack.client();
  const text = "insert into hubspot.contacts (email) values ('r' || gen_random_uuid() || '@example.com')";
  expect(await refused(client.query(text))).toEqual({ code: "accepted" });
});

test("P3: RETURNING has every row that was created, or nothing is sent, or the client is told of it", async () => {
  await stack.admin.query("create table public.orders (no int, note text); grant all on public.orders to app");
  const client = await stack.client();
  for (let i = 0; i < 12; i += 1) {
    const sql = `insert into hubspot.contacts (email) select 'v${i}.' || n || '@x.com' from generate_series(1, 6) n where random() < 0.5 returning email`;
    const told = await client.query(sql).then(
      ({ rowCount }) => `${rowCount} rows`,
      (cause) => cause.code,
    );
    const there = stack.sandbox
      .records("contacts")
      .filter(({ properties }) => properties["email"]?.startsWith(`v${i}.`));
    expect(there.length > 0 ? [`${there.length} rows`, "TL002"] : ["0 rows", "0A000"]).toContain(told);
    await client.query("select 1");
    const { rowCount } = await client.query(`select from hubspot.contacts where email like 'v${i}.%'`);
    expect(rowCount).toBe(there.length);
  }
});
