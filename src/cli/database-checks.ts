// What check finds in the database: the server, and each mirror. One line each.

import type { Pool } from "pg";
import { z } from "zod";
import type { Opened } from "../app/open.js";
import { loadClosedRows, whyClosed } from "../mirror/closed-rows.js";
import type { Mirror } from "../mirror/column.js";
import { wrongTable } from "../mirror/guard-check.js";
import type { Grants } from "../mirror/migrate.js";
import { missingIndexesOf, missingIndexWords } from "../mirror/missing-index.js";
import { mirrorRole } from "../mirror/roles.js";
import { schemaVersion, wrongSchema } from "../mirror/schema.js";
import { queryRows } from "../postgres/rows.js";
import type { Finding } from "./finding.js";
import { checkLogins } from "./login-checks.js";

/** Such as 140000 for 14. */
const oldestServer = 140_000;

const serverRow = z.object({ version: z.number(), shown: z.string() });

export async function checkServer(instance: Opened): Promise<Finding[]> {
  const { pool } = instance;
  const [server] = await queryRows(
    pool,
    "the version of the server",
    serverRow,
    "select current_setting('server_version_num')::int as version, current_setting('server_version') as shown",
  );
  const error = (says: string): Finding[] => [{ level: "error", subject: "postgres", says }];
  const old = server ? tooOld(server) : "says nothing of itself";
  if (!server || old) return error(old ?? "");
  const version = await schemaVersion(pool);
  const rights = await checkLogins(instance, version !== undefined);
  const wrong = wrongSchema(version);
  if (wrong !== undefined) return [...rights, ...error(wrong)];
  return [{ level: "ok", subject: "postgres", says: `server ${server.shown}, schema version ${version}` }, ...rights];
}

/** What is wrong with a server of this version. */
export function tooOld({ version, shown }: { readonly version: number; readonly shown: string }): string | undefined {
  return version < oldestServer ? `server ${shown} is too old: 14 is the oldest` : undefined;
}

const mirrorRow = z.object({
  owner: z.string(),
  missing: z.array(z.string()).nullable(),
  other: z.array(z.string()).nullable(),
});

/** The table as it is, against what was registered: owner, columns, guard, grants. */
export async function checkMirror(pool: Pool, mirror: Mirror, grants: Grants): Promise<Finding[]> {
  const subject = `${mirror.schema}.${mirror.table}`;
  const [comparison] = await queryRows(
    pool,
    "a mirror against the register",
    mirrorRow,
    `select pg_get_userbyid(c.relowner)::text as owner,
       (select array_agg(w ->> 'name') from json_array_elements(m.columns) w
         where not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = w ->> 'name' and not a.attisdropped)) as missing,
       (select array_agg(format('%s is %s, not %s', a.attname, format_type(a.atttypid, a.atttypmod), w ->> 'type'))
         from json_array_elements(m.columns) w join pg_attribute a on a.attrelid = c.oid and a.attname = w ->> 'name'
         where a.atttypid is distinct from to_regtype(w ->> 'type')::oid) as other
     from throughline.mirror m join pg_class c on c.oid = to_regclass(format('%I.%I', m.schema_name, m.table_name)) where m.id = $1`,
    [mirror.id],
  );
  const findings: Finding[] = [];
  const add = (level: Finding["level"], says: string) => findings.push({ level, subject, says });
  if (comparison && comparison.owner !== mirrorRole)
    add("error", `is owned by "${comparison.owner}": alter table ${subject} owner to ${mirrorRole}`);
  if (comparison?.missing) add("error", `lacks columns (${comparison.missing.join(", ")}): run "throughline migrate"`);
  if (comparison?.other)
    add(
      "error",
      `has columns of another type (${comparison.other.join("; ")}): run "throughline migrate --allow-drop"`,
    );
  const wrong = await wrongTable(pool, mirror.schema, mirror.table);
  if (wrong !== undefined) add("error", wrong);
  for (const missing of missingIndexesOf(mirror))
    add("warning", `${missingIndexWords(missing)}: change one of the two in ${mirror.api}`);
  for (const row of await loadClosedRows(pool, 1, mirror.id))
    add(
      "warning",
      `${row.count} rows are closed, such as ${row.key}, ${whyClosed(row)}: change them in ${mirror.api}, or what refuses them here, and pull`,
    );
  findings.push(...(await checkGrants(pool, subject, mirror, grants)));
  return findings.length > 0 ? findings : [{ level: "ok", subject, says: "guarded" }];
}

const grantRow = z.object({ lacks: z.array(z.string()).nullable() });

/** What `postgres.grant` promises. */
async function checkGrants(pool: Pool, subject: string, { schema, table }: Mirror, grants: Grants): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [role, privileges] of Object.entries(grants)) {
    const [rights] = await queryRows(
      pool,
      "the privileges of a role",
      grantRow,
      `select (select array_agg(p) from unnest($2::text[]) p
         where not has_table_privilege(r.oid, format('%I.%I', $3::text, $4::text)::regclass, p)) as lacks from pg_roles r where r.rolname = $1`,
      [role, privileges, schema, table],
    );
    const missing = rights?.lacks?.join(", ").toUpperCase();
    if (!rights)
      findings.push({
        level: "error",
        subject,
        says: `postgres.grant names role "${role}", which does not exist: create role "${role}"`,
      });
    else if (missing)
      findings.push({ level: "warning", subject, says: `role "${role}" lacks ${missing}: run "throughline migrate"` });
  }
  return findings;
}
