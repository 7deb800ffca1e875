// Rounds of recovery beside others at work: running proxies, sessions of clients, lost connections, tables that are no longer configured.

import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serve } from "../../src/app/serve.js";
import { resolveEntry } from "../../src/journal/listing.js";
import { Presence } from "../../src/journal/presence.js";
import { insertOrphan } from "../support/orphan-entry.js";
import { batchRead, create, recoveryTools, startRecoveryStack } from "../support/recovery.js";
import { untilTrue } from "../support/sessions.js";
import type { Stack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startRecoveryStack();
});
afterEach(() => stack.close());

const { idOf, closed, stateOf, age, untilAsked, change } = recoveryTools(() => stack);

test("P6: entries of a table that is no longer configured don't keep recovery from others, and can be closed", async () => {
  const entries = `insert into throughline.journal (id, proxy, mirror, api, table_name, verb, state, row_count, role, application,
      client_address, statement_hash, request, sent_at, intent_at)
    select gen_random_uuid(), $1, m.id, 'gone', 'gone.things', 'insert', s.state, 1, '', '', '', '', '[]', now() - interval '1 day',
      now() - interval '1 day' from throughline.mirror m, unnest('{intent,sent}'::text[]) s(state), generate_series(1, 150) where m.api = 'gone'`;
  await stack.admin.query(`insert into throughline.mirror (api, resource, schema_name, table_name, key_columns, columns)
    values ('gone', 'things', 'gone', 'things', '{id}', '[]')`);
  await stack.admin.query(entries, [randomUUID()]);
  await closed(await insertOrphan(stack, create, "intent"));
  await untilTrue(stack.admin, "not exists (select from throughline.journal where state in ('intent', 'sent'))");
  const { rows } = await stack.admin.query(
    "select state, count(*)::int, min(id::text) as id from throughline.journal where api = 'gone' group by 1 order by 1",
  );
  expect(rows).toMatchObject([
    { state: "unknown", count: 150 },
    { state: "unsent", count: 150 },
  ]);
  expect(await resolveEntry(stack.opened.pool, rows[0].id, "refused", "the API is no longer used")).toBe(true);
});

test("P6: a round that loses its connection ends no process, and a later round does its work", async () => {
  stack.sandbox.fault({ kind: "slow", ms: 1_000, on: batchRead });
  const call = await insertOrphan(stack, change(), "sent");
  await age(call);
  await untilAsked();
  const uncaught: unknown[] = [];
  const note = (cause: unknown) => uncaught.push(cause);
  process.on("uncaughtException", note);
  await stack.admin.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database())`);
  await closed(call);
  process.off("uncaughtException", note);
  expect(uncaught).toEqual([]);
});

test("P10: clients see no advisory lock of a proxy that has nothing to recover", async () => {
  const client = await stack.client();
  const { rows } = await client.query(
    "select count(*)::int as n from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
  );
  expect(rows).toEqual([{ n: 0 }]);
});

test("P6: a proxy counts as running by its own login alone, and even where Postgres tracks no activities", async () => {
  const other = randomUUID();
  const gone = await insertOrphan(stack, change(), "sent", undefined, other);
  await age(gone);
  // Not the login of ours.
  await stack.admin.query("select set_config('application_name', $1, false)", [`throughline ${other}`]);
  await closed(gone);
  await stack.admin.query("alter role throughline set track_activities = off");
  const running = randomUUID();
  const presence = await Presence.begin(stack.opened.pool, running, stack.opened.log);
  const kept = await insertOrphan(stack, change(), "sent", undefined, running);
  const marker = await insertOrphan(stack, change(), "sent");
  await age(kept);
  await age(marker);
  await closed(marker);
  expect(await stateOf(kept)).toBe("sent");
  presence.end();
  await closed(kept);
  await stack.admin.query("alter role throughline reset track_activities");
});

test("P6: recovery leaves an open session alone while its proxy runs", async () => {
  const client = await stack.client();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('open@x.com')");
  const marker = await insertOrphan(stack, create, "intent");
  await closed(marker);
  const { rows } = await stack.admin.query("select state, tries from throughline.journal where closed_at is null");
  expect(rows).toEqual([{ state: "accepted", tries: 0 }]);
  await client.query("commit");
});

test("P6: a clock that goes forward by days takes no running proxy's key away", async () => {
  const client = await stack.client();
  await stack.admin.query("update throughline.proxy_key set renewed_at = renewed_at - interval '90 days'");
  const other = await serve(stack.opened, { host: "127.0.0.1", port: 0 });
  await client.query("insert into hubspot.contacts (email) values ('still@x.com')");
  await other.close();
});

test("P6: as many calls as the API tells of at once are asked about with one request", async () => {
  const contacts = Array.from({ length: 120 }, (_, n) => ({ email: `new${n}@x.com`, firstname: "New" }));
  const asking = "(hashtext('throughline turn'), id) from throughline.mirror";
  await stack.admin.query(`select pg_advisory_lock${asking}`);
  const calls: string[] = [];
  const gone = randomUUID();
  for (const sent of contacts) {
    const creation = { verb: "insert" as const, request: [{ key: null, sent }] };
    calls.push(await insertOrphan(stack, creation, "sent", undefined, gone));
  }
  for (let n = 0; n < 30; n += 1) calls.push(await insertOrphan(stack, change(), "sent", undefined, gone));
  await stack.admin.query("update throughline.journal set quiet_moment = nextval('throughline.moment')");
  stack.sandbox.seed("contacts", contacts);
  await stack.admin.query(`select pg_advisory_unlock${asking}`);
  for (const call of calls.slice(0, contacts.length)) await closed(call);
  // 100 e-mails at a time are asked for, and all changes of one record by its key.
  const reads = stack.sandbox.log.filter(({ path }) => path === batchRead.path);
  expect(reads.length).toBeLessThanOrEqual(4);
  const { rows } = await stack.admin.query("select count(*)::int as n from hubspot.contacts");
  expect(rows).toEqual([{ n: contacts.length + 2 }]);
});

test("P6: several proxies on one database finish each entry once", async () => {
  const other = await serve(stack.opened, { host: "127.0.0.1", port: 0 });
  const asking = "(hashtext('throughline turn'), id) from throughline.mirror";
  await stack.admin.query(`select pg_advisory_lock${asking}`);
  const calls = [];
  const gone = randomUUID();
  for (let n = 0; n < 12; n += 1) calls.push(await insertOrphan(stack, change(), "sent", undefined, gone));
  stack.sandbox.edit("contacts", idOf("ada@x.com"), { firstname: "Augusta" });
  await stack.admin.query("update throughline.journal set quiet_moment = nextval('throughline.moment')");
  await stack.admin.query(`select pg_advisory_unlock${asking}`);
  for (const call of calls) await closed(call);
  // One read tells of all.
  expect(stack.sandbox.log.filter(({ path }) => path === batchRead.path)).toHaveLength(1);
  const { rows } = await stack.admin.query("select distinct tries from throughline.journal");
  expect(rows).toEqual([{ tries: 1 }]);
  await other.close();
});
