// Recovery reads upstream to find out what became of a call, while pages, clients and people upstream are at work.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mirrored, refused, upstream } from "../support/answers.js";
import { insertOrphan } from "../support/orphan-entry.js";
import { batchRead, create, recoveryTools, startRecoveryStack } from "../support/recovery.js";
import { untilTrue } from "../support/sessions.js";
import type { Stack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startRecoveryStack();
});
afterEach(() => stack.close());

const { idOf, closed, stateOf, age, untilAsked, change } = recoveryTools(() => stack);

describe("P8: a row that recovery reads", () => {
  test("is not written over a page that was asked for later", async () => {
    stack.sandbox.fault({ kind: "slow", ms: 1_000, on: batchRead });
    const call = await insertOrphan(stack, change(), "sent");
    await age(call);
    await untilAsked();
    stack.sandbox.edit("contacts", idOf("ada@x.com"), { firstname: "Newer" });
    await stack.pull();
    await closed(call);
    expect(await mirrored(stack)).toEqual(["ada@x.com Newer", "bob@x.com Bob"]);
  });

  test("is awaited: a row that was blocked is not applied as long as it can't be read again", async () => {
    await stack.admin.query("alter table hubspot.contacts add constraint short check (length(firstname) < 6)");
    const ada = idOf("ada@x.com");
    stack.sandbox.fault({ kind: "unavailable", times: 2, on: batchRead });
    const call = await insertOrphan(stack, change(), "sent", {
      state: "accepted",
      rows: [{ key: ada, row: { id: ada, email: "ada@x.com", firstname: "Augusta" } }],
    });
    await untilTrue(stack.admin, `exists (select from throughline.journal where id = '${call}' and blocked = '23514')`);
    stack.sandbox.edit("contacts", ada, { firstname: "Newer" });
    await stack.pull();
    await stack.admin.query("alter table hubspot.contacts drop constraint short");
    await stack.admin.query("update throughline.journal set tried_at = null, tries = 1");
    await closed(call);
    expect(await mirrored(stack)).toEqual(upstream(stack));
  });
});

describe("P7: a create that is found by its e-mail", () => {
  test("is not taken for the lost one when a client has made it anew", async () => {
    const client = await stack.client();
    const call = await insertOrphan(stack, create, "sent");
    await client.query("insert into hubspot.contacts (email, firstname) values ('new@x.com', 'Second')");
    await age(call);
    await closed(call);
    expect(await stateOf(call)).toBe("lapsed");
  });

  test("is not touched while a client is making it", async () => {
    const client = await stack.client();
    const call = await insertOrphan(stack, create, "sent");
    stack.sandbox.fault({ kind: "slow", ms: 1_500, on: { path: "/crm/v3/objects/contacts" } });
    const making = refused(client.query("insert into hubspot.contacts (email) values ('new@x.com')"));
    await untilTrue(stack.admin, "(select count(*) from throughline.journal where state = 'sent') = 2");
    await age(call);
    expect(await making).toMatchObject({ code: "accepted" });
  });

  test("with other values closes the entry as settled, because its maker can't be told", async () => {
    stack.sandbox.seed("contacts", [{ email: "new@x.com", firstname: "Other" }]);
    const call = await insertOrphan(stack, create, "sent");
    await age(call);
    await closed(call);
    expect(await stateOf(call)).toBe("settled");
    expect(await mirrored(stack)).toEqual(upstream(stack));
  });
});

test("P7: a change whose value upstream has normalised is settled, not lapsed", async () => {
  const client = await stack.client();
  stack.sandbox.fault({ kind: "hang-up-after" });
  await refused(client.query("update hubspot.contacts set email = 'ADA2@x.com' where email = 'ada@x.com'"));
  const { rows } = await stack.admin.query("select id from throughline.journal");
  await age(rows[0].id);
  await closed(rows[0].id);
  expect(await stateOf(rows[0].id)).toBe("settled");
  expect(await mirrored(stack)).toEqual(["ada2@x.com Ada", "bob@x.com Bob"]);
});
