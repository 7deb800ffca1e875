-- What keeps one record from closing its table: a value that upstream has twice costs a column its unique index, and a row that Postgres
-- refuses is closed by itself.

-- The unique columns whose index is away, each with the keys of two records that have one value: {"email": ["1", "2"]}.
alter table throughline.mirror add column if not exists missing_indexes jsonb not null default '{}';
-- Why Postgres refuses a row, and the columns that it says so of.
alter table throughline.parked add column if not exists column_names text;
alter table throughline.parked add column if not exists reason text;
alter table throughline.journal add column if not exists blocked_because text;

-- The records of a page that share the value of a unique column whose index is there. One answer of upstream's has them all.
create or replace function throughline.shared_values(mirror integer, page json) returns table (column_name text, keys text[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  one record;
begin
  for one in select c ->> 'name' as name, c ->> 'type' as type from throughline.mirror m, json_array_elements(m.columns) c
      where m.id = mirror and (c ->> 'unique')::boolean and m.key_columns <> array[c ->> 'name'] and m.missing_indexes -> (c ->> 'name') is null loop
    return query execute format('select %1$L::text, array_agg(distinct p ->> ''key'') from json_array_elements($1) p
        where p -> ''row'' ->> %1$L is not null group by (p -> ''row'' ->> %1$L)::%2$s having count(distinct p ->> ''key'') > 1',
      one.name, one.type) using page;
  end loop;
end $$;

-- Drops the unique indexes that such records have no place in. `is_away`: false when somebody holds the table; then they wait. `keys`: theirs.
create or replace function throughline.let_share(mirror integer, page json, out keys text[], out is_away boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  relation regclass := (select format('%I.%I', m.schema_name, m.table_name)::regclass from throughline.mirror m where m.id = mirror);
  shared record;
  index regclass;
begin
  keys := '{}';
  is_away := true;
  -- Whoever comes after us waits as long for the table.
  perform set_config('lock_timeout', '100ms', true);
  for shared in select s.column_name, s.keys from throughline.shared_values(mirror, page) s loop
    keys := keys || shared.keys;
    begin
      for index in select i.indexrelid from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
          where i.indrelid = relation and i.indisunique and not i.indisprimary and i.indnkeyatts = 1 and i.indexprs is null
            and a.attname = shared.column_name loop
        execute format('drop index %s', index);
      end loop;
      update throughline.mirror m set missing_indexes = m.missing_indexes || jsonb_build_object(shared.column_name, to_jsonb(shared.keys[1:2]))
        where m.id = mirror and m.missing_indexes -> shared.column_name is null;
    exception when lock_not_available or deadlock_detected then
      is_away := false;
    end;
  end loop;
end $$;

-- The columns that a refusal is about: those it names; else those of the index or constraint that it names; else, of a row that is too long,
-- the longest. An index is named in the message alone, in whichever language that is.
create or replace function throughline.refused_columns(mirror integer, one json, code text, message text, of_column text, of_constraint text)
returns text language sql stable set search_path = pg_catalog, pg_temp as $$
  with it as (
    select format('%I.%I', m.schema_name, m.table_name)::regclass as relation from throughline.mirror m where m.id = refused_columns.mirror
  ), named as (
    select c.relname as name, i.indkey::smallint[] as columns from it join pg_index i on i.indrelid = it.relation join pg_class c on c.oid = i.indexrelid
      where c.relname = of_constraint or of_constraint = '' and position(c.relname in message) > 0
    union all select c.conname, c.conkey from it join pg_constraint c on c.conrelid = it.relation where c.conname = of_constraint
  )
  select coalesce(nullif(of_column, ''),
    (select (select string_agg(a.attname, ', ' order by k.n) from it join pg_attribute a on a.attrelid = it.relation
        join unnest(n.columns) with ordinality k(number, n) on k.number = a.attnum) from named n order by length(n.name) desc limit 1),
    (select e.key from json_each_text(one -> 'row') e where code = '54000' order by octet_length(e.value) desc nulls last limit 1))
$$;

-- Parks a row that could not be written: until later where a lock or a deadlock kept it out, otherwise as closed.
create or replace function throughline.park_refused(
  mirror integer, one json, asked bigint, seen bigint, code text, message text, of_column text, of_constraint text
) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  refused text := throughline.refusal(code);
begin
  if refused is null then
    insert into throughline.parked (mirror, key, entry, asked, seen) values (mirror, one ->> 'key', one, asked, seen) on conflict do nothing;
    return;
  end if;
  insert into throughline.parked (mirror, key, sqlstate, asked, seen, column_names, reason)
    values (mirror, one ->> 'key', refused, asked, seen,
      throughline.refused_columns(mirror, one, code, message, of_column, of_constraint), left(message, 2000)) on conflict do nothing;
  -- What a constraint or a trigger of others keeps out stays out.
  if refused = '54000' then perform throughline.write_key(mirror, one, asked); end if;
end $$;

-- Has the mirror have a row that is too long for it by its key alone, where it was not there before, so that a statement that is about it finds
-- it, and is refused.
create or replace function throughline.write_key(mirror integer, one json, asked bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  is_there boolean;
begin
  if json_typeof(one -> 'row') is distinct from 'object' then return; end if;
  execute format('select exists (select from throughline.lock_%s($1, false))', mirror) into is_there using array[one ->> 'key'];
  if is_there then return; end if;
  perform throughline.write(mirror, (
    select json_build_array(json_build_object('key', one ->> 'key', 'row',
        json_object_agg(c ->> 'name', case when c ->> 'name' = any(m.key_columns) then one -> 'row' ->> (c ->> 'name') end)))
      from throughline.mirror m, json_array_elements(m.columns) c where m.id = mirror), asked);
  set local search_path = pg_catalog, pg_temp;
exception when others then
  -- It may be refused as well: then the row is not there.
  if not throughline.is_of_rows(sqlstate) then raise; end if;
end $$;

-- Raises an error when one of the rows is closed. `hidden`: the session may not read the mirror, and is told of no key.
create or replace function throughline.refuse_closed(mirror integer, keys text[], hidden boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  closed throughline.parked;
  it throughline.mirror;
begin
  select p.* into closed from throughline.parked p where p.mirror = mirror and p.key = any(keys) and p.sqlstate is not null order by p.key limit 1;
  if not found then return; end if;
  select m.* into it from throughline.mirror m where m.id = mirror;
  raise exception 'throughline: a row of "%"."%" is closed, because Postgres refuses what its API has of it', it.schema_name, it.table_name
    using errcode = 'object_not_in_prerequisite_state', schema = it.schema_name, table = it.table_name,
      detail = format('%sIt is refused with %s%s.', case when hidden then '' else format('Its key is %s. ', left(closed.key, 200)) end,
        closed.sqlstate, coalesce(', for ' || closed.column_names, '')),
      hint = format('Nothing was sent. Change the record in %1$s itself, or what refuses it here; then run "throughline pull %1$s.%2$s". "throughline status" says more.',
        it.api, it.resource);
end $$;
