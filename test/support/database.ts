// A database of a test's own on the one server.

import { randomBytes } from "node:crypto";
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

export async function makeDatabase(): Promise<TestDatabase> {
  const name = `line_${randomBytes(6).toString("hex")}`;
  const server = new URL(inject("postgres"));
  await asAdmin(async (admin) => {
    await admin.query(`create database ${name} ${await asFiles(admin)}`);
    await admin.query(`grant create on database ${name} to throughline`);
  });
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
