// A client or a backend that is lost in the middle: during its first call, behind the last message, among the rows of a COPY.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { mirroredEmails, upstreamEmails } from "../support/answers.js";
import { query, run } from "../support/conversation.js";
import { untilSent, untilTrue, vanish } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }] });
  await stack.admin.query("create table public.ledger (no text); grant all on public.ledger to app");
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

const insert = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com')`;
async function expectInStep(name: string): Promise<void> {
  await untilTrue(stack.admin, `exists (select from hubspot.contacts where email = '${name}@x.com')`);
  await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
  expect(await mirroredEmails(stack)).toEqual(upstreamEmails(stack));
}

test.each([
  ["alone", "one", ""],
  ["in a transaction", "two", "begin"],
])(
  "P6: a client that vanishes during its first call leaves the accepted row in the mirror: %s",
  async (_, name, before) => {
    const client = await stack.client();
    await client.query(before);
    stack.sandbox.fault({ kind: "slow", ms: 300 });
    client.query(insert(name)).catch(() => undefined);
    await untilSent(stack.admin);
    vanish(client);
    await expectInStep(name);
    expect(stack.writes()).toHaveLength(1);
  },
);

test("P10: a client that ends its side behind a write and a Query hears both answers", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  stack.sandbox.fault({ kind: "slow", ms: 300 });
  wire.socket.end(
    Buffer.concat([...run(`${insert("three")} returning email`), serialize.sync(), ...query("select 7")]),
  );
  const said = [...shown(await wire.until("Z")), ...shown(await wire.until("Z"))];
  expect(said).toEqual(["1", "2", "D three@x.com", "C INSERT 0 1", "Z I", "T", "D 7", "C SELECT 1", "Z I"]);
  await expectInStep("three");
});

test.each(["hubspot.contacts (email)", "public.ledger"])(
  "P10: a backend that is killed among the rows of a COPY is told at once, as Postgres does: %s",
  async (table) => {
    const wire = await WireClient.login(stack.port, "app", stack.database);
    wire.send(...query(`copy ${table} from stdin`));
    await wire.until("G");
    await stack.admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app' and datname = current_database()",
    );
    wire.send(serialize.copyData(Buffer.from("1@x.com\n")));
    expect(shown(await wire.until("E"))).toEqual(["E 57P01"]);
    wire.close();
    expect(stack.writes()).toEqual([]);
  },
);
