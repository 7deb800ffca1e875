// A model of sessions, faults and recovery: what clients, crashes, people upstream and pulls do in any order, against the real
// journal, Postgres and HTTP. After each round of recovery, and at the end, the mirror must be what upstream is.

import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { follows, isState } from "../../src/journal/states.js";
import type { FaultyApi } from "../faults/api.js";
import { pastGuard } from "../support/past-guard.js";
import type { ServedStack } from "../support/served-stack.js";
import { lose, type Reached, recoverNow, startFaultyLine, type Verb } from "./lost-sessions.js";

let api: FaultyApi;
let stack: ServedStack;
beforeAll(async () => {
  ({ api, line: stack } = await startFaultyLine());
  // Every state that an entry has had.
  await stack.admin.query(`create table public.seen (id uuid, n serial, state text);
    create function public.see() returns trigger language plpgsql security definer as
      $$begin insert into public.seen (id, state) values (new.id, new.state); return null; end$$;
    create trigger see after insert or update of state on throughline.journal for each row execute function public.see()`);
});
afterAll(() => stack.close());

type Event =
  | { readonly kind: "session"; readonly verb: Verb; readonly row: number; readonly reached: Reached }
  | { readonly kind: "edit upstream"; readonly row: number }
  | { readonly kind: "delete upstream"; readonly row: number }
  | { readonly kind: "pull" }
  | { readonly kind: "recover" };

const rows = fc.nat({ max: 3 });
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("session" as const),
      verb: fc.constantFrom<Verb>("insert", "update", "delete"),
      row: rows,
      reached: fc.constantFrom<Reached>(
        "intent",
        "sent",
        "sent, and done",
        "accepted",
        "refused",
        "unknown",
        "unknown, and done",
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("edit upstream" as const), row: rows }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete upstream" as const), row: rows }) },
  { weight: 1, arbitrary: fc.constant({ kind: "pull" as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: "recover" as const }) },
);

const wanted = () =>
  api
    .records()
    .map(({ id, name, note }) => ({ id, name, note }))
    .sort(byId);
const mirrored = async () => (await stack.admin.query("select id, name, note from own.records")).rows.sort(byId);
const byId = (one: { id: string }, other: { id: string }) => one.id.localeCompare(other.id);

test("P6, P8: in whatever order sessions are lost, recovery and a pull make the mirror what upstream is", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 12 }), async (events) => {
      run += 1;
      const nameOf = (row: number) => `run ${run} row ${row}`;
      api.reset();
      api.add(nameOf(0), "old");
      api.add(nameOf(1), "old");
      await pastGuard(stack.admin, "own.records", "delete from own.records");
      await stack.admin.query("truncate public.seen, throughline.journal, throughline.applied, throughline.parked");
      await stack.pull();
      for (const one of events) {
        if (one.kind === "session") await lose(stack, api, one.verb, nameOf(one.row), one.reached);
        else if (one.kind === "pull") await stack.pull();
        else if (one.kind === "recover") await recoverNow(stack);
        else {
          const there = api.records().find(({ name }) => name === nameOf(one.row));
          const verb = one.kind === "edit upstream" ? "update" : "delete";
          if (there) api.apply(verb, { ...there, note: randomUUID() });
        }
      }
      await recoverNow(stack);
      // Whoever may have made a record that another create is asked about is finished first: that one waits for the next round.
      await recoverNow(stack);
      const open = await stack.admin.query("select state from throughline.journal where closed_at is null");
      expect(open.rows).toEqual([]);
      await stack.pull();
      expect(await mirrored()).toEqual(wanted());
      const seen = await stack.admin.query("select id, state from public.seen order by id, n");
      seen.rows.forEach(({ id, state }, index) => {
        const before = seen.rows[index - 1];
        if (before?.id === id && before.state !== state)
          expect(isState(before.state) && isState(state) && follows(before.state, state)).toBe(true);
      });
    }),
    { numRuns: Number(process.env["MODEL_RUNS"] ?? 60) },
  );
});
