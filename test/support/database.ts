// A database of a test's own on the one server.

import { createHash, randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

export interface TestDatabase {
  readonly name: string;
  /** Where its server is. */
  readonly host: string;
  readonly port: number;
  /** For a role whose password is its name; without one, for the superuser. `port`: of a proxy here. */
  urlOf(role?: string, port?: number): string;
  drop(): Promise<void>;
}

export async function makeDatabase(template = "template1"): Promise<TestDatabase> {
  const name = `line_${randomBytes(6).toString("hex")}`;
  await asAdmin(async (admin) => {
    await admin.query(`create database ${name} template ${template} ${await asFiles(admin)}`);
    await admin.query(`grant create on database ${name} to throughline`);
  });
  return testDatabase(name);
}

/** A copy of what `prepare` makes of a database. It is asked once on a server for all copies that are called the same. */
export async function makeCopy(
  called: string,
  prepare: (template: TestDatabase) => Promise<void>,
): Promise<TestDatabase> {
  const template = `like_${createHash("sha256").update(called).digest("hex").slice(0, 24)}`;
  await asAdmin(async (admin) => {
    await admin.query("select pg_advisory_lock(hashtext($1))", [template]);
    const found = await admin.query("select from pg_database where datname = $1", [template]);
    if (found.rowCount !== 0) return;
    const database = await makeDatabase();
    await prepare(database);
    await admin.query(`alter database ${database.name} rename to ${template}`);
  });
  return makeDatabase(template);
}

function testDatabase(name: string): TestDatabase {
  const server = new URL(inject("postgres"));
  return {
    name,
    host: server.hostname,
    port: Number(server.port),
    urlOf: (role, port) => {
      const url = new URL(server);
      if (role !== undefined) {
        url.username = role;
        url.password = role;
      }
      if (port !== undefined) {
        url.port = String(port);
        url.hostname = "127.0.0.1";
      }
      url.pathname = `/${name}`;
      return url.href;
    },
    drop: () => asAdmin((admin) => admin.query(`drop database ${name} with (force)`)),
  };
}

/** The template's files are copied, which takes a third of the time of copying its pages by the log. It is all that 14 does. */
async function asFiles(admin: pg.Client): Promise<string> {
  const { rows } = await admin.query("select current_setting('server_version_num')::int >= 150000 as can_choose");
  return rows[0].can_choose ? "strategy = file_copy" : "";
}

async function asAdmin(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: inject("postgres") });
  await admin.connect();
  await work(admin);
  await admin.end();
}
