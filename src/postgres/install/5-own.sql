-- What our own connections run. Code of others (triggers, defaults, domains, cursors that outlive a statement) may run in their
-- transactions, up to COMMIT. Hence: all that is written is written in one call, nothing of ours is within reach of the login from its
-- beginning on (confine), rows are written as throughline_writer, and behind every statement in which a stranger's code may have run the
-- search path is set again: a plain SET of a trigger's outlives the SET clauses of all functions around it.

create or replace function throughline.is_confined() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from throughline.confined c where c.xact = pg_current_xact_id_if_assigned())
$$;

-- To the end of the transaction. A login that owns nothing of ours gets at our tables by policies that ask for it.
create or replace function throughline.confine() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- A function that belongs to the login may call this, but not for another session.
  if not has_function_privilege(session_user, 'throughline.settle(uuid)', 'execute') then
    raise exception 'throughline: only the proxy may call this function' using errcode = 'insufficient_privilege',
      hint = 'Leave these functions to the proxy.';
  end if;
  -- Those of transactions that have ended.
  delete from throughline.confined c where c.ctid = any (array(
    select o.ctid from throughline.confined o where o.xact < pg_snapshot_xmin(pg_current_snapshot()) for update skip locked));
  if throughline.is_confined() then
    raise exception 'throughline: a transaction writes one page or settles one call' using errcode = 'insufficient_privilege',
      hint = 'Leave these functions to the proxy.';
  end if;
  insert into throughline.confined values (pg_current_xact_id());
end $$;

do $$
declare
  target text;
begin
  foreach target in array array['version', 'proxy_key', 'mirror', 'journal', 'applied', 'parked'] loop
    execute format('alter table throughline.%I enable row level security', target);
    execute format('drop policy if exists "~throughline" on throughline.%I', target);
    -- Nor are they there for a function that code of others has left behind as the login's.
    execute format('create policy "~throughline" on throughline.%I using ((select session_user = current_user and not throughline.is_confined()))', target);
  end loop;
end $$;

-- Writes the rows of a page that have been staged by nobody yet.
create or replace function throughline.write_page(mirror integer, this uuid, page json) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('select throughline.stage_%s($1, $2)', mirror) using this, page;
  execute format('select throughline.apply_%s($1)', mirror) using page;
  set local search_path = pg_catalog, pg_temp;
  perform throughline.compare(mirror, this);
  perform throughline.mark(mirror, page);
  delete from throughline.staged s where s.call = this;
end $$;

create or replace function throughline.compare(mirror integer, this uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  wrong text;
begin
  execute format('select throughline.differs_%s($1)', mirror) into wrong using this;
  if wrong is not null then
    raise exception 'throughline: a trigger or row security of % keeps row "%" from being what its API reported',
        (select format('%I.%I', m.schema_name, m.table_name) from throughline.mirror m where m.id = compare.mirror), wrong
      using errcode = 'triggered_data_change_violation';
  end if;
end $$;

-- Writes rows as upstream had them at `since`, and makes fail what is deferred.
drop function if exists throughline.write(integer, json, timestamptz);
create or replace function throughline.write(mirror integer, page json, since bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  this uuid := gen_random_uuid();
  holders json;
begin
  set constraints throughline.left_open deferred;
  insert into throughline.opened (call, mode) values (this, 'close');
  for holders in execute format('select * from throughline.take_overs_%s($1, $2)', mirror) using page, since loop
    perform throughline.write_page(mirror, this, holders);
    set local search_path = pg_catalog, pg_temp;
    -- They are stale, and are read again.
    insert into throughline.parked (mirror, key, seen) select write.mirror, h ->> 'key', nextval('throughline.moment') from json_array_elements(holders) h
      on conflict do nothing;
  end loop;
  perform throughline.write_page(mirror, this, page);
  set local search_path = pg_catalog, pg_temp;
  perform set_config('throughline.call', '', true);
  delete from throughline.opened o where o.call = this;
  perform throughline.fire();
  set local search_path = pg_catalog, pg_temp;
end $$;

-- Fires what is deferred, as the role that has written. It belongs to throughline_writer.
drop function if exists throughline.fire();
create function throughline.fire() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if current_user operator(pg_catalog.<>) 'throughline_writer'::pg_catalog.name then
    raise exception 'throughline: a function of throughline_writer was altered' using errcode = 'insufficient_privilege',
      hint = 'Run "throughline migrate", which makes it anew; code of others on a mirror did it.';
  end if;
  set constraints all immediate;
end $$;

-- Whether an error says something of the rows that were to be written: a lost connection, a shutdown or no memory does not.
create or replace function throughline.is_of_rows(code text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select code !~ '^(08|53|57|58|XX)'
$$;

-- Why rows were refused: null when a lock, a deadlock or an overtaken snapshot kept them out, and later it will do.
create or replace function throughline.refusal(code text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when code = '55P03' or code like '40%' then null else code end
$$;

-- Applies the rows of a call that the client's transaction did not apply. What was accepted after it stands.
create or replace function throughline.settle(call uuid) returns table (state text, code text, message text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  entry throughline.journal;
  later text[];
  of_column text;
  of_constraint text;
begin
  perform throughline.confine();
  -- Postgres can't see a deadlock that leads through a held client. Who waits longer tries again.
  perform set_config('lock_timeout', '250ms', true);
  begin
    -- The mutex: it waits for a commit in flight, and yields no row when that won.
    insert into throughline.applied (call) values (settle.call) on conflict do nothing;
    if not found then
      return query select 'applied', null::text, null::text;
      return;
    end if;
    select j.* into entry from throughline.journal j where j.id = settle.call and j.closed_at is null for update;
    if found and entry.rows is null then
      raise exception 'throughline: the outcome of call % is not noted yet', settle.call using errcode = 'serialization_failure';
    end if;
    if found then
      -- First the locks, then, with a newer snapshot, the question what came later.
      execute format('select from throughline.lock_%s($1, true)', entry.mirror)
        using array(select r ->> 'key' from json_array_elements(entry.rows) r);
      later := array(select distinct unnest(j.keys) from throughline.journal j
        where j.mirror = entry.mirror and j.id <> settle.call and j.outcome_moment > entry.outcome_moment and j.state not in ('refused', 'unsent', 'lapsed')
          -- Of one that nobody knows, only what it is known to have made is later.
          and (j.state <> 'unknown' or j.rows::text <> '[]'));
      -- Its own entry is no later one.
      perform throughline.write(entry.mirror,
        (select coalesce(json_agg(r), '[]') from json_array_elements(entry.rows) r where r ->> 'key' <> all(later)),
        entry.outcome_moment + 1);
      set local search_path = pg_catalog, pg_temp;
    end if;
    if entry.state in ('unknown', 'lapsed') then
      -- They are applied once: what comes later is newer.
      delete from throughline.applied a where a.call = settle.call;
      update throughline.journal j set rows = '[]' where j.id = settle.call;
    end if;
    return query select case when entry.state = 'unknown' then 'unknown' else 'repaired' end, null::text, null::text;
  exception when others then
    if not throughline.is_of_rows(sqlstate) then raise; end if;
    if throughline.refusal(sqlstate) is null then
      return query select 'waiting', null::text, null::text;
      return;
    end if;
    get stacked diagnostics code = returned_sqlstate, message = message_text, of_column = column_name, of_constraint = constraint_name;
    update throughline.journal j set blocked = settle.code, blocked_because = concat_ws(': ',
        throughline.refused_columns(j.mirror, case json_array_length(j.rows) when 1 then j.rows -> 0 end, code, message, of_column, of_constraint),
        left(message, 2000)) where j.id = settle.call;
    return query select 'blocked', code, message;
  end;
end $$;
