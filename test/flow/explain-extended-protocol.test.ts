// EXPLAIN and throughline.dry_run in the extended protocol: parameters with types, rows in portions, notices.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
let wire: WireClient;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@a.example", firstname: "Ada" }] });
  wire = await WireClient.login(stack.port, "app", stack.database);
});
afterAll(async () => {
  wire.close();
  await stack.close();
});

/** `$1` is an int4. */
async function run(text: string, rows = 0): Promise<string> {
  const types = text.includes("$1") ? [23] : [];
  wire.send(
    serialize.parse({ text, types }),
    serialize.bind({ values: types.map(() => "7") }),
    serialize.execute({ rows }),
    serialize.sync(),
  );
  return shown(await wire.until("Z")).join("\n");
}

test("EXPLAIN says nothing of a statement that it can't plan without the types of its parameters", async () => {
  const update = "update hubspot.contacts set firstname = to_char($1, 'FM999') where email = 'ada@a.example'";
  expect(await run(`explain ${update}`)).not.toContain("would be refused");
  expect(await run(update)).toContain("C UPDATE 1");
});

test("EXPLAIN tells the request when its rows are fetched in portions", async () => {
  expect(await run("explain delete from hubspot.contacts", 100)).toContain("D Throughline: DELETE");
});

test("P10: client_min_messages holds for the notice of an EXPLAIN", async () => {
  await wire.ask(serialize.query("set client_min_messages = warning"));
  const said = await wire.ask(serialize.query(`explain (format json) update hubspot.contacts set firstname = 'x'`));
  await wire.ask(serialize.query("reset client_min_messages"));
  expect(said.filter((one) => one.startsWith("N"))).toEqual([]);
});

test("a dry run refuses to give its rows in portions", async () => {
  await run("set throughline.dry_run = on");
  expect(await run("insert into hubspot.contacts (email) values ('c@b.example') returning email", 1)).toContain(
    "E 0A000",
  );
});
