// A model of sessions, faults and recovery: what clients, crashes, people upstream and pulls do in any order, against the real
// journal, Postgres and HTTP. After each round of recovery, and at the end, the mirror must be what upstream is.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openMirrors } from "../../src/cli/open.js";
import { readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/connector/manifest.js";
import { noteIntent, noteOutcome, type RequestRow } from "../../src/journal/journal.js";
import { recover } from "../../src/journal/recover.js";
import { follows, isState } from "../../src/journal/states.js";
import { type FaultyApi, startApi } from "../faults/api.js";
import { startManifestLine } from "../support/manifest-line.js";
import type { Served } from "../support/served.js";

let api: FaultyApi;
let line: Served;
beforeAll(async () => {
  api = await startApi("unique");
  const text = readFileSync(new URL("../faults/manifest.yaml", import.meta.url), "utf8");
  const manifest = readYaml("manifest.yaml", text, manifestSchema);
  line = await startManifestLine({
    schema: "own",
    manifest,
    resource: "records",
    url: api.url,
    close: async () => api.close(),
  });
  // Every state that an entry has had.
  await line.admin.query(`create table public.seen (id uuid, n serial, state text);
    create function public.see() returns trigger language plpgsql security definer as
      $$begin insert into public.seen (id, state) values (new.id, new.state); return null; end$$;
    create trigger see after insert or update of state on throughline.journal for each row execute function public.see()`);
});
afterAll(() => line.close());

type Verb = "insert" | "update" | "delete";
/** How far a session came before it was lost. */
type Reached = "intent" | "sent" | "sent, and done" | "accepted" | "refused" | "unknown" | "unknown, and done";
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

/** A session that was lost: what it noted, and what upstream did of it. Undefined when its row is not there. */
async function lose(verb: Verb, name: string, reached: Reached): Promise<void> {
  const { pool } = line.opened;
  const there = api.records().find((record) => record.name === name);
  if ((verb === "insert") === (there !== undefined)) return;
  const note = randomUUID();
  const request: RequestRow =
    verb === "insert"
      ? { key: null, sent: { name, note } }
      : { key: there?.id ?? "", sent: verb === "update" ? { note } : {} };
  const { rows: mirrors } = await line.admin.query("select id, revision from throughline.mirror");
  const call = randomUUID();
  const by = { role: "app", application: "", clientAddress: "", statementHash: "", idempotencyKey: null };
  const keys = request.key === null ? [] : [request.key];
  const of = { mirror: mirrors[0], api: "own", table: "own.records", keys, request: [request], verb };
  await noteIntent(pool, { ...by, ...of, call, proxy: randomUUID() }, reached === "intent" ? "intent" : "sent");
  let key = request.key ?? "";
  if (reached === "accepted" || reached.endsWith("done")) key = api.apply(verb, { id: key, name, note });
  const outcome = { status: 200, request: null, sqlstate: null };
  if (reached === "accepted") {
    const row = verb === "delete" ? null : { id: key, name, note };
    await noteOutcome(pool, call, { ...outcome, state: "accepted", rows: [{ key, row }] });
  } else if (reached === "refused") await noteOutcome(pool, call, { ...outcome, state: "refused", rows: [] });
  else if (reached.startsWith("unknown")) await noteOutcome(pool, call, { ...outcome, state: "unknown", rows: [] });
}

async function recoverNow(): Promise<void> {
  // Upstream had its time.
  await line.admin.query(
    "update throughline.journal set sent_at = sent_at - interval '1 hour', tried_at = null where closed_at is null",
  );
  const parts = { ...line.opened, proxy: randomUUID(), mirrors: () => openMirrors(line.opened) };
  while ((await recover(parts)) === undefined);
}

const wanted = () =>
  api
    .records()
    .map(({ id, name, note }) => ({ id, name, note }))
    .sort(byId);
const mirrored = async () => (await line.admin.query("select id, name, note from own.records")).rows.sort(byId);
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
      await line.admin.query(
        "set session_replication_role = replica; delete from own.records; reset session_replication_role",
      );
      await line.admin.query("truncate public.seen, throughline.journal, throughline.applied, throughline.parked");
      await line.pull();
      for (const one of events) {
        if (one.kind === "session") await lose(one.verb, nameOf(one.row), one.reached);
        else if (one.kind === "pull") await line.pull();
        else if (one.kind === "recover") await recoverNow();
        else {
          const there = api.records().find(({ name }) => name === nameOf(one.row));
          const verb = one.kind === "edit upstream" ? "update" : "delete";
          if (there) api.apply(verb, { ...there, note: randomUUID() });
        }
      }
      await recoverNow();
      const open = await line.admin.query("select state from throughline.journal where closed_at is null");
      expect(open.rows).toEqual([]);
      await line.pull();
      // A pull does not see what is gone upstream; what was deleted by SQL is gone here.
      const gone = (await mirrored()).filter(({ id }) => !wanted().some((record) => record.id === id));
      for (const { name } of gone) expect(events).toContainEqual({ kind: "delete upstream", row: Number(name.at(-1)) });
      expect((await mirrored()).filter(({ id }) => wanted().some((record) => record.id === id))).toEqual(wanted());
      const seen = await line.admin.query("select id, state from public.seen order by id, n");
      seen.rows.forEach(({ id, state }, index) => {
        const before = seen.rows[index - 1];
        if (before?.id === id && before.state !== state)
          expect(isState(before.state) && isState(state) && follows(before.state, state)).toBe(true);
      });
    }),
    { numRuns: Number(process.env["MODEL_RUNS"] ?? 60) },
  );
});
