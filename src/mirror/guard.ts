// The SQL of one mirror's guard: the trigger that plans, replaces and refuses, and the function that locks its rows.

import { quoteLiteral, quoteName } from "../postgres/quote.js";
import { afterStatementSql, applyRowsSql, differingRowSql, stageRowsSql } from "./apply.js";
import { fenceSql } from "./fence.js";
import {
  asJson,
  type GuardColumn,
  type GuardTable,
  guardTriggers,
  isLateTriggerSql,
  isStrange,
  pinnedSettings,
} from "./guard-table.js";
import { amongKeysSql, jsonKeySql, keyNamesSql, keySql } from "./key.js";
import { writerOnlySql, writerRole } from "./roles.js";
import { takeOversSql } from "./take-over.js";

/** What makes up the guard of one mirror. */
export interface Guard {
  /** Statements that create or replace the functions that belong to the schema's owner. */
  readonly functions: readonly string[];
  /** Those that belong to the writer, by signature. */
  readonly writerFunctions: ReadonlyMap<string, string>;
  /** Statements that put the triggers on the table, or renew them. */
  readonly triggers: readonly string[];
}

export function guardOf(table: GuardTable): Guard {
  const { id } = table;
  const target = `${quoteName(table.schema)}.${quoteName(table.table)}`;
  const writerFunctions = new Map([[`throughline.apply_${id}(json)`, applyRowsSql(table, target)]]);
  if (table.columns.some(isStrange))
    writerFunctions.set(`throughline.local_${id}(${target}, json)`, localColumns(table, target));
  return {
    functions: [
      beforeRow(table),
      afterRow(table),
      lockRows(table, target),
      stageRowsSql(table, target),
      differingRowSql(table, target),
      afterStatementSql(table),
      takeOversSql(table, target),
      fenceSql(table, target),
    ],
    writerFunctions,
    triggers: triggers(id, target),
  };
}

function triggers(id: number, target: string): string[] {
  const others = `current_user <> ${quoteLiteral(writerRole)}`;
  // The writer is held to it as well where others act in its name: a trigger of theirs, or one that fires before ours.
  const watched = `${others} or pg_trigger_depth() > 0 or current_setting('throughline.call', true) like 'close:%'`;
  const trigger = (name: string, event: string, call: string) => [
    `drop trigger if exists ${quoteName(name)} on ${target}`,
    `create trigger ${quoteName(name)} ${event} execute function throughline.${call}()`,
    // With session_replication_role = replica no other trigger fires.
    `alter table ${target} enable always trigger ${quoteName(name)}`,
  ];
  const { row, capture, truncate, role, inserted, updated, deleted } = guardTriggers;
  const anyRow = `insert or update or delete on ${target} for each row`;
  const anyStatement = `insert or update or delete on ${target} for each statement`;
  const written = (event: string, tables: string) =>
    `after ${event} on ${target} referencing ${tables} for each statement when (not (${others}))`;
  return [
    ...trigger(row, `before ${anyRow} when (${watched})`, `guard_${id}`),
    ...trigger(capture, `after ${anyRow} when (${others})`, `capture_${id}`),
    ...trigger(truncate, `before truncate on ${target} for each statement`, "guard_truncate"),
    ...trigger(inserted, written("insert", "new table as made"), `written_${id}`),
    ...trigger(updated, written("update", "old table as gone new table as made"), `written_${id}`),
    ...trigger(deleted, written("delete", "old table as gone"), `written_${id}`),
    ...trigger(role, `before ${anyStatement} when (${others})`, "guard_role"),
  ];
}

function assign({ name, type }: GuardColumn, to: string, from: string): string {
  return `${to}.${quoteName(name)} := (${from} ->> ${quoteLiteral(name)})::${type};`;
}

function assignLocal(column: GuardColumn, to: string, from: string): string {
  return `if ${from} -> ${quoteLiteral(column.name)} is not null then ${assign(column, to, from)} end if;`;
}

/** A conversion to a type of others may run code of theirs: the checks of a domain. */
function localColumns({ id, columns }: GuardTable, target: string): string {
  return `create function throughline.local_${id}(planned ${target}, local_row json) returns ${target}
language plpgsql security definer ${pinnedSettings} as $local$
begin
  ${writerOnlySql}
  ${columns
    .filter(isStrange)
    .map((column) => assignLocal(column, "planned", "local_row"))
    .join("\n  ")}
  return planned;
end $local$`;
}

function beforeRow({ id, key, columns }: GuardTable): string {
  const mirrorColumns = columns.filter((column) => column.isMirrorColumn);
  const local = columns.filter((column) => !column.isMirrorColumn && !isStrange(column));
  const strange = columns.some(isStrange);
  const isUnchangedSql = sameUpstream(mirrorColumns);
  return `create or replace function throughline.guard_${id}() returns trigger
language plpgsql security definer ${pinnedSettings} as $guard$
declare
  setting text := coalesce(current_setting('throughline.call', true), '');
  asked text := split_part(setting, ':', 1);
  this throughline.opened;
  it throughline.staged;
  counter text;
  nth integer;
  late text;
begin
  if asked in ('plan', 'apply', 'close') and substr(setting, length(asked) + 2) ~ '^[0-9a-f-]{36}$' then
    -- A row of this very transaction, or none: a setting alone opens nothing.
    select o.* into this from throughline.opened o
      where o.call = substr(setting, length(asked) + 2)::uuid and o.xact = pg_current_xact_id_if_assigned();
  end if;
  if this.mode = 'plan' and asked = 'plan' then
    if tg_op = 'UPDATE' and ${isUnchangedSql} then
      perform set_config('throughline.local', 'on', true);
      return new;
    end if;
    -- The candidates of an INSERT are counted by themselves: one that meets a conflict becomes an UPDATE, and is one row still.
    counter := case tg_op when 'INSERT' then 'throughline.n' else 'throughline.m' end;
    nth := coalesce(nullif(current_setting(counter, true), ''), '0')::integer + 1;
    perform set_config(counter, nth::text, true);
    if nth = 1 then
      select tgname into late from pg_trigger where tgrelid = tg_relid and tgenabled <> 'D' and ${isLateTriggerSql};
      if found then
        raise exception 'throughline: trigger "%" of mirror table "%"."%" would change what its API reported', late, tg_table_schema, tg_table_name
          using errcode = 'feature_not_supported', schema = tg_table_schema, table = tg_table_name,
            hint = 'Nothing was sent. Rename it, so that it fires before "~throughline".';
      end if;
    end if;
    if nth > this.row_limit then
      raise exception 'throughline: this statement writes at least % rows of "%"."%", and its API takes at most % in one call',
        nth, tg_table_schema, tg_table_name, this.row_limit
        using errcode = 'program_limit_exceeded', schema = tg_table_schema, table = tg_table_name,
          hint = format('Nothing was sent. Write at most %s rows per statement.', this.row_limit);
    end if;
    if tg_op = 'DELETE' then return old; end if;
    if tg_op = 'INSERT' then
      insert into throughline.planned_row (call, relation, verb, new_row)
        values (this.call, tg_relid, 'candidate', json_build_object('key', ${keySql(key, "new")}));
    end if;
    return new;
  end if;
  -- The setting is the client's; the mode is ours, and says what is under way.
  if this.mode in ('apply', 'close') and asked = this.mode then
    if tg_op = 'INSERT' and asked = 'apply' then
      nth := coalesce(nullif(current_setting('throughline.n', true), ''), '0')::integer + 1;
      perform set_config('throughline.n', nth::text, true);
      -- Staged as 0: whatever is not staged by itself meets its conflict again.
      select s.* into it from throughline.staged s where s.call = this.call and s.n in (0, nth) order by s.n desc limit 1;
    elsif tg_op = 'INSERT' then
      select s.* into it from throughline.staged s where s.call = this.call and s.key = ${keySql(key, "new")} and ${isWrittenSql};
    else
      select s.* into it from throughline.staged s where s.call = this.call and s.key = ${keySql(key, "old")} and ${isWrittenSql};
    end if;
    if tg_op = 'DELETE' then
      if it.call is not null and it.full_row is null then return old; end if;
      return null;
    end if;
    if it.call is null and tg_op = 'UPDATE' and ${isUnchangedSql} then return new; end if;
    -- A candidate that met a conflict when it was planned shall meet it again; the other trigger sees that it does. One with the key of a
    -- record is not written: another row of the statement is that record's.
    if it.n is not null and it.full_row is null then return case when it.key = '' then new end; end if;
    -- It was not planned, or upstream no longer has it.
    if it.full_row is null then return null; end if;
    ${mirrorColumns.map((column) => assign(column, "new", "it.full_row")).join("\n    ")}
    ${local.map((column) => assignLocal(column, "new", "it.local_row")).join("\n    ")}
    ${strange ? `new := throughline.local_${id}(new, it.local_row);` : ""}
    return new;
  end if;
  -- Local columns are the user's own.
  if tg_op = 'UPDATE' and ${isUnchangedSql} then return new; end if;
  raise exception 'throughline: this % of mirror table "%"."%" did not come through Throughline', tg_op, tg_table_schema, tg_table_name
    using errcode = 'feature_not_supported', schema = tg_table_schema, table = tg_table_name,
      hint = 'Connect to Throughline''s port and send it there, as a statement of its own.';
end $guard$`;
}

/** What is staged is to be written or to go: it is no candidate that another row of the statement writes, under the same key. */
const isWrittenSql = "(s.n is null or s.full_row is not null)";

/** Nothing of upstream's differs between OLD and NEW. */
function sameUpstream(mirrorColumns: readonly GuardColumn[]): string {
  return mirrorColumns
    .map(({ name }) => `new.${quoteName(name)}::text is not distinct from old.${quoteName(name)}::text`)
    .join(" and ");
}

function afterRow({ id, key, columns }: GuardTable): string {
  const mirrorColumns = columns.filter((column) => column.isMirrorColumn);
  return `create or replace function throughline.capture_${id}() returns trigger
language plpgsql security definer ${pinnedSettings} as $capture$
declare
  setting text := coalesce(current_setting('throughline.call', true), '');
  -- The last that is seen of the row: no trigger changes it any more.
  unchanged boolean := tg_op = 'UPDATE' and ${sameUpstream(mirrorColumns)};
begin
  if not unchanged and setting ~ '^plan:[0-9a-f-]{36}$' then
    insert into throughline.planned_row (call, relation, verb, old_row, new_row)
      select o.call, tg_relid, lower(tg_op),
        case when tg_op <> 'INSERT' then ${asJson(columns, "old")} end,
        case when tg_op <> 'DELETE' then ${asJson(columns, "new")} end
      from throughline.opened o
      where o.call = substr(setting, 6)::uuid and o.mode = 'plan' and o.xact = pg_current_xact_id_if_assigned();
    if found then return null; end if;
  elsif setting ~ '^apply:[0-9a-f-]{36}$' and exists (select from throughline.opened o
      where o.call = substr(setting, 7)::uuid and o.mode = 'apply' and o.xact = pg_current_xact_id_if_assigned()) then
    if tg_op = 'DELETE' then return null; end if;
    perform set_config('throughline.m', (coalesce(nullif(current_setting('throughline.m', true), ''), '0')::integer + 1)::text, true);
    if tg_op = 'UPDATE' then return null; end if;
    if exists (select from throughline.staged s where s.call = substr(setting, 7)::uuid and s.n is not null and s.full_row is null)
      and not exists (select from throughline.staged s where s.call = substr(setting, 7)::uuid and s.n is not null
        and ${jsonKeySql(key, "s.full_row")} = ${keySql(key, "new")})
    then
      raise exception 'throughline: the row of "%"."%" that this one was in conflict with is gone', tg_table_schema, tg_table_name
        using errcode = 'serialization_failure', schema = tg_table_schema, table = tg_table_name, hint = 'Run the statement again.';
    end if;
    return null;
  end if;
  if unchanged then return null; end if;
  raise exception 'throughline: a trigger of mirror table "%"."%" made of this % what did not come through Throughline', tg_table_schema, tg_table_name, tg_op
    using errcode = 'triggered_data_change_violation', schema = tg_table_schema, table = tg_table_name,
      hint = 'Rename the trigger, so that it fires before "~throughline", and change only local columns in it.';
end $capture$`;
}

/** In key order, so that two statements never wait for each other in a ring. */
function lockRows({ id, key, columns }: GuardTable, target: string): string {
  const select = (strength: string) => `return query select ${keySql(key, "t")}, ${asJson(columns, "t")}
      from ${target} t where ${amongKeysSql(key, "t", "keys")} order by ${keyNamesSql(key, "t")} ${strength};`;
  return `create or replace function throughline.lock_${id}(keys text[], for_delete boolean)
returns table (key text, current_row json)
language plpgsql ${pinnedSettings} as $lock$
#variable_conflict use_variable
begin
  if for_delete then
    -- A child row that arrived during the call would make the delete fail after it was accepted.
    ${select("for update of t")}
  else
    ${select("for no key update of t")}
  end if;
end $lock$`;
}
