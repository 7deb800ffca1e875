// One Postgres server for all test files: embedded (PG=14…18), or the one that TEST_POSTGRES names, as a superuser.

import pg from "pg";
import type { TestProject } from "vitest/node";
import { type MajorVersion, startPostgres } from "../../src/app/embedded-postgres.js";
import { installOlderPostgres } from "./older-postgres.js";

declare module "vitest" {
  interface ProvidedContext {
    postgres: string;
    socketFolder: string;
  }
}

/** Two roles that have to prove who they are. */
const access = "host all app_scram all scram-sha-256\nhost all app_md5 all md5";

const versions: readonly MajorVersion[] = [14, 15, 16, 17, 18];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["TEST_POSTGRES"];
  const wanted = Number(process.env["PG"] ?? 18);
  const version = versions.find((candidate) => candidate === wanted);
  if (version === undefined) throw new Error(`PG=${wanted}: there are ${versions.join(", ")}`);
  if (given === undefined && version !== 18) await installOlderPostgres();
  const server = given === undefined ? await startPostgres(version, access) : undefined;
  const url = server?.urlOf("postgres", "postgres") ?? given ?? "";
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await makeRoles(admin);
  await admin.end();
  project.provide("postgres", url);
  project.provide("socketFolder", server?.socketFolder ?? "");
  return async () => {
    await server?.stop();
  };
}

/** Roles belong to the server, so they are made once. `throughline` is no superuser. */
async function makeRoles(admin: pg.Client): Promise<void> {
  for (const role of [
    "throughline",
    "app",
    "app_insert",
    "app_delete",
    "app_rows",
    "app_nothing",
    "server",
    "app_scram",
    "app_md5",
  ]) {
    const found = await admin.query("select from pg_roles where rolname = $1", [role]);
    if (found.rowCount === 0) await admin.query(`create role ${role} login password '${role}'`);
  }
  await admin.query("alter role throughline createrole");
}
