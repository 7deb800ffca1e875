// Recovery by a running proxy of what a killed proxy left open, and of calls whose outcome is unknown.

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { startApi } from "../faults/api.js";
import { mirrored, refused, upstream } from "../support/answers.js";
import { startManifestStack } from "../support/manifest-stack.js";
import { insertOrphan } from "../support/orphan-entry.js";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  const seed = [
    { email: "ada@x.com", firstname: "Ada" },
    { email: "bob@x.com", firstname: "Bob" },
  ];
  // Upstream is asked when twice the time for an answer has passed.
  stack = await startStack({ seed, timeoutMs: 200 });
});
afterEach(() => stack.close());

const idOf = (email: string) =>
  stack.sandbox.records("contacts").find(({ properties }) => properties["email"] === email)?.id ?? "";

const closed = (call: string) =>
  untilTrue(stack.admin, `exists (select from throughline.journal where id = '${call}' and closed_at is not null)`);
const stateOf = async (call: string) =>
  (await stack.admin.query("select state, closed_at is null as open from throughline.journal where id = $1", [call]))
    .rows[0];

test("P6: an entry that was never sent is closed as unsent, and nothing is sent", async () => {
  const call = await insertOrphan(
    stack,
    { verb: "insert", request: [{ key: null, sent: { email: "new@x.com" } }] },
    "intent",
  );
  await closed(call);
  expect(await stateOf(call)).toEqual({ state: "unsent", open: false });
  expect(stack.sandbox.log).toEqual([]);
});

test("P6: rows that were accepted are applied to the mirror", async () => {
  const ada = idOf("ada@x.com");
  stack.sandbox.edit("contacts", ada, { firstname: "Augusta" });
  const row = (await stack.admin.query("select * from hubspot.contacts where id = $1", [ada])).rows[0];
  const call = await insertOrphan(
    stack,
    { verb: "update", request: [{ key: ada, sent: { firstname: "Augusta" } }] },
    "sent",
    {
      state: "accepted",
      rows: [{ key: ada, row: { id: ada, email: row.email, firstname: "Augusta" } }],
    },
  );
  await closed(call);
  expect(await mirrored(stack)).toEqual(upstream(stack));
});

describe("P6: a change that may have been sent is settled by reading the row", () => {
  const request = () => [{ key: idOf("ada@x.com"), sent: { firstname: "Augusta" }, before: { firstname: "Ada" } }];

  test("upstream has made it", async () => {
    const call = await insertOrphan(stack, { verb: "update", request: request() }, "sent");
    stack.sandbox.edit("contacts", idOf("ada@x.com"), { firstname: "Augusta" });
    await closed(call);
    expect((await stateOf(call)).state).toBe("accepted");
    expect(await mirrored(stack)).toEqual(["ada@x.com Augusta", "bob@x.com Bob"]);
  });

  test("upstream has not made it, but has another change", async () => {
    const call = await insertOrphan(stack, { verb: "update", request: request() }, "sent");
    stack.sandbox.edit("contacts", idOf("ada@x.com"), { firstname: "Countess" });
    await closed(call);
    expect((await stateOf(call)).state).toBe("settled");
    expect(await mirrored(stack)).toEqual(["ada@x.com Countess", "bob@x.com Bob"]);
  });

  test("upstream has not made it, and no other change", async () => {
    const call = await insertOrphan(stack, { verb: "update", request: request() }, "sent");
    await closed(call);
    expect((await stateOf(call)).state).toBe("lapsed");
    expect(await mirrored(stack)).toEqual(["ada@x.com Ada", "bob@x.com Bob"]);
  });

  test("the row is gone upstream", async () => {
    const call = await insertOrphan(stack, { verb: "update", request: request() }, "sent");
    stack.sandbox.archive("contacts", idOf("ada@x.com"));
    await closed(call);
    expect((await stateOf(call)).state).toBe("absent");
    expect(await mirrored(stack)).toEqual(["bob@x.com Bob"]);
  });

  test("one of two rows was deleted", async () => {
    const request = ["ada@x.com", "bob@x.com"].map((email) => ({ key: idOf(email), sent: {} }));
    const call = await insertOrphan(stack, { verb: "delete", request }, "sent");
    stack.sandbox.archive("contacts", idOf("ada@x.com"));
    await closed(call);
    expect((await stateOf(call)).state).toBe("partial");
    expect(await mirrored(stack)).toEqual(["bob@x.com Bob"]);
  });
});

describe("P6: a create that may have been sent is looked for by a unique column", () => {
  const request = [{ key: null, sent: { email: "new@x.com", firstname: "New" } }];

  test("and is found", async () => {
    const call = await insertOrphan(stack, { verb: "insert", request }, "sent");
    stack.sandbox.seed("contacts", [{ email: "new@x.com", firstname: "New" }]);
    await closed(call);
    expect((await stateOf(call)).state).toBe("accepted");
    expect(await mirrored(stack)).toEqual(["ada@x.com Ada", "bob@x.com Bob", "new@x.com New"]);
    expect(stack.writes()).toEqual([]);
  });

  test("and is not found", async () => {
    const call = await insertOrphan(stack, { verb: "insert", request }, "sent");
    await closed(call);
    expect((await stateOf(call)).state).toBe("lapsed");
    expect(await mirrored(stack)).toEqual(["ada@x.com Ada", "bob@x.com Bob"]);
    expect(stack.writes()).toEqual([]);
  });

  test("P7: a create without a unique value stays unknown, and is not sent again", async () => {
    const call = await insertOrphan(
      stack,
      { verb: "insert", request: [{ key: null, sent: { firstname: "New" } }] },
      "sent",
    );
    await untilTrue(stack.admin, `exists (select from throughline.journal where id = '${call}' and tries > 1)`);
    expect(await stateOf(call)).toEqual({ state: "unknown", open: true });
    expect(stack.writes()).toEqual([]);
  });
});

test("P7: a row whose outcome was unknown is in the mirror soon after", async () => {
  const client = await stack.client();
  stack.sandbox.fault({ kind: "hang-up-after" });
  const told = await refused(client.query("insert into hubspot.contacts (email) values ('new@x.com')"));
  expect(told).toMatchObject({ code: "TL007" });
  await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
  expect(await mirrored(stack)).toEqual(["ada@x.com Ada", "bob@x.com Bob", "new@x.com"]);
  expect(stack.writes()).toHaveLength(1);
});

test("P6: a row that a user's constraint kept out is read again, and applied once the constraint allows it", async () => {
  await stack.admin.query("alter table hubspot.contacts add constraint short check (length(firstname) < 5)");
  const ada = idOf("ada@x.com");
  stack.sandbox.edit("contacts", ada, { firstname: "Augusta" });
  const call = await insertOrphan(
    stack,
    { verb: "update", request: [{ key: ada, sent: { firstname: "Augusta" } }] },
    "sent",
    {
      state: "accepted",
      rows: [{ key: ada, row: { id: ada, email: "ada@x.com", firstname: "Augusta" } }],
    },
  );
  await untilTrue(stack.admin, `exists (select from throughline.journal where id = '${call}' and blocked = '23514')`);
  stack.sandbox.edit("contacts", ada, { firstname: "Gus" });
  await closed(call);
  expect(await mirrored(stack)).toEqual(["ada@x.com Gus", "bob@x.com Bob"]);
});

test("P6: where the API can't be asked for a created row, pulls tell what became of it", async () => {
  const api = await startApi("unique");
  const text = readFileSync(new URL("../faults/manifest.yaml", import.meta.url), "utf8").replace(/^ *find:.*\n/m, "");
  const manifest = readYaml("manifest.yaml", text, manifestSchema);
  const close = async () => api.close();
  const own = await startManifestStack({
    schema: "own",
    manifest,
    resource: "records",
    url: api.url,
    timeoutMs: 100,
    close,
  });
  const client = await own.client();
  api.set("there", "hangs up after");
  api.set("lost", "hangs up before");
  for (const name of ["there", "lost"]) {
    expect(await refused(client.query("insert into own.records (name) values ($1)", [name]))).toMatchObject({
      code: "TL007",
    });
  }
  await untilTrue(own.admin, "(select min(tries) from throughline.journal) > 0");
  await own.pull();
  await untilTrue(own.admin, "exists (select from throughline.journal where state = 'unknown' and looks = 1)");
  expect((await own.admin.query("select state from throughline.journal order by intent_at")).rows).toEqual([
    { state: "accepted" },
    { state: "unknown" },
  ]);
  // That a record is not there takes another pull to say.
  await own.pull();
  await untilTrue(own.admin, "not exists (select from throughline.journal where closed_at is null)");
  const { rows } = await own.admin.query("select state from throughline.journal order by intent_at");
  expect(rows).toEqual([{ state: "accepted" }, { state: "lapsed" }]);
  expect((await own.admin.query("select name from own.records")).rows).toEqual([{ name: "there" }]);
  expect(api.created("")).toEqual(["there"]);
  await own.close();
});
