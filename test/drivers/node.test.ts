// The two drivers of Node.js run the ten statements of ten.ts through the proxy, in both protocols.

import postgres from "postgres";
import { afterEach, beforeEach, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";
import { runTen, seed, sqlstateOf } from "./ten.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed });
});
afterEach(() => stack.close());

const asText = (rows: readonly (readonly unknown[])[]) => rows.map((row) => row.map(String).join("|"));

test.each(["simple", "extended"] as const)("node-postgres runs the ten statements, %s protocol", async (queryMode) => {
  const client = await stack.client();
  const run = (text: string) =>
    client
      .query({ text, rowMode: "array", ...(queryMode === "extended" ? { queryMode } : {}) })
      .then(({ rows }) => asText(rows), sqlstateOf);
  await runTen(stack, run);
});

test.each([true, false])("postgres.js runs the ten statements, prepared %s", async (prepare) => {
  const sql = postgres({
    host: "127.0.0.1",
    port: stack.port,
    user: "app",
    password: "app",
    database: stack.database,
    prepare,
    max: 1,
  });
  const run = (text: string) => {
    const template = Object.assign([text], { raw: [text] });
    return sql(template)
      .values()
      .then((rows) => asText(rows), sqlstateOf);
  };
  await runTen(stack, run);
  await sql.end();
});
