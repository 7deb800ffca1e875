// What every stack of a test has, whatever its API is: migrated and pulled mirrors, the proxy, and clients on both sides of it.

import pg from "pg";
import { migrateAll } from "../../src/app/migrate.js";
import type { Opened } from "../../src/app/open.js";
import { pullAll } from "../../src/app/pull.js";
import { serve } from "../../src/app/serve.js";
import { makeCopy, type TestDatabase } from "./database.js";

export interface ServedStack {
  readonly opened: Opened;
  /** A superuser, connected directly. */
  readonly admin: pg.Client;
  readonly database: string;
  readonly port: number;
  /** A connected client through the proxy. */
  client(role?: string): Promise<pg.Client>;
  direct(role?: string): Promise<pg.Client>;
  pull(): Promise<void>;
  close(): Promise<void>;
}

export const listen = {
  host: "127.0.0.1",
  port: 0,
  drainMs: 0,
  connections: 100,
  opening: 100,
  writes: 100,
  memoryBytes: 1 << 28,
};
export const grant = { app: ["select", "insert", "update", "delete"] };

/** A database of its own with the mirrors migrated. `called`: how all of that is the same. */
export function makeMigrated(called: string, openOn: (database: TestDatabase) => Opened): Promise<TestDatabase> {
  return makeCopy(called, async (template) => {
    const opened = openOn(template);
    await migrateAll(opened, { dryRun: false });
    await opened.pool.end();
  });
}

/** The mirrors are migrated. Its `close` leaves the database and the API to the caller. */
export async function serveStack(database: TestDatabase, opened: Opened, pulled: boolean): Promise<ServedStack> {
  const admin = new pg.Client({ connectionString: database.urlOf() });
  await admin.connect();
  const pull = async () => {
    const failed = (await pullAll(opened, { workers: 1, full: true })).filter(({ kind }) => kind !== "copied");
    if (failed.length > 0) throw new Error(`a pull failed: ${JSON.stringify(failed)}`);
  };
  if (pulled) await pull();
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
    opened,
    admin,
    database: database.name,
    port: proxy.port,
    client: (role = "app") => connected(database.urlOf(role, proxy.port)),
    direct: (role = "app") => connected(database.urlOf(role)),
    pull,
    close: async () => {
      for (const client of clients) await client.end().catch(() => undefined);
      await proxy.close();
      await opened.pool.end();
      await admin.end();
    },
  };
}
