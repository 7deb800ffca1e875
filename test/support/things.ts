// A mirror, mirror.things, beside an ordinary table of the same columns, plain.things: what a statement says and leaves of the one
// it must of the other. Each has a view of its rows below 100 under other names, and both write to public.local.

import type pg from "pg";
import { expect, test } from "vitest";
import { startManifestStack } from "./manifest-stack.js";
import { pastGuard } from "./past-guard.js";
import type { ServedStack } from "./served-stack.js";
import { startThingsApi, type ThingsApi } from "./things-api.js";

export interface Statement {
  readonly what: string;
  /** Of mirror.things, or of its view mirror_few. */
  readonly sql: string;
  /** Run before it; what it opens is committed behind it. */
  readonly before?: string;
  /** The SQLSTATE that it is refused with; it is accepted if there is none. */
  readonly code?: string;
  /** The first version of Postgres that knows it. An older one says of both tables that it does not. */
  readonly since?: number;
}

export interface Things extends ServedStack {
  readonly api: ThingsApi;
  /** A client through the proxy, of which nothing is left from one statement to the next. */
  readonly session: pg.Client;
  /** Of Postgres: the major one. */
  readonly version: number;
  /** What an administrator reads. */
  rows(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** The label of each row of origin 1. */
  labels(table?: "mirror" | "plain"): Promise<Record<string, unknown>>;
  /** Each row of public.local, as text. */
  local(): Promise<readonly unknown[]>;
  reset(): Promise<void>;
}

export async function startThings(): Promise<Things> {
  const api = await startThingsApi();
  const close = () => api.close();
  const stack = await startManifestStack({
    schema: "mirror",
    manifest: api.manifest,
    resource: "things",
    url: api.url,
    close,
  });
  await stack.admin.query(`create schema plain;
    create table plain.things (like mirror.things, primary key (origin, target));
    create function plain.compute() returns trigger language plpgsql as $$begin new.computed := upper(new.label); return new; end$$;
    create trigger compute before insert or update on plain.things for each row execute function plain.compute();
    create table public.local (no bigint, what text);
    grant usage on schema plain to app; grant all on plain.things, public.local to app; grant create on schema public to app`);
  const session = await stack.client();
  for (const schema of ["mirror", "plain"]) {
    await session.query(`create view public.${schema}_few as select target as t, origin as o, label as l, computed as c
      from ${schema}.things where origin < 100 with check option`);
  }
  const rows = async (sql: string) => (await stack.admin.query(sql)).rows;
  const [server] = await rows("select current_setting('server_version_num')::int / 10000 as version");
  return {
    ...stack,
    api,
    session,
    version: Number(server?.["version"]),
    rows,
    labels: async (table = "mirror") =>
      Object.fromEntries(
        (await rows(`select target, label from ${table}.things where origin = 1`)).map((row) => [
          row["target"],
          row["label"],
        ]),
      ),
    local: async () => (await rows("select local::text as row from public.local order by 1")).map(({ row }) => row),
    reset: async () => {
      api.reset();
      await pastGuard(stack.admin, "mirror.things", "delete from mirror.things");
      await stack.admin.query("delete from public.local; delete from plain.things");
      await stack.pull();
      await stack.admin.query("insert into plain.things select * from mirror.things");
    },
  };
}

/** A test of each statement: of a mirror it is what it is of an ordinary table, in at most one request, in either protocol. */
export function testAlike(things: () => Things, statements: readonly Statement[]): void {
  test.each(statements)("P2: $what", async (statement) => {
    const ordinary = await run(things(), "plain", statement, "simple");
    if (things().version >= (statement.since ?? 0)) expect(ordinary.code).toBe(statement.code ?? "accepted");
    const alike = async (protocol: Protocol) => {
      const mirror = await run(things(), "mirror", statement, protocol);
      expect({ protocol, ...mirror }).toEqual({ protocol, ...ordinary });
      expect(things().api.requests.length).toBeLessThanOrEqual(1);
      expect(things().api.records().map(labelled).sort()).toEqual(ordinary.left.map(labelled).sort());
    };
    await things().admin.query("delete from public.local");
    await alike("simple");
    await things().reset();
    await alike("extended");
  });
}

type Protocol = "simple" | "extended";

async function run(things: Things, schema: "mirror" | "plain", statement: Statement, protocol: Protocol) {
  const put = (sql: string) => sql.replaceAll("mirror", schema);
  const { session } = things;
  if (statement.before) await session.query(put(statement.before));
  const asked = {
    text: put(statement.sql),
    types: { getTypeParser: () => String },
    ...(protocol === "extended" ? { queryMode: protocol } : {}),
  };
  const said = await session.query(asked).then(
    ({ rows, command, rowCount }) => ({ code: "accepted", rows, command, rowCount }),
    ({ code, column, message }) => ({ code, column, message: String(message).replaceAll("mirror", "plain") }),
  );
  if (statement.before) await session.query("commit");
  const left = await things.rows(
    `select t::text as row, origin, target, label from ${schema}.things t order by origin, target`,
  );
  return { ...said, left, local: await things.local() };
}

function labelled({ origin, target, label }: Readonly<Record<string, unknown>>): string {
  return `${origin}~${target}~${label ?? ""}`;
}
