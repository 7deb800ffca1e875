-- Inside a client's session only these functions act, each behind a MAC that the proxy alone can make:
--   plan > the client's statement > planned, rolled back;   lock;   stage > the client's statement > close;   refuse.
-- What the guard trigger of a mirror lets through is decided by the rows in opened and staged, which only they write.

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

-- These return, or take, something else than in versions 3 and 4.
drop function if exists throughline.plan, throughline.planned, throughline.lock, throughline.stage(uuid, text, uuid, bytea),
  throughline.refuse(text, text, text, text, text, text, text, text);

-- Returns the transaction, so that its end can be seen from another connection, and the seat of what is staged next.
create or replace function throughline.plan(call uuid, row_limit integer, proxy uuid, mac bytea) returns table (transaction xid8, seat bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.check_mac('plan|' || call || '|' || row_limit, proxy, mac);
  -- The client's statement shall fail by itself, with its own words.
  if current_setting('transaction_read_only') = 'on' then return; end if;
  -- The client may have said that all constraints are immediate.
  set constraints throughline.left_open deferred;
  insert into throughline.opened values (call, 'plan', row_limit, throughline.local_writes(),
    pg_stat_get_xact_tuples_inserted('throughline.planned_row'::regclass));
  perform set_config('throughline.call', 'plan:' || call, true), set_config('throughline.n', '0', true), set_config('throughline.m', '0', true),
    set_config('throughline.local', '', true);
  return query select pg_current_xact_id(), throughline.seat();
end $$;

-- A first row of verb "undone" says that the statement wrote rows of mirrors and undid them itself, in an exception handler.
-- Last rows of verb "role" name the roles whose rights it wrote with (3-planned-roles.sql).
-- local_writes: the statement wrote, or may have written, to other tables or to local columns of rows that it does not send.
-- Sealed are the rows of a mirror of which the session may not read all.
create or replace function throughline.planned(call uuid, proxy uuid, mac bytea)
returns table (relation oid, verb text, old_row text, new_row text, local_writes boolean, sealed boolean)
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
  if undone then return query select null::oid, 'undone', null::text, null::text, elsewhere, false; end if;
  return query
    with hidden as materialized (
      select r.relation, not throughline.may_read(r.relation) as yes
        from (select distinct p.relation from throughline.planned_row p where p.call = planned.call) r
    )
    select p.relation, p.verb,
        case when h.yes then throughline.seal(p.old_row::text, planned.proxy) else p.old_row::text end,
        case when h.yes then throughline.seal(p.new_row::text, planned.proxy) else p.new_row::text end,
        elsewhere, h.yes
      from throughline.planned_row p join hidden h on h.relation = p.relation where p.call = planned.call order by p.n;
  return query select null::oid, 'role', null::text, r::text, false, false from throughline.planned_as(planned.call) r;
end $$;

create or replace function throughline.lock(mirror integer, keys text, for_delete boolean, proxy uuid, mac bytea)
returns table (key text, current_row text, sealed boolean, marks text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  hidden boolean := (select not throughline.may_read(format('%I.%I', m.schema_name, m.table_name)::regclass)
    from throughline.mirror m where m.id = lock.mirror);
begin
  perform throughline.check_mac('lock|' || mirror || '|' || for_delete || '|' || keys, proxy, mac);
  perform throughline.refuse_closed(mirror, array(select json_array_elements_text(keys::json)), hidden);
  return query execute format('select l.key, case when $3 then throughline.seal(l.current_row::text, $4) else l.current_row::text end, $3,
      throughline.marks_of($5, l.key) from throughline.lock_%s($1, $2) l', mirror)
    using array(select json_array_elements_text(keys::json)), for_delete, hidden, proxy, mirror;
end $$;

-- Once: neither in another transaction nor after a rollback in this one is the MAC that of what is asked for.
create or replace function throughline.stage(call uuid, rows text, sealed boolean, proxy uuid, mac bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.check_mac('stage|' || call || '|' || pg_current_xact_id() || '|' || throughline.seat() || '|' || sealed || '|' || rows, proxy, mac);
  if sealed then rows := throughline.unseal(rows, proxy); end if;
  set constraints throughline.left_open deferred;
  insert into throughline.opened values (call, 'apply');
  insert into throughline.staged (call, n, key, full_row, local_row, marks)
    select call, (r ->> 'n')::integer, r ->> 'key', case when json_typeof(r -> 'row') = 'object' then r -> 'row' end, r -> 'local', r -> 'marks'
      from json_array_elements(rows::json) r;
  perform set_config('throughline.call', 'apply:' || call, true), set_config('throughline.n', '0', true), set_config('throughline.m', '0', true);
end $$;

-- Verifies and completes; `calls`: the upstream calls to note as applied, a JSON array. What the client's statement did not meet again is written here, what is right already is not touched.
create or replace function throughline.close(call uuid, mirror integer, calls text, proxy uuid, mac bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.check_mac('close|' || call || '|' || mirror || '|' || calls, proxy, mac);
  update throughline.opened o set mode = 'close' where o.call = close.call and o.mode = 'apply' and o.xact = pg_current_xact_id();
  if not found then
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
  -- A trigger may have set another one, which outlives the SET clause of this function.
  set local search_path = pg_catalog, pg_temp;
  perform throughline.compare(mirror, call);
  begin
    perform throughline.mark(mirror, (select json_agg(json_build_object('key', s.key, 'row', s.full_row, 'marks', s.marks))
      from throughline.staged s where s.call = close.call and (s.n is null or s.full_row is not null)));
  exception when serialization_failure then
    -- A page that this snapshot does not see has marked a row: its marks stay.
    null;
  end;
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
  code text, message text, detail text, hint text, schema_name text, table_name text, column_name text, constraint_name text,
  proxy uuid, mac bytea
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.check_mac(concat_ws('|', 'refuse', code, message, detail, hint, schema_name, table_name, column_name, constraint_name),
    proxy, mac);
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
