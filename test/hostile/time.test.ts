// A fuzzer for time: what a client sends grows, and what each byte of it costs does not, neither the program nor the others.

import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bind, execute, message, parse, query, sync } from "../proxy/build.js";
import { type Cost, costComplaints, costOfSession, costOfStranger, type RestCpuMs, restCpu } from "./cost.js";
import { type HostileStack, startHostileStack } from "./hostile-stack.js";
import { messageShapes } from "./message-shapes.js";
import type { Neighbours } from "./neighbours.js";
import { randomFor, seconds, seed } from "./seed.js";
import { randomShape, statementShapes } from "./statement-shapes.js";
import { verdict } from "./verdict.js";

/** The last is what a client may send at its worst. */
const longest = 1 << 20;
const sizes = seconds === undefined ? [64] : [32, 64, 128, 256, 512];
const randomShapes = seconds === undefined ? 10 : 100;

let stack: HostileStack;
let others: Neighbours | undefined;
let rest: RestCpuMs = 0;
beforeAll(async () => {
  stack = await startHostileStack();
});
afterAll(() => stack.close());

/** They move in again when the program had to be started anew. */
async function neighbours(): Promise<Neighbours> {
  if (others) return others;
  others = await stack.neighbours({ readers: 90, writers: 10 });
  rest = await restCpu(stack, () => delay(1_000));
  return others;
}

/** The attack at each size up to the first that is wrong. */
async function judged(attacks: readonly (() => Promise<Cost>)[]): Promise<readonly string[]> {
  const found = await verdict(stack, neighbours, async () => {
    const costs: Cost[] = [];
    for (const attack of attacks) {
      costs.push(await attack());
      const complaints = costComplaints(costs);
      if (complaints.length > 0) return complaints;
    }
    return [];
  });
  if (found.length === 0) return found;
  await others?.end();
  others = undefined;
  await stack.restart();
  return found;
}

function growing(mostBytes = longest): readonly number[] {
  const largest = Math.min(mostBytes, longest);
  return [...sizes.map((kilobytes) => kilobytes << 10).filter((bytes) => bytes < largest), largest].slice(
    mostBytes < longest ? -3 : 0,
  );
}

const simple = (text: Buffer) => message("Q", text, "\0");
const extended = (text: Buffer) =>
  Buffer.concat([message("P", "\0", text, "\0", Buffer.alloc(2)), bind(), execute(), sync]);

const random = randomFor("time");
const shapes = [...statementShapes, ...Array.from({ length: randomShapes }, () => randomShape(random))];

test.each(shapes)(
  `P15: a long statement costs no more for each byte than a short one, and nobody waits for it: $name (SEED=${seed})`,
  async ({ text, mostBytes }) => {
    const sent = growing(mostBytes).map(text);
    const attacks = sent.map((bytes) => () => costOfSession(stack, simple(bytes), rest));
    expect(await judged(attacks), "by Query").toEqual([]);
    const parsed = seconds === undefined ? [] : sent;
    expect(await judged(parsed.map((bytes) => () => costOfSession(stack, extended(bytes), rest))), "by Parse").toEqual(
      [],
    );
    const strangers = sent.slice(-1).flatMap((bytes) => [simple(bytes), extended(bytes)]);
    for (const bytes of strangers)
      expect(await judged([() => costOfStranger(stack, bytes, rest)]), "before the login").toEqual([]);
  },
);

test.each(messageShapes)(
  "P15: many messages cost no more for each byte than few, and nobody waits for them: $name",
  async ({ messages, mostBytes }) => {
    const sent = growing(mostBytes).map(messages);
    expect(await judged(sent.map((bytes) => () => costOfSession(stack, bytes, rest)))).toEqual([]);
    expect(
      await judged(sent.slice(-1).map((bytes) => () => costOfStranger(stack, bytes, rest))),
      "before the login",
    ).toEqual([]);
  },
);

test("P15: a statement behind another's login packet is as cheap as any other's: few bytes, many times", async () => {
  const text = `${"/**/".repeat(26)}--\rexplain insert into things.things (target) values ('x')`;
  expect(await judged([() => costOfStranger(stack, Buffer.concat([query(text), parse(text)]), rest)])).toEqual([]);
});
