// What fourteen clients say when they write to a table, said again to an ordinary table and to a mirror of the same name and
// columns: both answer the same, and then hold the same rows. `npm run corpus` replays all of it, the test suite a part.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Difference, replay } from "./both.js";
import { capturedClients } from "./captured.js";
import { exceptionOf, exceptions } from "./exceptions.js";
import type { Cut } from "./play.js";
import { type Outcome, Report } from "./report.js";
import { type Mirror, makeTables, type Tables } from "./tables.js";

const all = process.env["CORPUS"] === "all";
const clients = capturedClients(all);
const cuts: readonly Cut[] = all ? ["message by message", "in one write"] : ["message by message"];
const report = new Report();
const limitMs = 30_000;
/** So much of a message is shown. */
const longest = 600;

describe.each(clients)("$client", ({ client, conversations, ...opening }) => {
  let tables: Tables;
  beforeAll(async () => {
    tables = await makeTables();
  });
  afterAll(() => tables.close());

  test.each(conversations)("$shape", { timeout: limitMs }, async ({ shape, messages }) => {
    // Until it is known to be better.
    let outcome: Outcome = "different";
    try {
      const difference = await replay(tables, opening, messages, cuts);
      const { why, answer } = exceptionOf(client, shape) ?? {};
      expect(difference?.throughline, said(difference)).toBe(answer);
      await expectNothingLost(tables.mirror);
      outcome = why === undefined ? "same" : why.startsWith("BUG:") ? "bug" : "exception";
    } finally {
      report.count(client, outcome);
    }
  });
});

test("an exception is of a conversation that there is, and says why", () => {
  const known = capturedClients(true).flatMap(({ client, conversations }) =>
    conversations.map(({ shape }) => `${client}: ${shape}`),
  );
  const named = exceptions.flatMap(({ where }) =>
    Object.entries(where).flatMap(([client, shapes]) => shapes.map((shape) => `${client}: ${shape}`)),
  );
  expect(known).toEqual(expect.arrayContaining(named));
  expect(named).toEqual([...new Set(named)]);
  for (const { why } of exceptions) expect(why).not.toBe("");
});

afterAll(() => {
  if (all) process.stdout.write(`\n${report.print()}\n`);
});

/** The mirror has what its API has, and every call is settled. */
async function expectNothingLost(mirror: Mirror): Promise<void> {
  expect(await mirror.openCalls()).toEqual([]);
  const before = await mirror.rows();
  await mirror.pull();
  expect(await mirror.rows()).toEqual(before);
}

function said(difference: Difference | undefined): string {
  if (!difference) return "there is no difference any more";
  const { at, postgres, throughline } = difference;
  return `${at.slice(0, longest)}\nPostgres:    ${postgres}\nThroughline: ${throughline}\n`;
}
