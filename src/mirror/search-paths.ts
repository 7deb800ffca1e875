// Where the sessions of a database look for a name that a statement does not qualify, before they are told otherwise.

import type { Pool } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";
import type { SearchPaths } from "../sql/watch-list.js";

const pathRow = z.object({ path: z.string(), role: z.string().nullable() });

/**
 * Reads the paths: those of the server and the database hold for every session, and a role with a path of its own looks elsewhere. The
 * schema that `$user` stands for is that of its role alone.
 */
export async function loadSearchPaths(pool: Pool): Promise<SearchPaths> {
  const paths = await queryRows(
    pool,
    "the search paths of the roles",
    pathRow,
    `select unnest(array[boot_val, reset_val]) as path, null as role from pg_settings where name = 'search_path'
     union all
     select substr(setting, length('search_path=') + 1), rolname from pg_db_role_setting
       cross join unnest(setconfig) setting left join pg_roles on pg_roles.oid = setrole
     where setting like 'search\\_path=%' and setdatabase in (0, (select oid from pg_database where datname = current_database()))`,
    [],
  );
  const general = paths.filter(({ role }) => role === null);
  return {
    schemas: [...new Set(general.flatMap(({ path }) => schemasOf(path)))],
    roles: [...new Set(paths.flatMap(({ role }) => role ?? []))],
  };
}

/** The schemas of a search_path: names that Postgres has quoted where they need it. */
function schemasOf(path: string): string[] {
  return [...path.matchAll(/"((?:[^"]|"")*)"|([^",\s]+)/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? "")
    .filter((name) => name !== "$user" && name !== "");
}
