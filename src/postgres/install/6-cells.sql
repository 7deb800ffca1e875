-- The cells of mirrors that are not known to have upstream's value. What is computed from one, and sent, would overwrite upstream's.

-- A row for each row of a mirror with such cells. unfit: columns that can't hold what upstream has; missing: those that the last answer
-- left out.
create table if not exists throughline.inexact (
  mirror integer not null references throughline.mirror on delete cascade,
  key text not null,
  unfit text[] not null,
  missing text[] not null,
  primary key (mirror, key)
);
alter table throughline.staged add column if not exists marks json;
alter table throughline.inexact enable row level security;
drop policy if exists "~throughline" on throughline.inexact;
create policy "~throughline" on throughline.inexact using ((select session_user = current_user and not throughline.is_confined()));

-- The key in a row that is JSON, as keySql of the guard writes it; null where there is no row.
create or replace function throughline.key_in(row_json json, key_columns text[]) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when json_typeof(row_json) = 'object' then
    case cardinality(key_columns) when 1 then row_json ->> key_columns[1]
      else '[' || (select string_agg(to_json(row_json ->> name)::text, ',' order by n) from unnest(key_columns) with ordinality k(name, n)) || ']' end
  end
$$;

-- Notes of the rows of a page which of their cells are inexact now: what a row has is exact, unless its marks name it. The marks of a row that
-- is gone, or has another key now, go.
create or replace function throughline.mark(mirror integer, page json) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  key_columns text[] := (select m.key_columns from throughline.mirror m where m.id = mirror);
begin
  -- Most mirrors have none.
  if not exists (select from json_array_elements(page) p where json_typeof(p -> 'marks') = 'object')
      and not exists (select from throughline.inexact i where i.mirror = mirror) then
    return;
  end if;
  delete from throughline.inexact i using json_array_elements(page) p
    where i.mirror = mirror and i.key = p ->> 'key' and throughline.key_in(p -> 'row', key_columns) is distinct from p ->> 'key';
  with told as materialized (
    select distinct on (key) throughline.key_in(p -> 'row', key_columns) as key, p -> 'row' as full_row,
        array(select json_array_elements_text(p -> 'marks' -> 'unfit')) as unfit,
        array(select json_array_elements_text(p -> 'marks' -> 'missing')) as missing
      from json_array_elements(page) p where json_typeof(p -> 'row') = 'object'
  ), marks as materialized (
    select t.key, t.unfit || array(select n from unnest(i.unfit) n where t.full_row -> n is null and n <> all(t.unfit || t.missing)) as unfit,
        t.missing || array(select n from unnest(i.missing) n where t.full_row -> n is null and n <> all(t.unfit || t.missing)) as missing
      from told t left join throughline.inexact i on i.mirror = mirror and i.key = t.key
  ), gone as (
    delete from throughline.inexact i using marks m where i.mirror = mirror and i.key = m.key and m.unfit || m.missing = '{}'
  )
  insert into throughline.inexact as i (mirror, key, unfit, missing)
    select mirror, m.key, m.unfit, m.missing from marks m where m.unfit || m.missing <> '{}'
    on conflict on constraint inexact_pkey do update set unfit = excluded.unfit, missing = excluded.missing
      where (i.unfit, i.missing) is distinct from (excluded.unfit, excluded.missing);
end $$;

-- The marks of one row, as JSON; null: it has none. Volatile: behind a lock it sees what was written before the lock was had.
create or replace function throughline.marks_of(mirror integer, key text) returns text
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select json_build_object('unfit', i.unfit, 'missing', i.missing)::text from throughline.inexact i
    where i.mirror = marks_of.mirror and i.key = marks_of.key
$$;
