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

-- Writes rows that the fence lets through, and parks what Postgres refuses. `asked`: a moment before they were asked for; `seen`: one after
-- the answer. Returns the keys that are parked.
create or replace function throughline.write_or_park(mirror integer, page json, asked bigint, seen bigint) returns setof text
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  one json;
  code text;
begin
  begin
    perform throughline.write(mirror, page, asked);
    set local search_path = pg_catalog, pg_temp;
  exception when others then
    if not throughline.is_of_rows(sqlstate) then raise; end if;
    -- All at once is refused: one by one, so that what Postgres refuses stops nothing else.
    perform set_config('lock_timeout', '250ms', true);
    for one in select p from json_array_elements(page) p loop
      begin
        perform throughline.write(mirror, json_build_array(one), asked);
        set local search_path = pg_catalog, pg_temp;
      exception when others then
        if not throughline.is_of_rows(sqlstate) then raise; end if;
        code := throughline.refusal(sqlstate);
        insert into throughline.parked (mirror, key, sqlstate, entry, asked, seen)
          values (mirror, one ->> 'key', code, case when code is null then one end, asked, seen) on conflict do nothing;
        return next one ->> 'key';
      end;
    end loop;
  end;
end $$;

-- Writes what is parked and waits for nothing any more, up to some pages of it; returns of how many. A row that upstream already had when
-- it was read was made by no call that was noted later: so it waits for those that were open then, however many follow.
create or replace function throughline.release_parked(mirror integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  page record;
  waiting text[];
  overtaken text[];
  takes boolean;
  released integer := 0;
begin
  -- Nobody waits for them.
  perform set_config('lock_timeout', '250ms', true);
  for page in select k.asked, k.seen, json_agg(k.entry order by k.key) as entries from throughline.parked k
      where k.mirror = mirror and k.entry is not null group by k.asked, k.seen
      -- First those that wait for no create any more.
      order by exists (select from throughline.journal j where j.mirror = mirror and j.closed_at is null and j.outcome_moment is null
        and j.verb in ('insert', 'upsert') and j.intent_moment < k.seen), k.asked limit 50 loop
    execute format('select coalesce(array_agg(f.key) filter (where f.waits), ''{}''), coalesce(array_agg(f.key) filter (where not f.waits), ''{}'')
      from throughline.fence_%s($1, $2, $3) f', mirror) into waiting, overtaken using page.entries, page.asked, page.seen;
    update throughline.parked k set entry = null where k.mirror = mirror and k.key = any(overtaken);
    with free as (
      delete from throughline.parked k where k.mirror = mirror and k.asked = page.asked and k.seen = page.seen
        and k.entry is not null and k.key <> all(waiting) returning k.key, k.entry
    )
    select json_agg(f.entry order by f.key) into page.entries from free f;
    continue when page.entries is null;
    released := released + 1;
    execute format('select exists (select from throughline.take_overs_%s($1, $2))', mirror) into takes using page.entries, page.asked;
    if takes then
      -- A later page may have given the unique value to its holder.
      insert into throughline.parked (mirror, key, seen) select mirror, e ->> 'key', page.seen from json_array_elements(page.entries) e
        on conflict do nothing;
    else
      perform throughline.write_or_park(mirror, page.entries, page.asked, page.seen);
      set local search_path = pg_catalog, pg_temp;
    end if;
  end loop;
  return released;
end $$;

-- No two pages of a mirror are written at a time. `reader`: the session whose turn it is to read the mirror; null: it has been read before.
create or replace function throughline.begin_page(mirror integer, reader integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.confine();
  perform pg_advisory_xact_lock(hashtext('throughline page'), mirror);
  -- Who has lost the session has lost the turn: another may have read since, and written.
  if reader is not null and not exists (select from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database()
      where l.locktype = 'advisory' and l.pid = reader and l.granted and l.objsubid = 2
        and l.classid::bigint = hashtext('throughline turn')::bigint & 4294967295 and l.objid::bigint = mirror) then
    raise exception 'throughline: the turn of this reader has ended' using errcode = 'object_not_in_prerequisite_state',
      hint = 'The connection that held its turn is lost. Run "throughline pull" again; a running proxy reads again by itself.';
  end if;
end $$;

-- Writes a page that was read in the turn of `reader`, behind the fence. `asked`: a moment before it was asked for. `gives_way`: a row whose
-- unique value another one holds is parked; otherwise it takes the value. `marks`: `checkpoint` is where the pull goes on. Returns the keys
-- that are parked.
drop function if exists throughline.sync_page(integer, json, timestamptz, integer, boolean, json);
create or replace function throughline.sync_page(
  mirror integer, page json, asked bigint, reader integer, gives_way boolean, marks boolean, checkpoint json
) returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  seen bigint;
  waiting text[];
  overtaken text[];
  late text[];
  colliding text[] := '{}';
  one json;
  takes boolean;
begin
  perform throughline.begin_page(mirror, reader);
  seen := nextval('throughline.moment');
  execute format('select coalesce(array_agg(f.key) filter (where f.waits), ''{}''), coalesce(array_agg(f.key) filter (where not f.waits), ''{}'')
    from throughline.fence_%s($1, $2, $3) f', mirror) into waiting, overtaken using page, asked, seen;
  -- What has to be read again since the page was asked for stays so.
  late := array(select k.key from throughline.parked k where k.mirror = mirror and k.entry is null and k.seen > asked
    and k.key in (select p ->> 'key' from json_array_elements(page) p));
  -- First unparked: a row that another takes a unique value from is parked when it is written.
  delete from throughline.parked k where k.mirror = mirror and k.key in (select p ->> 'key' from json_array_elements(page) p) and k.key <> all(late);
  insert into throughline.parked (mirror, key, entry, asked, seen)
    select mirror, p ->> 'key', case when p ->> 'key' = any(waiting) then p end, asked, seen from json_array_elements(page) p
      where p ->> 'key' = any(waiting || overtaken) on conflict do nothing;
  page := (select coalesce(json_agg(p), '[]') from json_array_elements(page) p where p ->> 'key' <> all(waiting || overtaken || late));
  if gives_way then
    for one in select p from json_array_elements(page) p loop
      execute format('select exists (select from throughline.take_overs_%s($1, $2))', mirror) into takes using json_build_array(one), asked;
      if takes then colliding := colliding || (one ->> 'key'); end if;
    end loop;
    insert into throughline.parked (mirror, key, sqlstate) select mirror, unnest(colliding), '23505' on conflict do nothing;
    page := (select coalesce(json_agg(p), '[]') from json_array_elements(page) p where p ->> 'key' <> all(colliding));
  end if;
  return query select unnest(waiting || overtaken || late || colliding);
  -- A client's open transaction may hold a key that is new here; its lock is not worth waiting for.
  perform set_config('lock_timeout', '5s', true);
  return query select throughline.write_or_park(mirror, page, asked, seen);
  set local search_path = pg_catalog, pg_temp;
  if marks then update throughline.mirror m set checkpoint = sync_page.checkpoint where m.id = mirror; end if;
end $$;

-- Writes what waits for nothing any more, without a page. Returns of how many pages.
create or replace function throughline.release(mirror integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform throughline.begin_page(mirror, null);
  return throughline.release_parked(mirror);
end $$;

-- Applies the rows of a call that the client's transaction did not apply. What was accepted after it stands.
create or replace function throughline.settle(call uuid) returns table (state text, code text, message text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  entry throughline.journal;
  later text[];
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
    code := sqlstate;
    update throughline.journal j set blocked = settle.code where j.id = settle.call;
    return query select 'blocked', code, sqlerrm;
  end;
end $$;
