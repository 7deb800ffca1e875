// What the proxy keeps for its clients has a limit for a session, an address and over all; who keeps most gives way.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { SqlError } from "../../src/postgres/error-catalogue.js";
import { MemoryBudget, memoryLimits } from "../../src/proxy/memory-budget.js";
import { type Stack, startStack } from "../support/stack.js";
import { bind, message, parse, sync } from "./build.js";
import { login } from "./session.js";

interface Ended {
  readonly name: string;
  readonly words: string;
}

function budget() {
  const ended: Ended[] = [];
  const all = new MemoryBudget(memoryLimits(400));
  const open = (name: string, address: string) => {
    const account = all.open(address, ({ message }: SqlError) => {
      ended.push({ name, words: message });
      account.close();
    });
    return account;
  };
  return { ended, open };
}

test("P15: a session that keeps more than its own share is ended, with the words of that limit", () => {
  const { ended, open } = budget();
  const one = open("one", "a");
  one.keep(100);
  expect(ended).toEqual([]);
  one.keep(101);
  expect(ended).toEqual([{ name: "one", words: expect.stringContaining("the limit for one session") }]);
});

test("P15: of an address that keeps too much, the session that keeps most is ended, and what it kept is free again", () => {
  const { ended, open } = budget();
  const [large, small, other] = [open("large", "a"), open("small", "a"), open("other", "b")];
  large.keep(99);
  open("third", "a").keep(90);
  other.keep(100);
  small.keep(12);
  expect(ended).toEqual([{ name: "large", words: expect.stringContaining("the sessions of a have more") }]);
  small.keep(90);
  expect(ended).toHaveLength(1);
});

test("P15: over all, the session that keeps most is ended, never the one that keeps little", () => {
  const { ended, open } = budget();
  for (const [index, bytes] of [80, 95, 90, 85].entries()) open(`s${index}`, `address ${index}`).keep(bytes);
  const small = open("small", "another");
  small.keep(51);
  expect(ended).toEqual([{ name: "s1", words: expect.stringContaining("the limit over all") }]);
  small.close();
  small.close();
  small.keep(1_000);
  expect(ended).toHaveLength(1);
});

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

test("P15: values that are bound again and again are counted, and the session ends with the limit's words", async () => {
  const raw = await login({ host: "127.0.0.1", port: stack.port }, stack.database);
  raw.send(parse("insert into hubspot.contacts (email) values ($1)", "s"));
  raw.send(sync);
  await raw.until("Z");
  const value = "v".repeat(8 * 1024 * 1024);
  for (let portal = 0; portal < 9; portal += 1)
    raw.send(bind({ portal: `p${portal}`, statement: "s", values: [value] }));
  const error = await raw.until("E");
  expect(error.toString()).toMatch(/FATAL.*53400.*the limit for one session/s);
  await raw.untilEnd();
});

test("P15: a message that never ends is kept up to what one message may have, and costs others nothing", async () => {
  const raw = await login({ host: "127.0.0.1", port: stack.port }, stack.database);
  raw.send(parse("insert into hubspot.contacts (email) values ($1)", "s"));
  raw.send(sync);
  await raw.until("Z");
  const unfinished = message("B", Buffer.alloc(15 * 1024 * 1024));
  raw.send(unfinished.subarray(0, unfinished.length - 1));
  const client = await stack.client();
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  raw.socket.destroy();
});
