// The whole stack for a test: a database of its own, the sandbox, migrated and pulled mirrors, and the proxy.

import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { migrateAll } from "../../src/app/migrate.js";
import { type Opened, open } from "../../src/app/open.js";
import { tableOf } from "../../src/config/api.js";
import type { Config } from "../../src/config/config.js";
import { makeDatabase, type TestDatabase } from "./database.js";
import { grant, listen, makeMigrated, type ServedStack, serveStack } from "./served-stack.js";

export interface StackOptions {
  readonly seed?: readonly Record<string, string>[];
  readonly pull?: boolean;
  readonly timeoutMs?: number;
  readonly waitMs?: number;
  readonly log?: Config["log"]["level"];
  /** The login that serves, when it is another one than that which migrates. */
  readonly login?: string;
  /** What becomes of the database before anything of ours is connected to it. */
  readonly prepare?: (database: TestDatabase) => Promise<void>;
  /** The mirrors; contacts alone if it says nothing. */
  readonly tables?: readonly string[];
}

export interface Stack extends ServedStack {
  readonly sandbox: HubspotSandbox;
  /** Requests that change something, as the sandbox counted them. */
  writes(): readonly string[];
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const sandbox = await startHubspotSandbox({ seed: 0, rate: { calls: 10_000, perMs: 10_000 } });
  sandbox.seed("contacts", options.seed ?? []);
  const openOn = (database: TestDatabase) =>
    open({
      listen,
      postgres: {
        url: database.urlOf(options.login ?? "throughline"),
        adminUrl: options.login === undefined ? undefined : database.urlOf("throughline"),
        connections: 4,
        grant,
        switches: [],
      },
      apis: [
        {
          name: "hubspot",
          connector: "hubspot",
          base: sandbox.url,
          tables: (options.tables ?? ["contacts"]).map((name) => tableOf(name, undefined)),
          timeoutMs: options.timeoutMs ?? 5_000,
          waitMs: options.waitMs ?? 5_000,
          values: { token: "pat-test" },
        },
      ],
      journal: { keepMs: 86_400_000 },
      log: { level: options.log ?? "error", format: "json" },
    });
  const { database, opened } = await migrated(options, openOn);
  const served = await serveStack(database, opened, options.pull !== false);
  sandbox.clearLog();
  return {
    ...served,
    sandbox,
    writes: () =>
      sandbox.log.filter(({ method, path }) => isWrite(method, path)).map(({ method, path }) => `${method} ${path}`),
    close: async () => {
      await served.close();
      await sandbox.close();
      await database.drop();
    },
  };
}

async function migrated(
  { prepare, login, tables }: StackOptions,
  openOn: (database: TestDatabase) => Opened,
): Promise<{ readonly database: TestDatabase; readonly opened: Opened }> {
  if (!prepare) {
    const database = await makeMigrated(JSON.stringify(["hubspot", login, tables]), openOn);
    return { database, opened: openOn(database) };
  }
  const database = await makeDatabase();
  await prepare(database);
  const opened = openOn(database);
  await migrateAll(opened, { dryRun: false });
  return { database, opened };
}

/** Reads travel as POST too. */
function isWrite(method: string, path: string): boolean {
  return method !== "GET" && !path.endsWith("/batch/read") && !path.endsWith("/search");
}
