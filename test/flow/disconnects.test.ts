// A client or a backend that is lost in the middle: during its first call, behind the last message, among the rows of a COPY.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { mirroredEmails, upstreamEmails } from "../support/answers.js";
import { query, run } from "../support/conversation.js";
import { untilGone, untilSent, untilTrue, vanish } from "../support/sessions.js";
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

/** Waits until the API has turned the first attempt away, and a pause of a second keeps the second back. */
async function untilTurnedAway(): Promise<void> {
  await untilTrue(stack.admin, "exists (select from throughline.journal where closed_at is null)");
  while (stack.writes().length === 0) await new Promise((resolve) => setImmediate(resolve));
}

test("P15: a client that is gone while its statement waits for the API's rate limit is not written for", async () => {
  const client = await stack.client();
  stack.sandbox.fault({ kind: "rate-limit", retryAfterS: 2 });
  client.query(insert("four")).catch(() => undefined);
  await untilTurnedAway();
  vanish(client);
  await untilTrue(
    stack.admin,
    "exists (select from throughline.journal where state = 'unsent' and closed_at is not null)",
  );
  expect(stack.writes()).toHaveLength(1);
  await untilGone(stack.admin);
});

test("P10: a client that ends its side while its statement waits for the API's rate limit is written for, and hears the answer", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  stack.sandbox.fault({ kind: "rate-limit", retryAfterS: 2 });
  wire.send(...query(insert("five")));
  await untilTurnedAway();
  wire.socket.end();
  const answered = shown(await wire.until("Z")).filter((line) => !line.startsWith("S"));
  expect(answered).toEqual(["C INSERT 0 1", "Z I"]);
  await expectInStep("five");
});

test("P15: a client that ends before its COPY is at its rows leaves no session, whenever it ends", async () => {
  for (const how of ["end", "destroy", "resetAndDestroy"] as const)
    for (const turns of [0, 1, 3, 10, 30, 100]) {
      const wire = await WireClient.login(stack.port, "app", stack.database);
      await new Promise((sent) =>
        wire.socket.write(Buffer.concat(query("copy hubspot.contacts (email) from stdin")), sent),
      );
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      wire.socket[how]();
    }
  await untilGone(stack.admin);
  expect(stack.writes()).toEqual([]);
});
