-- How what the sync has read is written: behind the fence, in turns, and what can't be written yet is parked. As in 5-own.sql, code of others
-- may run in these transactions.

-- The keys that the mirror's fence keeps out of a page: those that wait, and those that the mirror has newer.
create or replace function throughline.fence(mirror integer, page json, asked bigint, seen bigint, out waiting text[], out overtaken text[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('select coalesce(array_agg(f.key) filter (where f.waits), ''{}''), coalesce(array_agg(f.key) filter (where not f.waits), ''{}'')
    from throughline.fence_%s($1, $2, $3) f', mirror) into waiting, overtaken using page, asked, seen;
end $$;

-- Writes rows that the fence lets through, and parks what Postgres refuses. `asked`: a moment before they were asked for; `seen`: one after
-- the answer. Returns the keys that are parked.
create or replace function throughline.write_or_park(mirror integer, page json, asked bigint, seen bigint) returns setof text
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  one json;
  shared text[] := '{}';
  is_away boolean;
  message text;
  of_column text;
  of_constraint text;
begin
  begin
    perform throughline.write(mirror, page, asked);
    set local search_path = pg_catalog, pg_temp;
    return;
  exception when others then
    if not throughline.is_of_rows(sqlstate) then raise; end if;
    if sqlstate = '23505' then select s.keys, s.is_away into shared, is_away from throughline.let_share(mirror, page) s; end if;
  end;
  if shared <> '{}' and is_away then
    -- Once more, and for the last time: the index is gone.
    return query select throughline.write_or_park(mirror, page, asked, seen);
    return;
  end if;
  -- All at once is refused: one by one, so that what Postgres refuses stops nothing else.
  perform set_config('lock_timeout', '250ms', true);
  for one in select p from json_array_elements(page) p loop
    if one ->> 'key' = any(shared) then
      perform throughline.park_refused(mirror, one, asked, seen, '55P03', '', '', '');
      return next one ->> 'key';
      continue;
    end if;
    begin
      perform throughline.write(mirror, json_build_array(one), asked);
      set local search_path = pg_catalog, pg_temp;
    exception when others then
      if not throughline.is_of_rows(sqlstate) then raise; end if;
      get stacked diagnostics message = message_text, of_column = column_name, of_constraint = constraint_name;
      perform throughline.park_refused(mirror, one, asked, seen, sqlstate, message, of_column, of_constraint);
      return next one ->> 'key';
    end;
  end loop;
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
    select f.waiting, f.overtaken into waiting, overtaken from throughline.fence(mirror, page.entries, page.asked, page.seen) f;
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
-- unique value another one holds is read again together with that one; otherwise it takes the value. `marks`: `checkpoint` is where the pull goes on. Returns the keys
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
  holders text[];
begin
  perform throughline.begin_page(mirror, reader);
  seen := nextval('throughline.moment');
  select f.waiting, f.overtaken into waiting, overtaken from throughline.fence(mirror, page, asked, seen) f;
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
      execute format('select array_agg(h ->> ''key'') from throughline.take_overs_%s($1, $2) t, json_array_elements(t) h
          where h ->> ''key'' not in (select p ->> ''key'' from json_array_elements($3) p)', mirror)
        into holders using json_build_array(one), asked, page;
      if holders is not null then
        colliding := colliding || (one ->> 'key');
        insert into throughline.parked (mirror, key, seen) select mirror, unnest(holders), seen on conflict do nothing;
      end if;
    end loop;
    insert into throughline.parked (mirror, key, seen) select mirror, unnest(colliding), seen on conflict do nothing;
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
