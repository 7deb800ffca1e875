// throughline demo: a Postgres and a sandbox of its own, the commands a user would run, and a session that shows what happens.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startPostgres } from "../../app/embedded-postgres.js";
import { migrateAll } from "../../app/migrate.js";
import { open, readConfig } from "../../app/open.js";
import { pullAll } from "../../app/pull.js";
import { serve } from "../../app/serve.js";
import { UsageError } from "../../app/usage-error.js";
import { Explained } from "../../config/explained.js";
import { suggestion } from "../../config/suggest.js";
import type { RunningProxy } from "../../proxy/start.js";
import { awaitInterruption, type Command, type Io, type Options } from "../command.js";
import { playSession } from "./session.js";
import type { SeededSandbox, Show } from "./show.js";
import { shows } from "./shows/registry.js";

export const demoCommand: Command = async (options, io) => {
  const show = wantedShow(options);
  const undo: (() => Promise<void> | void)[] = [];
  const interruption = awaitInterruption();
  const ready = setUp(show, io, undo);
  const session = play(show, ready, options.flags["once"] === true, io, interruption);
  try {
    // Interrupted on its way, what has been started is taken down all the same.
    await Promise.race([session, interruption]);
  } finally {
    session.catch(() => undefined);
    // What is being started can only be stopped when it is there.
    await ready.catch(() => undefined);
    for (const step of undo.reverse()) await step();
  }
  return 0;
};

function wantedShow({ flags }: Options): Show {
  const name = flags["api"];
  if (name === undefined) return shows[0];
  const show = shows.find(({ api }) => api === name);
  if (show) return show;
  const apis = shows.map(({ api }) => api);
  throw new UsageError(`there is no demo of "${name}"; ${suggestion(String(name), apis)}`);
}

interface Ready {
  readonly proxy: RunningProxy;
  readonly sandbox: SeededSandbox;
  readonly database: string;
}

async function play(
  show: Show,
  ready: Promise<Ready>,
  once: boolean,
  io: Io,
  interruption: Promise<void>,
): Promise<void> {
  const { proxy, sandbox, database } = await ready;
  const url = `postgres://app@127.0.0.1:${proxy.port}/${database}`;
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  await playSession(client, show, sandbox, io);
  await client.end();
  if (once) return;
  io.out(
    `\nIt stays up. In another terminal:\n\n  psql ${url}\n\n${show.vendor}'s side: ${sandbox.url} (any ${show.credential}). Stop it with Ctrl-C.`,
  );
  await interruption;
}

async function setUp(show: Show, io: Io, undo: (() => Promise<void> | void)[]): Promise<Ready> {
  const database = "demo";
  io.out(`An embedded Postgres 18 and a sandbox of ${show.product}, each a real server on this machine.`);
  const postgres = await startPostgres(18);
  undo.push(postgres.stop);
  const sandbox = await show.startSandbox();
  undo.push(sandbox.close);
  const admin = new pg.Client({ connectionString: postgres.urlOf("postgres", "postgres") });
  await admin.connect();
  await admin.query("create role throughline login createrole");
  await admin.query("create role app login");
  await admin.query(`create database ${database}`);
  await admin.query(`grant create on database ${database} to throughline`);
  await admin.end();
  const owner = new pg.Client({ connectionString: postgres.urlOf("postgres", database) });
  await owner.connect();
  await owner.query(show.ownTables);
  await owner.end();

  const folder = mkdtempSync(join(tmpdir(), "throughline-demo-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "throughline.yaml");
  writeFileSync(path, show.config);
  const env = {
    ...show.env,
    DATABASE_URL: postgres.urlOf("throughline", database),
    SANDBOX_PORT: String(sandbox.port),
  };
  const instance = open(readConfig(path, env));
  undo.push(() => instance.pool.end());
  io.out(`\nthroughline.yaml\n${indent(show.config.trimEnd())}`);
  io.out(
    `\n$ throughline migrate\n  ${(await migrateAll(instance, { dryRun: false })).length} changes: schema, mirror table, guard, grants`,
  );
  io.out("$ throughline pull");
  await pullAll(instance, {
    // One after the other, so that the demo shows the same each time.
    workers: 1,
    ended: (result) => {
      if (result.kind === "failed") throw new Explained(`${result.table}: ${result.reason}`);
      if (result.kind === "copied") io.out(`  ${result.table}: ${result.rows} rows`);
    },
  });
  const proxy = await serve(instance, { host: "127.0.0.1", port: 0 });
  undo.push(proxy.close);
  io.out("$ throughline serve");
  sandbox.clearLog();
  return { proxy, sandbox, database };
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
