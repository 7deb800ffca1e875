// A client logs in through the proxy with its own password, by SCRAM and by MD5.

import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

test.each(["app_scram", "app_md5"])(
  "P10: %s proves its password to Postgres through the proxy, and Postgres refuses a wrong one",
  async (role) => {
    const client = await stack.client(role);
    expect((await client.query("select current_user as role")).rows).toEqual([{ role }]);
    const wrong = new pg.Client({
      host: "127.0.0.1",
      port: stack.port,
      user: role,
      password: "wrong",
      database: stack.database,
    });
    await expect(wrong.connect()).rejects.toMatchObject({ code: "28P01" });
  },
);
