// What check finds of the logins: the one that serves, and the one that migrates where it is another. Only what is missing is told.

import type { Pool } from "pg";
import { z } from "zod";
import { asAdmin, type Opened } from "../app/open.js";
import { holds, makesRolesSql, servesSql, whatIsMissing, writerRole } from "../mirror/roles.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { reasonOf } from "./command.js";
import type { Finding } from "./finding.js";

const loginRow = z.object({ login: z.string(), superuser: z.boolean(), creates: z.boolean() });

export async function checkLogins(instance: Opened, isInstalled: boolean): Promise<Finding[]> {
  const { pool } = instance;
  const hasTwo = instance.config.postgres.adminUrl !== undefined;
  const { login, superuser } = await readLogin(pool);
  const serves = isInstalled && (await holds(pool, servesSql));
  const findings: Finding[] = [];
  const add = (level: Finding["level"], says: string) => findings.push({ level, subject: "login", says });
  if (superuser) add("warning", `"${login}" is a superuser: a login of its own with fewer rights is enough`);
  if (isInstalled && hasTwo && !serves) add("error", `"${login}" may not serve: run "throughline migrate"`);
  for (const door of isInstalled ? await doorsOf(pool, serves && hasTwo ? login : writerRole) : [])
    add(
      "warning",
      `function ${door} was left behind by code of others on a mirror, and does for anybody what that may do: drop it`,
    );
  // Where only serving is configured, somebody else migrates.
  if (serves && !hasTwo) return findings;
  try {
    for (const says of await asAdmin(instance, (admin) => wrongAdmin(admin.pool, isInstalled))) add("error", says);
  } catch (cause) {
    if (!hasTwo) throw cause;
    add("error", `${reasonOf(cause)}: look at postgres.admin_url`);
  }
  return findings;
}

/** The functions outside of our schema that run with the rights of a role of ours: no part of the program makes any. */
function doorsOf(pool: Pool, login: string): Promise<string[]> {
  return queryTexts(
    pool,
    "the functions of our roles",
    `select oid::regprocedure::text from pg_proc where prosecdef and pronamespace <> 'throughline'::regnamespace
       and pg_get_userbyid(proowner) in ($1, $2)`,
    [writerRole, login],
  );
}

async function wrongAdmin(pool: Pool, isInstalled: boolean): Promise<string[]> {
  const { login, creates } = await readLogin(pool);
  const missing = (await holds(pool, makesRolesSql)) ? "" : await whatIsMissing(pool);
  return [
    ...(creates || isInstalled ? [] : [`"${login}" may not create schemas: grant create on database … to "${login}"`]),
    ...(missing === "" ? [] : [`"${login}" can't migrate: an administrator runs once: ${missing}`]),
  ];
}

async function readLogin(pool: Pool): Promise<z.infer<typeof loginRow>> {
  const [login] = await queryRows(
    pool,
    "the rights of a login",
    loginRow,
    `select session_user::text as login, rolsuper as superuser, has_database_privilege(current_database(), 'create') as creates
     from pg_roles where rolname = session_user`,
  );
  if (!login) throw new Error("the login has no row in pg_roles");
  return login;
}
