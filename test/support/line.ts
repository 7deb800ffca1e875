// The whole line for a test: a database of its own, the sandbox, migrated and pulled mirrors, and the proxy.

import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { migrateAll } from "../../src/cli/migrate.js";
import { type Opened, open, openMirrors } from "../../src/cli/open.js";
import { serve } from "../../src/cli/serve.js";
import type { Config } from "../../src/config/config.js";
import { type HubspotSandbox, startHubspotSandbox } from "../../src/sandbox/hubspot/server.js";
import { backfill } from "../../src/sync/backfill.js";

export interface LineOptions {
  readonly seed?: readonly Record<string, string>[];
  readonly pull?: boolean;
  readonly timeoutMs?: number;
  readonly waitMs?: number;
  readonly log?: Config["log"]["level"];
}

export interface Line {
  readonly sandbox: HubspotSandbox;
  readonly opened: Opened;
  /** A superuser, connected directly. */
  readonly admin: pg.Client;
  readonly database: string;
  readonly port: number;
  /** A connected client through the proxy. */
  client(role?: string): Promise<pg.Client>;
  direct(role?: string): Promise<pg.Client>;
  pull(): Promise<void>;
  /** Requests that change something, as the sandbox counted them. */
  writes(): readonly string[];
  close(): Promise<void>;
}

export async function startLine(options: LineOptions = {}): Promise<Line> {
  const database = `line_${randomBytes(6).toString("hex")}`;
  const server = new URL(inject("postgres"));
  const urlOf = (role: string, port = server.port, host = server.hostname) => {
    const url = new URL(server);
    if (role !== "") {
      url.username = role;
      url.password = role;
    }
    url.port = port;
    url.hostname = host;
    url.pathname = `/${database}`;
    return url.href;
  };
  await asAdmin(`create database ${database}`);
  await asAdmin(`grant create on database ${database} to throughline`);
  const sandbox = await startHubspotSandbox({ seed: 0, rate: { calls: 10_000, perMs: 10_000 } });
  sandbox.seed("contacts", options.seed ?? []);
  const opened = open({
    listen: { host: "127.0.0.1", port: 0 },
    postgres: {
      url: urlOf("throughline"),
      connections: 4,
      grant: { app: ["select", "insert", "update", "delete"] },
    },
    apis: [
      {
        name: "hubspot",
        connector: "hubspot",
        base: sandbox.url,
        tables: ["contacts"],
        timeoutMs: options.timeoutMs ?? 5_000,
        waitMs: options.waitMs ?? 5_000,
        values: { token: "pat-test" },
      },
    ],
    log: { level: options.log ?? "error", format: "json" },
  });
  const admin = new pg.Client({ connectionString: urlOf("") });
  await admin.connect();
  await migrateAll(opened, false);
  const pull = async () => {
    for (const { mirror, table } of await openMirrors(opened)) {
      await backfill(opened.pool, mirror, table, { full: true, progress: () => undefined });
    }
  };
  if (options.pull !== false) await pull();
  sandbox.clearLog();
  const proxy = await serve(opened, { host: "127.0.0.1", port: 0 });
  const clients: pg.Client[] = [];
  const connected = async (url: string) => {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  return {
    sandbox,
    opened,
    admin,
    database,
    port: proxy.port,
    client: (role = "app") => connected(urlOf(role, String(proxy.port), "127.0.0.1")),
    direct: (role = "app") => connected(urlOf(role)),
    pull,
    writes: () =>
      sandbox.log.filter(({ method, path }) => isWrite(method, path)).map(({ method, path }) => `${method} ${path}`),
    close: async () => {
      for (const client of clients) await client.end().catch(() => undefined);
      await proxy.close();
      await opened.pool.end();
      await admin.end();
      await sandbox.close();
      await asAdmin(`drop database ${database} with (force)`);
    },
  };
}

/** Reads travel as POST too. */
function isWrite(method: string, path: string): boolean {
  return method !== "GET" && !path.endsWith("/batch/read") && !path.endsWith("/search");
}

async function asAdmin(sql: string): Promise<void> {
  const admin = new pg.Client({ connectionString: inject("postgres") });
  await admin.connect();
  await admin.query(sql);
  await admin.end();
}
