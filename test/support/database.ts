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
  await asAdmin(`create database ${name}`);
  await asAdmin(`grant create on database ${name} to throughline`);
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
    drop: () => asAdmin(`drop database ${name} with (force)`),
  };
}

async function asAdmin(sql: string): Promise<void> {
  const admin = new pg.Client({ connectionString: inject("postgres") });
  await admin.connect();
  await admin.query(sql);
  await admin.end();
}
