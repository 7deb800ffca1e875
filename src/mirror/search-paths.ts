// Where the sessions of a database look for a name that a statement does not qualify, before they are told otherwise.

import type { Pool } from "pg";
import { z } from "zod";
import { queryRows, queryTexts } from "../postgres/rows.js";
import type { SearchPaths } from "../sql/watch-list.js";

const pathRow = z.object({ path: z.string().nullable(), role: z.string().nullable() });

/**
 * Reads the paths: those of the server and the database hold for every session, and a role with a path of its own, or that is set to
 * another role, looks elsewhere. The schema that `$user` stands for is that of its role alone. Trusted are superusers, the owner of the
 * database, and those of `mirrors`.
 */
export async function loadSearchPaths(pool: Pool, mirrors: readonly number[]): Promise<SearchPaths> {
  const paths = await queryRows(
    pool,
    "the search paths of the roles",
    pathRow,
    `select unnest(array[boot_val, reset_val]) as path, null as role from pg_settings where name = 'search_path'
     union all
     select substring(setting from '^search_path=(.*)$'), rolname from pg_db_role_setting
       cross join unnest(setconfig) setting left join pg_roles on pg_roles.oid = setrole
     where setting ~ '^(search_path|role)=' and setdatabase in (0, (select oid from pg_database where datname = current_database()))`,
    [],
  );
  const general = paths.filter(({ role }) => role === null);
  const trusted = await queryTexts(
    pool,
    "the roles that could do anything",
    `select rolname from pg_roles where rolsuper or rolname = session_user
       or oid in (select datdba from pg_database where datname = current_database())
       or oid in (select relowner from pg_class where oid = any($1::oid[]))
     order by 1`,
    [mirrors],
  );
  return {
    schemas: [...new Set(general.flatMap(({ path }) => schemasOf(path ?? "")))],
    roles: [...new Set(paths.flatMap(({ role }) => role ?? []))],
    trusted,
  };
}

/** The schemas of a search_path: names that Postgres has quoted where they need it. */
function schemasOf(path: string): string[] {
  return [...path.matchAll(/"((?:[^"]|"")*)"|([^",\s]+)/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? "")
    .filter((name) => name !== "$user" && name !== "");
}
