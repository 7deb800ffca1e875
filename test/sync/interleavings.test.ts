// P8 in whatever order things happen: four writers on two proxies, two readers of the API, people upstream, rollbacks and crashes, and
// somebody who looks after each step.

import { randomUUID } from "node:crypto";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { serve } from "../../src/app/serve.js";
import type { RunningProxy } from "../../src/proxy/start.js";
import { tendAllParked } from "../../src/sync/parked.js";
import type { FaultyApi } from "../faults/api.js";
import { lose, type Reached, recoverNow, startFaultyLine, type Verb } from "../journal/lost-sessions.js";
import { pastGuard } from "../support/past-guard.js";
import { type AskedPage, askForPage } from "../support/reading.js";
import type { ServedStack } from "../support/served-stack.js";

let api: FaultyApi;
let stack: ServedStack;
let other: RunningProxy;
/** Two of each proxy. */
let clients: readonly pg.Client[];
let others: readonly pg.Client[];
beforeAll(async () => {
  ({ api, line: stack } = await startFaultyLine());
  other = await serve(stack.opened, { host: "127.0.0.1", port: 0 });
  const url = { host: "127.0.0.1", user: "app", password: "app", database: stack.database };
  others = [1, 2].map(() => new pg.Client({ ...url, port: other.port }));
  for (const client of others) await client.connect();
  clients = [await stack.client(), await stack.client(), ...others];
  for (const client of clients)
    await client.query("set lock_timeout = '100ms'; set throughline.transaction = immediate");
});
afterAll(async () => {
  for (const client of others) await client.end();
  await other.close();
  await stack.close();
});

type Step =
  | { readonly kind: "write"; readonly who: number; readonly verb: Verb; readonly row: number; readonly open: boolean }
  | { readonly kind: "end"; readonly who: number; readonly how: "commit" | "rollback" }
  | { readonly kind: "ask for a page" | "apply the page"; readonly who: number }
  | { readonly kind: "edit upstream" | "delete upstream" | "create upstream"; readonly row: number }
  | { readonly kind: "crash"; readonly verb: Verb; readonly row: number; readonly reached: Reached }
  | { readonly kind: "recover" | "tend what is parked" };

const who = fc.nat({ max: 3 });
const reader = fc.nat({ max: 1 });
const row = fc.nat({ max: 2 });
const verb = fc.constantFrom<Verb>("insert", "update", "update", "delete");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("write" as const), who, verb, row, open: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      who,
      how: fc.constantFrom("commit" as const, "rollback" as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("ask for a page" as const), who: reader }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("apply the page" as const), who: reader }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("edit upstream" as const), row }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete upstream" as const), row }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("create upstream" as const), row }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("crash" as const),
      verb,
      row,
      reached: fc.constantFrom<Reached>("sent", "sent, and done", "accepted", "unknown", "unknown, and done"),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "recover" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "tend what is parked" as const }) },
);

/** What the reader has seen of each record: where it stood in upstream's history. */
class Reader {
  private readonly seen = new Map<string, number>();

  async look(after: string): Promise<void> {
    const { rows } = await stack.admin.query("select id, note from own.records");
    for (const { id, note } of rows) {
      const at = api.history.findIndex((fact) => fact.id === id && fact.note === note);
      expect(at, `after ${after}: ${id} is as it never was upstream`).toBeGreaterThanOrEqual(0);
      expect(at, `after ${after}: ${id} went back in time`).toBeGreaterThanOrEqual(this.seen.get(id) ?? 0);
      this.seen.set(id, at);
    }
    for (const id of this.seen.keys()) {
      if (rows.some((one) => one.id === id)) continue;
      const gone = api.history.findIndex((fact) => fact.id === id && fact.note === null);
      expect(gone, `after ${after}: ${id} vanished`).toBeGreaterThanOrEqual(0);
      // It may not come back.
      this.seen.set(id, gone);
    }
  }
}

async function begin(run: number): Promise<void> {
  api.reset();
  for (const n of [0, 1]) api.add(`run ${run} row ${n}`, randomUUID());
  await pastGuard(stack.admin, "own.records", "delete from own.records");
  await stack.admin.query("truncate throughline.journal, throughline.applied, throughline.parked");
  await stack.pull();
}

const writeSql: Readonly<Record<Verb, string>> = {
  insert: "insert into own.records (name, note) values ($1, $2)",
  update: "update own.records set note = $2 where name = $1",
  delete: "delete from own.records where name = $1",
};

async function take(one: Step, run: number, pages: Map<number, AskedPage>): Promise<void> {
  const { pool } = stack.opened;
  const [known] = await openMirrors(stack.opened);
  if (!known) throw new Error("there is no mirror");
  const client = "who" in one ? clients[one.who] : undefined;
  const name = "row" in one ? `run ${run} row ${one.row}` : "";
  const there = api.records().find((record) => record.name === name);
  // What is refused, or waits for the other client, is as good a step as any.
  const ask = (sql: string, values: string[] = []) => client?.query(sql, values).catch(() => undefined);
  switch (one.kind) {
    case "write":
      if (one.open) await ask("begin");
      await ask(writeSql[one.verb], one.verb === "delete" ? [name] : [name, randomUUID()]);
      return;
    case "end":
      await ask(one.how);
      return;
    case "ask for a page": {
      const asked = pages.has(one.who) ? undefined : await askForPage(pool, known);
      if (asked) pages.set(one.who, asked);
      return;
    }
    case "apply the page":
      await pages.get(one.who)?.end("write it");
      pages.delete(one.who);
      return;
    case "edit upstream":
      if (there) api.apply("update", { ...there, note: randomUUID() });
      return;
    case "delete upstream":
      if (there) api.apply("delete", there);
      return;
    case "create upstream":
      if (!there) api.apply("insert", { id: "", name, note: randomUUID() });
      return;
    case "crash":
      await lose(stack, api, one.verb, name, one.reached);
      return;
    case "recover":
      await recoverNow(stack);
      return;
    case "tend what is parked":
      if (pages.size === 0) await tendAllParked(pool, pool, () => openMirrors(stack.opened));
  }
}

test("P8: in whatever order writes, pages, rollbacks, crashes and recovery come, no row goes back in time", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 16 }), async (steps) => {
      run += 1;
      await begin(run);
      const pages = new Map<number, AskedPage>();
      const reader = new Reader();
      try {
        await reader.look("the start");
        for (const [n, one] of steps.entries()) {
          await take(one, run, pages);
          await reader.look(`step ${n + 1}`);
        }
      } finally {
        for (const page of pages.values()) await page.end("drop it");
        for (const client of clients) await client.query("rollback");
      }
      await recoverNow(stack);
      await reader.look("recovery");
      await stack.pull();
      await reader.look("a pull");
      const { rows } = await stack.admin.query("select id, name, note from own.records");
      const missing = api.records().filter(({ id, note }) => !rows.some((one) => one.id === id && one.note === note));
      expect(missing).toEqual([]);
    }),
    { numRuns: Number(process.env["MODEL_RUNS"] ?? 60) },
  );
});
