// Tokens that all processes of an account share: a refresh token that is good for a single use is used once, whoever needs it.

import { createServer, type Server } from "node:http";
import fc from "fast-check";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { type Opened, open } from "../../src/app/open.js";
import { TokenError, TokenSource } from "../../src/http/oauth.js";
import { TokenStore } from "../../src/http/token-store.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { grant, listen } from "../support/served-stack.js";

const first = "refresh-token-of-the-config";
let database: TestDatabase;
let opened: Opened;
let server: Server;
let url: string;
/** The one refresh token that counts, how often others came, how many were given out, and what happens before an answer goes out. */
let api: { refresh: string; rejected: number; count: number; life: number; beforeAnswer: () => Promise<unknown> };

beforeAll(async () => {
  database = await makeDatabase();
  opened = open({
    listen,
    postgres: { url: database.urlOf("throughline"), connections: 4, grant, switches: [] },
    apis: [],
    journal: { keepMs: 86_400_000 },
    log: { level: "error", format: "json" },
  });
  await migrateAll(opened, { dryRun: false });
  server = createServer(async (request, response) => {
    let form = "";
    for await (const chunk of request) form += chunk;
    const isRight = new URLSearchParams(form).get("refresh_token") === api.refresh;
    if (isRight) {
      api.count += 1;
      api.refresh = `refresh-token-${api.count}`;
    } else api.rejected += 1;
    const token = { access_token: `access-token-${api.count}`, refresh_token: api.refresh, expires_in: api.life };
    await api.beforeAnswer();
    response.writeHead(isRight ? 200 : 400).end(JSON.stringify(isRight ? token : { error: "invalid_grant" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  url = `http://127.0.0.1:${address.port}/token`;
});
beforeEach(() => {
  api = { refresh: first, rejected: 0, count: 0, life: 3_600, beforeAnswer: async () => undefined };
});
afterEach(() => opened.pool.query("delete from throughline.credential"));
afterAll(async () => {
  server.close();
  await opened.pool.close();
  await database.drop();
});

/** A process of the account; of another one with other secrets. */
function startProcess(configured = first): TokenSource {
  const store = new TokenStore(opened.pool, pino({ level: "silent" }), [url, configured], 60_000);
  const form = { grant_type: "refresh_token", refresh_token: configured };
  return new TokenSource(url, form, [], 30_000, [configured], store);
}

type Step = { readonly process: number; readonly does: "asks" | "is refused" | "begins anew" };
const step: fc.Arbitrary<Step> = fc.record({
  process: fc.nat({ max: 2 }),
  does: fc.constantFrom("asks", "is refused", "begins anew"),
});

test("P6: whatever processes of an account do, one after the other and at once, each refresh token is used once", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 5 }), async (rounds) => {
      await opened.pool.query("delete from throughline.credential");
      api = { ...api, refresh: first, rejected: 0, count: 0 };
      const processes = [startProcess(), startProcess(), startProcess()];
      for (const round of rounds) {
        await Promise.all(
          round.map(async ({ process, does }) => {
            if (does === "begins anew") processes[process] = startProcess();
            const source = processes[process] ?? startProcess();
            const token = await source.current();
            if (does !== "is refused") return;
            source.invalidate(token);
            expect((await source.current()).access).not.toBe(token.access);
          }),
        );
      }
      expect(api.rejected).toBe(0);
      const all = await Promise.all(processes.map((source) => source.current()));
      for (const { access } of all) expect(access).toMatch(/^access-token-\d+$/);
    }),
    { seed: 15, numRuns: 20 },
  );
});

test("another process takes the token that is kept, until it expires, and then asks by the newest refresh token", async () => {
  expect(await startProcess().current()).toMatchObject({ access: "access-token-1", origin: "server" });
  expect(await startProcess().current()).toMatchObject({ access: "access-token-1", origin: "kept" });
  expect(api.count).toBe(1);
  await opened.pool.query("update throughline.credential set used_until = clock_timestamp()");
  expect(await startProcess().current()).toMatchObject({ access: "access-token-2", origin: "server" });
  expect(api.rejected).toBe(0);
});

test("P14: the database has no token in plain, and nothing that another secret opens, or that was changed", async () => {
  await startProcess().current();
  const { rows } = await opened.pool.query("select id, sealed, credential::text as text from throughline.credential");
  const [row] = rows;
  for (const text of [row.text, row.sealed.toString("latin1"), row.id]) expect(text).not.toMatch(/token/);
  const other = startProcess("another-token");
  await expect(other.current()).rejects.toThrow("no token: status 400, invalid_grant");
  // Who may write to the database can destroy what is kept, and put nothing of its own in its place.
  api = { ...api, refresh: first, rejected: 0 };
  await opened.pool.query("update throughline.credential set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)");
  expect(await startProcess().current()).toMatchObject({ access: "access-token-2" });
});

test("P6: a connection that is lost while the server answers does not cost the new token", async () => {
  api.beforeAnswer = () =>
    opened.pool.query(
      `select pg_terminate_backend(l.pid) from pg_locks l join pg_database d on d.oid = l.database
       where l.locktype = 'advisory' and d.datname = current_database() and l.pid <> pg_backend_pid()`,
    );
  const one = startProcess();
  await one.current();
  api.beforeAnswer = async () => undefined;
  const other = startProcess();
  other.invalidate(await other.current());
  await other.current();
  expect(api.rejected).toBe(0);
});

test("without its place in the database, no token is asked for: it might be good for a single use", async () => {
  await opened.pool.query("alter table throughline.credential rename to credential_away");
  const failure = await startProcess()
    .current()
    .catch((cause: unknown) => cause);
  await opened.pool.query("alter table throughline.credential_away rename to credential");
  expect(failure).toBeInstanceOf(TokenError);
  expect(failure).toMatchObject({ kind: "no place", message: expect.stringContaining('run "throughline migrate"') });
  expect([api.count, api.rejected]).toEqual([0, 0]);
});
