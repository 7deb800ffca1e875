-- The schema "throughline": the database side of the write path (src/README.md). Installed by `migrate` as the proxy's role,
-- which owns all of it. Every statement may run again.
--
-- Inside a client's session only these functions act, each behind a MAC that the proxy alone can make:
--   plan → the client's statement → planned, rolled back;   lock;   stage → the client's statement → close.
-- What the guard trigger of a mirror lets through is decided by the rows in opened and staged, which only they write.

create schema if not exists throughline;
revoke all on schema throughline from public;
grant usage on schema throughline to public;

create table if not exists throughline.version (
  one boolean primary key default true check (one),
  version integer not null
);

-- One key per running proxy, made at its start: a key that a dump took along is worth nothing.
create table if not exists throughline.proxy_key (
  id uuid primary key,
  key bytea not null,
  renewed_at timestamptz not null default clock_timestamp()
);

create table if not exists throughline.mirror (
  id integer generated always as identity primary key,
  api text not null,
  resource text not null,
  schema_name text not null,
  table_name text not null,
  key_columns text[] not null,
  columns json not null,
  -- Raised when the columns change: a proxy that knows older ones makes no call.
  revision integer not null default 1,
  complete_at timestamptz,
  -- When the last pull that ran to its end had begun.
  complete_from timestamptz,
  checkpoint json,
  unique (schema_name, table_name)
);

-- Every upstream call: noted before it is made, closed when its rows are applied. Values only while it is open.
create table if not exists throughline.journal (
  id uuid primary key,
  proxy uuid not null,
  mirror integer not null references throughline.mirror on delete cascade,
  api text not null,
  table_name text not null,
  verb text not null check (verb in ('insert', 'update', 'delete', 'upsert')),
  state text not null default 'intent'
    check (state in ('intent', 'sent', 'unknown', 'accepted', 'partial', 'absent', 'refused', 'unsent', 'lapsed', 'settled')),
  row_count integer not null,
  keys text[] not null default '{}',
  role text not null,
  application text not null,
  client_address text not null,
  statement_hash text not null,
  idempotency_key text,
  request_id text,
  http_status integer,
  sqlstate text,
  -- Why Postgres refuses its rows; null when it does not.
  blocked text,
  intent_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  -- Since when its rows are known to be so.
  outcome_at timestamptz,
  closed_at timestamptz,
  -- How often, and when last, recovery tried to finish it.
  tries integer not null default 0,
  tried_at timestamptz,
  -- Why a person closed it.
  because text,
  request json,
  rows json
);
create index if not exists journal_open on throughline.journal (mirror) where closed_at is null;
create index if not exists journal_fence on throughline.journal (mirror, outcome_at);

-- Inserted by the client's transaction (an UPDATE of the journal would find no row under REPEATABLE READ), or by whoever repairs.
create table if not exists throughline.applied (
  call uuid primary key,
  at timestamptz not null default clock_timestamp()
);

-- Keys that a page of the sync brought and the fence kept out, or Postgres refused (then with its SQLSTATE): read again by key.
create table if not exists throughline.parked (
  mirror integer not null references throughline.mirror on delete cascade,
  key text not null,
  sqlstate text,
  parked_at timestamptz not null default clock_timestamp(),
  primary key (mirror, key)
);

-- These live inside one transaction: nobody else ever sees a row of them.
create unlogged table if not exists throughline.opened (
  call uuid primary key,
  mode text not null check (mode in ('plan', 'apply')),
  row_limit integer,
  local_writes bigint,
  -- Rows of planned_row that this transaction had written before: one that a subtransaction undoes counts still.
  planned_before bigint
);
-- A row serves its own transaction only: one that was committed before version 4, or by a superuser, opens nothing.
alter table throughline.opened add column if not exists xact xid8 not null default pg_current_xact_id();
delete from throughline.opened;
create unlogged table if not exists throughline.planned_row (
  call uuid not null,
  n bigint generated always as identity,
  relation oid not null,
  verb text not null,
  old_row json,
  new_row json,
  primary key (call, n)
);
-- n: the n-th candidate of an INSERT, otherwise null. full_row: what the row becomes; null: it goes, or, with n, it meets a
-- conflict again. local_row: the planned local columns.
create unlogged table if not exists throughline.staged (
  call uuid not null,
  n integer,
  key text not null,
  full_row json,
  local_row json
);
create index if not exists staged_key on throughline.staged (call, key);
create index if not exists staged_n on throughline.staged (call, n);

-- No transaction commits while a call is open in it. Whoever has seen a signed argument of ours, and gives it once more, gains nothing
-- that lasts: what he opens, he can't close.
create or replace function throughline.left_open() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from throughline.opened o where o.call = new.call) then
    raise exception 'throughline: a call is left open' using errcode = 'insufficient_privilege',
      hint = 'The transaction is undone. Only the proxy opens and closes a call.';
  end if;
  return null;
end $$;
drop trigger if exists left_open on throughline.opened;
create constraint trigger left_open after insert or update on throughline.opened
  deferrable initially deferred for each row execute function throughline.left_open();
alter table throughline.opened enable always trigger left_open;

create or replace function throughline.check_mac(message text, proxy uuid, mac bytea) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if (select sha256(k.key || sha256(k.key || convert_to(message || '|' || pg_backend_pid(), 'UTF8'))) = mac
        from throughline.proxy_key k where k.id = proxy) is not true then
    raise exception 'throughline: only the proxy may call this function' using errcode = 'insufficient_privilege';
  end if;
end $$;

-- How many rows this transaction has written to tables that are no mirrors: those it has locked for writing. Null when nobody can
-- tell: the server does not count, or there is a foreign table among them.
create or replace function throughline.local_writes() returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when current_setting('track_counts') = 'on' and coalesce(bool_and(c.relkind <> 'f'), true) then
    coalesce(sum(pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid)), 0) end
  from pg_locks l join pg_class c on c.oid = l.relation
  where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    and c.oid >= 16384 and c.relkind in ('r', 'f') and c.relnamespace <> 'throughline'::regnamespace
    and c.oid not in (select to_regclass(format('%I.%I', m.schema_name, m.table_name)) from throughline.mirror m
      where to_regclass(format('%I.%I', m.schema_name, m.table_name)) is not null)
$$;

-- Returns the transaction, so that its end can be seen from another connection.
create or replace function throughline.plan(call uuid, row_limit integer, proxy uuid, mac bytea) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.check_mac('plan|' || call || '|' || row_limit, proxy, mac);
  -- The client's statement shall fail by itself, with its own words.
  if current_setting('transaction_read_only') = 'on' then return null; end if;
  -- The client may have said that all constraints are immediate.
  set constraints throughline.left_open deferred;
  insert into throughline.opened values (call, 'plan', row_limit, throughline.local_writes(),
    pg_stat_get_xact_tuples_inserted('throughline.planned_row'::regclass));
  perform set_config('throughline.call', 'plan:' || call, true), set_config('throughline.n', '0', true), set_config('throughline.m', '0', true),
    set_config('throughline.local', '', true);
  return pg_current_xact_id();
end $$;

-- A first row of verb "undone" says that the statement wrote rows of mirrors and undid them itself, in an exception handler.
-- Last rows of verb "role" name the roles whose rights it wrote with (planned-roles.sql).
-- local_writes: the statement wrote, or may have written, to other tables or to local columns of rows that it does not send.
create or replace function throughline.planned(call uuid, proxy uuid, mac bytea)
returns table (relation oid, verb text, old_row json, new_row json, local_writes boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  elsewhere boolean;
  undone boolean;
begin
  perform throughline.check_mac('planned|' || planned.call, proxy, mac);
  select (o.local_writes = throughline.local_writes()) is not true or current_setting('throughline.local', true) = 'on',
      pg_stat_get_xact_tuples_inserted('throughline.planned_row'::regclass) - o.planned_before
        > (select count(*) from throughline.planned_row p where p.call = planned.call)
    into elsewhere, undone from throughline.opened o where o.call = planned.call;
  if undone then return query select null::oid, 'undone', null::json, null::json, elsewhere; end if;
  return query select p.relation, p.verb, p.old_row, p.new_row, elsewhere
    from throughline.planned_row p where p.call = planned.call order by p.n;
  return query select null::oid, 'role', null::json, to_json(r), false from throughline.planned_as(planned.call) r;
end $$;

create or replace function throughline.lock(mirror integer, keys text, for_delete boolean, proxy uuid, mac bytea)
returns table (key text, current_row json)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.check_mac('lock|' || mirror || '|' || for_delete || '|' || keys, proxy, mac);
  return query execute format('select * from throughline.lock_%s($1, $2)', mirror)
    using array(select json_array_elements_text(keys::json)), for_delete;
end $$;

create or replace function throughline.stage(call uuid, rows text, proxy uuid, mac bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.check_mac('stage|' || call || '|' || rows, proxy, mac);
  set constraints throughline.left_open deferred;
  insert into throughline.opened values (call, 'apply');
  insert into throughline.staged
    select call, (r ->> 'n')::integer, r ->> 'key', case when json_typeof(r -> 'row') = 'object' then r -> 'row' end, r -> 'local'
      from json_array_elements(rows::json) r;
  perform set_config('throughline.call', 'apply:' || call, true), set_config('throughline.n', '0', true), set_config('throughline.m', '0', true);
end $$;

-- Verifies and completes; `calls`: the upstream calls to note as applied, a JSON array. What the client's statement did not meet again is written here, what is right already is not touched.
create or replace function throughline.close(call uuid, mirror integer, calls text, proxy uuid, mac bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.check_mac('close|' || call || '|' || mirror || '|' || calls, proxy, mac);
  if not exists (select from throughline.opened o where o.call = close.call and o.mode = 'apply' and o.xact = pg_current_xact_id()) then
    raise exception 'throughline: call % is not open in this transaction', call using errcode = 'insufficient_privilege';
  end if;
  -- Rows that upstream has created, and the client would hear nothing of.
  if coalesce(nullif(current_setting('throughline.m', true), ''), '0')::integer
      < (select count(*) from throughline.staged s where s.call = close.call and s.n is not null and s.full_row is not null) then
    raise exception 'throughline: the statement inserts fewer rows than when it was planned' using errcode = 'serialization_failure';
  end if;
  perform set_config('throughline.call', 'close:' || call, true);
  execute format('select throughline.apply_%s((select coalesce(json_agg(json_build_object(%L, s.key, %L, s.full_row)), %L)
    from throughline.staged s where s.call = $1 and (s.n is null or s.full_row is not null)))', mirror, 'key', 'row', '[]') using call;
  delete from throughline.staged s where s.call = close.call;
  delete from throughline.opened o where o.call = close.call;
  insert into throughline.applied (call) select c::uuid from json_array_elements_text(calls::json) c;
  perform set_config('throughline.call', '', true), set_config('throughline.n', '', true);
end $$;

-- Whether a rollback has undone here what one of these calls, a JSON array, has changed upstream: its rows are not applied as this
-- transaction sees it.
create or replace function throughline.undone(calls text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from json_array_elements_text(calls::json) c
    where not exists (select from throughline.applied a where a.call = c::uuid))
$$;

create or replace function throughline.refuse(
  code text, message text, detail text, hint text, schema_name text, table_name text, column_name text, constraint_name text
) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = code, message = message, detail = coalesce(detail, ''), hint = coalesce(hint, ''),
    schema = coalesce(schema_name, ''), table = coalesce(table_name, ''), column = coalesce(column_name, ''),
    constraint = coalesce(constraint_name, '');
end $$;

create or replace function throughline.guard_truncate() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'throughline: TRUNCATE of mirror table "%"."%" is not offered', tg_table_schema, tg_table_name
    using errcode = 'feature_not_supported', schema = tg_table_schema, table = tg_table_name,
      hint = 'Delete the rows with DELETE, through Throughline: each becomes a delete in the API.';
end $$;

revoke all on all functions in schema throughline from public;
grant execute on function throughline.plan, throughline.planned, throughline.lock, throughline.stage, throughline.close,
  throughline.undone, throughline.refuse to public;
