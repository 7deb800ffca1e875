// What the journal notes is on disk before the call is made, whatever synchronous_commit says.

import { expect, test } from "vitest";
import { open } from "../../src/app/open.js";
import { startStack } from "../support/stack.js";

test("P6: an entry of the journal is durable although the proxy's login has synchronous_commit off", async () => {
  const stack = await startStack({ pull: false });
  try {
    await stack.admin.query(`alter role throughline in database ${stack.database} set synchronous_commit = off`);
    const { pool } = open(stack.opened.config);
    expect((await pool.query("show synchronous_commit")).rows).toEqual([{ synchronous_commit: "local" }]);
    await pool.end();
  } finally {
    await stack.close();
  }
});
