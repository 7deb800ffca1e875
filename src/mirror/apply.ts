// The function that writes canonical rows into one mirror: for the sync, for settling, and at the end of the write path.

import { quoteLiteral, quoteName } from "../postgres/quote.js";
import { asJson, type GuardColumn, type GuardTable, isGuardTriggerSql, jsonOf, pinnedSettings } from "./guard-table.js";
import { hasKeySql, jsonKeySql, keyNamesSql, keySql, sameKeySql } from "./key.js";

/**
 * The one way rows change: set-based, and a row that is right already is not written. Returns how many were.
 *
 * `since`, given in a session of ours, is when upstream was asked. A unique value that it has given to another record is then
 * first taken from the row that still holds it, unless that was written later: the holder is stale, and is read again.
 * Where the user has triggers of his own, what is applied is staged, so that the guard restores it, and verified.
 */
export function applyRowsSql({ id, key, columns, login }: GuardTable, target: string): string {
  const mirrorColumns = columns.filter((column) => column.isMirrorColumn);
  const value = ({ name, type }: GuardColumn) =>
    `case when r.full_row -> ${quoteLiteral(name)} is null then x.${quoteName(name)}
        else (r.full_row ->> ${quoteLiteral(name)})::${type} end as ${quoteName(name)}`;
  const names = mirrorColumns.map((column) => quoteName(column.name));
  const wantedRowsSql = `wanted as materialized (
    select ${mirrorColumns.map(value).join(",\n      ")}
      from (select entry.body ->> 'key' as key, entry.body -> 'row' as full_row
        from json_array_elements($1) entry(body) where json_typeof(entry.body -> 'row') = 'object') r
      left join ${target} x on ${hasKeySql(key, "x", "r.key")}
  )`;
  const differingRowsSql = `from wanted w where not exists (select from ${target} y where ${sameKeySql(key, "y", "w")}
        and ${names.map((name) => `y.${name}::text is not distinct from w.${name}::text`).join(" and ")})`;
  const tombstones = `json_array_elements($1) entry(body)
      where ${hasKeySql(key, "x", "entry.body ->> 'key'")} and json_typeof(entry.body -> 'row') is distinct from 'object'`;
  const takeOvers = mirrorColumns
    .filter(({ name, unique }) => unique && !(key.length === 1 && key[0]?.name === name))
    .map(takeOver);
  return `create or replace function throughline.apply_${id}(page json, since timestamptz default null) returns integer
language plpgsql ${pinnedSettings} as $apply$
#variable_conflict use_column
declare
  watch uuid;
  wrong text;
  gone integer := 0;
  written integer := 0;
  -- A statement trigger of the user's fires for no rows as well: where there is one, nothing runs for nothing.
  loud boolean := exists (select from pg_trigger where tgrelid = ${quoteLiteral(target)}::regclass and not tgisinternal and tgenabled <> 'D'
    and tgtype & 1 = 0 and not ${isGuardTriggerSql});
begin
  if exists (select from pg_trigger where tgrelid = ${quoteLiteral(target)}::regclass and not tgisinternal and tgenabled <> 'D'
      and tgtype & 3 = 3 and not ${isGuardTriggerSql}) then
    if session_user = ${quoteLiteral(login)} then
      watch := gen_random_uuid();
      set constraints throughline.left_open deferred;
      insert into throughline.opened (call, mode) values (watch, 'apply');
      perform set_config('throughline.call', 'close:' || watch, true);
    else
      watch := substr(current_setting('throughline.call'), 7)::uuid;
    end if;
  end if;
  if session_user = ${quoteLiteral(login)} then
    if since is not null then
      ${takeOvers.join("\n      ")}
    end if;
    if watch is not null then
      with ${wantedRowsSql}
      insert into throughline.staged (call, key, full_row)
        select watch, ${keySql(key, "w")}, ${asJson(mirrorColumns, "w")} from wanted w
        union all select watch, entry.body ->> 'key', null from json_array_elements($1) entry(body) where json_typeof(entry.body -> 'row') is distinct from 'object';
    end if;
  end if;
  if not loud or exists (select from ${target} x, ${tombstones}) then
    delete from ${target} x using ${tombstones};
    get diagnostics gone = row_count;
  end if;
  if not loud or exists (with ${wantedRowsSql} select ${differingRowsSql}) then
    with ${wantedRowsSql}
    insert into ${target} as x (${names.join(", ")}) overriding system value
      select ${names.map((name) => `w.${name}`).join(", ")} ${differingRowsSql}
      order by ${keyNamesSql(key, "w")}
      on conflict (${keyNamesSql(key)}) do update set ${names.map((name) => `${name} = excluded.${name}`).join(", ")};
    get diagnostics written = row_count;
  end if;
  if watch is not null then
    select s.key into wrong from throughline.staged s left join ${target} y on ${hasKeySql(key, "y", `coalesce(${jsonKeySql(key, "s.full_row")}, s.key)`)}
      where s.call = watch and (s.full_row is not null or s.n is null)
        and case when s.full_row is null then y.ctid is not null else y.ctid is null or not (${mirrorColumns.map(asStaged).join("\n          and ")}) end;
    if found then
      raise exception 'throughline: a trigger of % keeps row "%" from being what its API reported', ${quoteLiteral(target)}, wrong
        using errcode = 'triggered_data_change_violation';
    end if;
    if session_user = ${quoteLiteral(login)} then
      perform set_config('throughline.call', '', true);
      delete from throughline.staged s where s.call = watch;
      delete from throughline.opened o where o.call = watch;
    end if;
  end if;
  return gone + written;
end $apply$`;

  function asStaged({ name, type }: GuardColumn): string {
    return `y.${quoteName(name)}::text is not distinct from ((s.full_row ->> ${quoteLiteral(name)})::${type})::text`;
  }

  function takeOver(uniqueColumn: GuardColumn): string {
    const column = quoteName(uniqueColumn.name);
    const holders = `${target} y, json_array_elements($1) entry(body)
        where y.${column} = (entry.body -> 'row' ->> ${quoteLiteral(uniqueColumn.name)})::${uniqueColumn.type} and not (${hasKeySql(key, "y", "entry.body ->> 'key'")})
          and not exists (select from throughline.journal j where j.mirror = ${id} and ${keySql(key, "y")} = any(j.keys)
            and j.state not in ('refused', 'unsent') and (j.outcome_at is null or j.outcome_at >= since))`;
    // Without a part of its key a row can't be kept until it is read again.
    const isKeyPart = key.some(({ name }) => name === uniqueColumn.name);
    const takeSql = isKeyPart ? `delete from ${target} x using` : `update ${target} x set ${column} = null from`;
    const remainderSql = isKeyPart
      ? "null::json"
      : jsonOf(mirrorColumns, ({ name }) => (name === uniqueColumn.name ? "null" : `y.${quoteName(name)}::text`));
    return `insert into throughline.staged (call, key, full_row)
        select watch, ${keySql(key, "y")}, ${remainderSql}
          from ${holders} and watch is not null;
      with taken as (
        ${takeSql} ${holders}
          and ${sameKeySql(key, "x", "y")} returning ${keySql(key, "x")} as key
      )
      insert into throughline.parked (mirror, key) select distinct ${id}, t.key from taken t on conflict do nothing;
      delete from throughline.staged s where s.call = watch;`;
  }
}
