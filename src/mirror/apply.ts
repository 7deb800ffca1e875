// The one way rows of a mirror change that no client's statement writes: for the sync, for settling, and at the end of the write path.
// What is written is staged first by the schema's owner, then written by a role that can do nothing else, and compared with what was
// staged: triggers, defaults, domains and indexes of others run as that role, and change nothing of upstream's.

import { quoteLiteral, quoteName } from "../postgres/quote.js";
import { asJson, type GuardColumn, type GuardTable, isGuardTriggerSql, pinnedSettings } from "./guard-table.js";
import { hasKeySql, jsonKeySql, keyNamesSql, keySql, sameKeySql } from "./key.js";
import { writerOnlySql } from "./roles.js";

const enabledBeforeRow = (target: string) => `exists (select from pg_trigger
    where tgrelid = ${quoteLiteral(target)}::regclass and not tgisinternal and tgenabled <> 'D' and tgtype & 3 = 3 and not ${isGuardTriggerSql})`;

/** The rows of a page as they are to be: what it says nothing of stays. */
function wantedRows({ key, columns }: GuardTable, target: string, page: string): string {
  const value = ({ name, type }: GuardColumn) =>
    `case when r.full_row -> ${quoteLiteral(name)} is null then x.${quoteName(name)}
        else (r.full_row ->> ${quoteLiteral(name)})::${type} end as ${quoteName(name)}`;
  return `wanted as materialized (
    select ${managed(columns).map(value).join(",\n      ")}
      from (select entry.body ->> 'key' as key, entry.body -> 'row' as full_row
        from json_array_elements(${page}) entry(body) where json_typeof(entry.body -> 'row') = 'object') r
      left join ${target} x on ${hasKeySql(key, "x", "r.key")}
  )`;
}

function managed(columns: readonly GuardColumn[]): readonly GuardColumn[] {
  return columns.filter((column) => column.isMirrorColumn);
}

/** Where the user has BEFORE ROW triggers the guard restores what they change: `close` in the setting says so. */
export function stageRowsSql(table: GuardTable, target: string): string {
  const { id, key, columns } = table;
  return `create or replace function throughline.stage_${id}(this uuid, page json) returns void
language plpgsql ${pinnedSettings} as $stage$
#variable_conflict use_column
begin
  perform set_config('throughline.call', case when ${enabledBeforeRow(target)} then 'close:' else 'sync:' end || $1, true);
  with ${wantedRows(table, target, "$2")}
  insert into throughline.staged (call, key, full_row)
    select $1, ${keySql(key, "w")}, ${asJson(managed(columns), "w")} from wanted w
    union all select $1, entry.body ->> 'key', null from json_array_elements($2) entry(body)
      where json_typeof(entry.body -> 'row') is distinct from 'object';
end $stage$`;
}

/** Set-based, and a row that is right already is not written. */
export function applyRowsSql(table: GuardTable, target: string): string {
  const { id, key, columns } = table;
  const names = managed(columns).map((column) => quoteName(column.name));
  const wanted = wantedRows(table, target, "$1");
  const differing = `from wanted w where not exists (select from ${target} y where ${sameKeySql(key, "y", "w")}
        and ${names.map((name) => `y.${name}::text is not distinct from w.${name}::text`).join(" and ")})`;
  const tombstones = `json_array_elements($1) entry(body)
      where ${hasKeySql(key, "x", "entry.body ->> 'key'")} and json_typeof(entry.body -> 'row') is distinct from 'object'`;
  return `create function throughline.apply_${id}(page json) returns void
language plpgsql security definer ${pinnedSettings} as $apply$
#variable_conflict use_column
declare
  -- A statement trigger of the user's fires for no rows as well: where there is one, nothing runs for nothing.
  loud boolean;
begin
  ${writerOnlySql}
  loud := exists (select from pg_trigger where tgrelid = ${quoteLiteral(target)}::regclass and not tgisinternal and tgenabled <> 'D'
    and tgtype & 1 = 0 and not ${isGuardTriggerSql});
  if not loud or exists (select from ${target} x, ${tombstones}) then
    delete from ${target} x using ${tombstones};
  end if;
  if not loud or exists (with ${wanted} select ${differing}) then
    with ${wanted}
    insert into ${target} as x (${names.join(", ")}) overriding system value
      select ${names.map((name) => `w.${name}`).join(", ")} ${differing}
      order by ${keyNamesSql(key, "w")}
      on conflict (${keyNamesSql(key)}) do update set ${names.map((name) => `${name} = excluded.${name}`).join(", ")};
  end if;
end $apply$`;
}

function isAsStaged(of: string, { name, type }: GuardColumn): string {
  return `${of}.${quoteName(name)}::text is not distinct from ((s.full_row ->> ${quoteLiteral(name)})::${type})::text`;
}

/** A trigger may have kept a row from being written, and row security hides it: each staged row is looked for. */
export function differingRowSql({ id, key, columns }: GuardTable, target: string): string {
  return `create or replace function throughline.differs_${id}(this uuid) returns text
language plpgsql ${pinnedSettings} as $differs$
#variable_conflict use_column
begin
  if not ${enabledBeforeRow(target)} and not (select relrowsecurity from pg_class where oid = ${quoteLiteral(target)}::regclass) then
    return null;
  end if;
  return (select s.key from throughline.staged s
      left join ${target} y on ${hasKeySql(key, "y", `coalesce(${jsonKeySql(key, "s.full_row")}, s.key)`)}
    where s.call = $1 and (s.full_row is not null or s.n is null)
      and case when s.full_row is null then y.ctid is not null
        else y.ctid is null or not (${managed(columns)
          .map((column) => isAsStaged("y", column))
          .join("\n          and ")}) end
    limit 1);
end $differs$`;
}

/**
 * What was written as the writer was staged, whoever's code wrote it: a default, a domain or an index runs at no trigger's depth, where the
 * guard lets the writer pass.
 */
export function afterStatementSql({ id, key, columns }: GuardTable): string {
  const names = managed(columns).map(({ name }) => quoteName(name));
  const texts = (of: string) => names.map((name) => `${of}.${name}::text`).join(", ");
  const changed = `select w.* from made w
      where not exists (select from gone g where ${sameKeySql(key, "g", "w")} and (${texts("g")}) is not distinct from (${texts("w")}))`;
  const isStaged = (
    condition: string,
  ) => `exists (select from throughline.staged s where s.call = this and s.full_row is not null and ${condition}
        and ${managed(columns)
          .map((column) => isAsStaged("w", column))
          .join(" and ")})`;
  return `create or replace function throughline.written_${id}() returns trigger
language plpgsql security definer ${pinnedSettings} as $written$
#variable_conflict use_variable
declare
  setting text := coalesce(current_setting('throughline.call', true), '');
  this uuid;
  strange boolean;
begin
  if setting ~ '^(?:sync|close):[0-9a-f-]{36}$' then
    select o.call into this from throughline.opened o
      where o.call = split_part(setting, ':', 2)::uuid and o.mode = 'close' and o.xact = pg_current_xact_id_if_assigned();
  end if;
  case tg_op
    when 'INSERT' then
      strange := exists (select from made w where not ${isStaged(`s.key = ${keySql(key, "w")}`)}
        and not ${isStaged(`${jsonKeySql(key, "s.full_row")} = ${keySql(key, "w")}`)});
    when 'UPDATE' then
      strange := exists (select from (${changed}) w where not ${isStaged(`s.key = ${keySql(key, "w")}`)}
        and not ${isStaged(`${jsonKeySql(key, "s.full_row")} = ${keySql(key, "w")}`)});
    else
      strange := exists (select from gone g
        where not exists (select from throughline.staged s where s.call = this and s.key = ${keySql(key, "g")} and s.full_row is null and s.n is null));
  end case;
  if strange then
    raise exception 'throughline: code of others wrote to mirror table "%"."%" as throughline_writer', tg_table_schema, tg_table_name
      using errcode = 'triggered_data_change_violation', schema = tg_table_schema, table = tg_table_name,
        hint = 'A trigger, default, domain, index or policy of the table wrote what its API did not report: change or drop it.';
  end if;
  return null;
end $written$`;
}
