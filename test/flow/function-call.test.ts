// FunctionCall names a function by its OID alone, so that no text shows what it writes: the guard refuses it.

import { serialize } from "pg-protocol";
import { beforeEach, expect, test } from "vitest";
import { mirroredEmails } from "../support/answers.js";
import { conversation, run } from "../support/conversation.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
let message: Buffer;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }] });
  await stack.admin.query(
    `create function public.add(text) returns text language sql as $$insert into hubspot.contacts (email) values ($1) returning email$$`,
  );
  const { rows } = await stack.admin.query("select 'public.add(text)'::regprocedure::oid::int as oid");
  message = functionCall(rows[0].oid, "f@x.com");
  stack.sandbox.clearLog();
  return () => stack.close();
});

/** Of one argument; both it and the result as text. */
function functionCall(oid: number, argument: string): Buffer {
  const length = Buffer.byteLength(argument);
  const call = Buffer.alloc(1 + 4 + 4 + 2 + 2 + 4 + length + 2);
  call.write("F");
  call.writeInt32BE(call.length - 1, 1);
  call.writeInt32BE(oid, 5);
  call.writeInt16BE(1, 11);
  call.writeInt32BE(length, 13);
  call.write(argument, 17);
  return call;
}

test("P9: a function that writes to a mirror is refused, with no request", async () => {
  const said = await conversation(stack.port, stack.database, [[message], "Z"]);
  expect(said.slice(0, 2)).toEqual(["E 0A000", "Z I"]);
  expect(stack.sandbox.log).toEqual([]);
});

test("P9: such a function is refused behind a write of its pipeline, and that write stands", async () => {
  const write = run("insert into hubspot.contacts (email) values ('b@x.com')");
  const said = await conversation(stack.port, stack.database, [[...write, message, serialize.sync()]]);
  expect(said.slice(0, 5)).toEqual(["1", "2", "C INSERT 0 1", "E 0A000", "Z I"]);
  expect(stack.writes()).toHaveLength(1);
  expect(await mirroredEmails(stack)).toEqual(["ada@x.com", "b@x.com"]);
});
