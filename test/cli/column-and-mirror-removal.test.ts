// Removal of columns and mirrors: only what was named goes, and no call of unknown outcome goes with it.

import { expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { asAdmin, openMirrors } from "../../src/app/open.js";
import { dropMirrors } from "../../src/mirror/drop.js";
import { addLocalColumn } from "../../src/mirror/local-column.js";
import { refused } from "../support/answers.js";
import { untilBlocked } from "../support/sessions.js";
import { startStack } from "../support/stack.js";

test.each(["text", "integer"])("a local %s column stays the user's when the API gets one of its name", async (type) => {
  const stack = await startStack({ seed: [{ email: "ada@a.example" }] });
  try {
    await asAdmin(stack.opened, (admin) =>
      addLocalColumn(admin, { api: "hubspot", resource: "contacts", name: "score" }, type),
    );
    const client = await stack.client();
    await client.query("update hubspot.contacts set score = '7'");
    stack.sandbox.defineProperty("contacts", { name: "score", type: "string" });
    await migrateAll(stack.opened, { dryRun: false }).catch(() => undefined);
    await stack.pull();
    const { rows } = await stack.admin.query("select score::text from hubspot.contacts");
    expect(rows).toEqual([{ score: "7" }]);
  } finally {
    await stack.close();
  }
});

test("P7: a mirror is not dropped while a call's outcome is unknown, even one that began meanwhile", async () => {
  const stack = await startStack({ timeoutMs: 500 });
  try {
    const [known] = await openMirrors(stack.opened);
    if (!known) throw new Error("there is no mirror");
    const client = await stack.client();
    await client.query("begin");
    await client.query("select count(*) from hubspot.contacts");
    const dropped = refused(dropMirrors(stack.opened.pool, [known.mirror], false));
    await untilBlocked(stack.admin);
    stack.sandbox.fault({ kind: "hang-up-after", on: { path: "*/contacts" } });
    const unknown = client.query("insert into hubspot.contacts (email) values ('ada@a.example')");
    expect(await refused(unknown)).toMatchObject({ code: "TL007" });
    await client.query("rollback");
    expect(await dropped).toMatchObject({ message: expect.stringContaining("open journal entries") });
    const { rows } = await stack.admin.query("select state from throughline.journal");
    expect(rows).toEqual([{ state: "unknown" }]);
  } finally {
    await stack.close();
  }
});
