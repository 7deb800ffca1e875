// The two tables that a client's conversations are replayed on: an ordinary one, and a mirror over the echo.

import { readFileSync } from "node:fs";
import pg from "pg";
import { makeDatabase, type TestDatabase } from "../../support/database.js";
import { type EchoRecord, idPrefix } from "../../support/echo.js";
import { type EchoStack, startEchoStack } from "../../support/echo-stack.js";
import { pastGuard } from "../../support/past-guard.js";
import { WireClient } from "../../support/wire.js";

export interface Table {
  /** Every row of the seed and no other; for a mirror in its API as well. */
  reset(): Promise<void>;
  /** A client of its own on the wire. */
  login(startup: Readonly<Record<string, string>>): Promise<WireClient>;
  /** As they stand now, in the order of their ids. */
  rows(): Promise<readonly string[]>;
}

export interface Mirror extends Table {
  /** What a pull would change in it, which is what the API has: nothing, unless we have lost something. */
  pull(): Promise<void>;
  /** The states of upstream calls that nothing has settled. */
  openCalls(): Promise<readonly string[]>;
}

export interface Tables {
  readonly ordinary: Table;
  readonly mirror: Mirror;
  close(): Promise<void>;
}

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const table = "hubspot.contacts";
/** Ids as the echo assigns them, in its order: a mirror's placeholder never reaches a client. */
const assigned = `create sequence hubspot.assigned;
  grant usage on sequence hubspot.assigned to app;
  alter table ${table} alter id set default '${idPrefix}' || lpad(nextval('hubspot.assigned')::text, 12, '0')`;

/** With these a mirror takes what an ordinary table takes: any number of writes in a transaction, any number of rows. */
const settings = "-c throughline.transaction=immediate -c throughline.chunk=on";

export async function makeTables(): Promise<Tables> {
  const seed = read("seed.sql");
  const database = await makeDatabase();
  const admin = new pg.Client({ connectionString: database.urlOf() });
  await admin.connect();
  const ordinary = await makeOrdinary(database, admin, seed);
  const stack = await startEchoStack("hubspot");
  return {
    ordinary,
    mirror: makeMirror(stack, seed, await recordsOf(admin)),
    close: async () => {
      await admin.end();
      await database.drop();
      await stack.close();
    },
  };
}

async function makeOrdinary(database: TestDatabase, admin: pg.Client, seed: string): Promise<Table> {
  // The role is there for all tests.
  await admin.query(read("database.sql").replace(/^create role .*$/m, ""));
  await admin.query(assigned);
  await admin.query(seed);
  return {
    reset: async () => {
      await admin.query(`${seed}; alter sequence hubspot.assigned restart`);
    },
    login: (startup) => WireClient.login(database.port, "app", database.name, startup, database.host),
    rows: () => rowsOf(admin),
  };
}

function makeMirror({ echo, admin, pull, ...line }: EchoStack, seed: string, seeded: readonly EchoRecord[]): Mirror {
  return {
    reset: async () => {
      echo.reset(seeded);
      await pastGuard(admin, table, seed);
    },
    login: (startup) => WireClient.login(line.port, "app", line.database, { ...startup, options: settings }),
    rows: () => rowsOf(admin),
    pull: async () => {
      await pull();
      // That takes nothing away.
      const kept = echo.records().map(({ id }) => id);
      await pastGuard(
        admin,
        table,
        `delete from ${table} where id not in (${["''", ...kept.map((id) => `'${id}'`)].join(", ")})`,
      );
    },
    openCalls: async () => {
      // The entry of what is applied is closed behind the client's back.
      const open = await admin.query<{ state: string }>(
        "select state from throughline.journal where closed_at is null and id not in (select call from throughline.applied)",
      );
      return open.rows.map(({ state }) => state);
    },
  };
}

/** What the API has when the table has these rows. */
async function recordsOf(admin: pg.Client): Promise<readonly EchoRecord[]> {
  const found = await admin.query<EchoRecord>(
    `select id, jsonb_strip_nulls(to_jsonb(c) - 'id') as fields from ${table} c order by id`,
  );
  return found.rows;
}

async function rowsOf(admin: pg.Client): Promise<readonly string[]> {
  const found = await admin.query<{ row: string }>(`select c::text as row from ${table} c order by id`);
  return found.rows.map(({ row }) => row);
}
