-- With whose rights a planned statement writes to mirrors, beside those of its session: for the policy in throughline.yaml.

-- Notes for the plan that is open in this transaction, whatever the settings say, a role, and the functions that called it, as the context
-- of an error names them. Anybody may call it, and gets no more than roles that there are asked for his own statement.
create or replace function throughline.note_role(role name, context text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into throughline.planned_role
    select o.call, note_role.role, note_role.context, sha256(convert_to(note_role.context, 'UTF8')) from throughline.opened o
    where o.mode = 'plan' and o.xact = pg_current_xact_id_if_assigned()
    on conflict do nothing;
end $$;

-- A statement writes as the role that its triggers run as: inside a SECURITY DEFINER function that is the function's owner. The cascade
-- of a foreign key writes as the mirror's owner, whoever has it fire.
create or replace function throughline.guard_role() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  context text;
  cascades boolean := pg_trigger_depth() > 1
    and current_user = (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid);
begin
  get diagnostics context = pg_context;
  -- Its first line is that of this function.
  perform throughline.note_role(case when cascades then '' else current_user end, coalesce(substring(context from E'\n.*'), ''));
  return null;
end $$;

-- Whether a line of a context names a function, in whichever language the server speaks: `PL/pgSQL function hub.put(integer) line 3`, or
-- `SQL function "put" statement 1`. What is doubtful counts: one owner too many is asked, never one too few. But a name in the text of a
-- statement does not count, or anybody could have himself asked for others' statements.
create or replace function throughline.is_named(line text, home name, name name) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  -- What quotes an identifier is left out: the client's settings say where there are any.
  bare text := replace(line, '"', '');
  called text := replace(name, '"', '') || '(';
  before text := left(bare, position(called in bare) - 1);
  escaped text := regexp_replace(name, '([][\\.^$*+?(){}|])', '\\\1', 'g');
begin
  if line like '%PL/%' and position(called in bare) > 0 and right(before, 1) !~ '[A-Za-z0-9_$]' then
    if right(before, 1) <> '.' or right(before, length(home) + 1) = replace(home, '"', '') || '.' then return true; end if;
    -- The schema had another name when the function was compiled.
    if to_regnamespace(quote_ident(coalesce(substring(before from '([^ .]*)[.]$'), ''))) is null then return true; end if;
  end if;
  -- The first that is quoted: in other languages the quotes are no ASCII.
  return line ~ ('^[^"]*("|[^\x01-\x7f]) ?' || escaped || ' ?("|[^\x01-\x7f])');
end $$;

create or replace function throughline.definers_in(context text) returns setof oid
language sql stable set search_path = pg_catalog, pg_temp as $$
  select distinct f.oid from pg_proc f join pg_namespace n on n.oid = f.pronamespace
    join regexp_split_to_table(context, E'\n') line on line ~ 'SQL|PL/' and throughline.is_named(line, n.nspname, f.proname)
  where f.prosecdef and f.oid >= 16384 and n.nspname <> 'throughline' and (n.nspname !~ '^pg_temp_' or n.oid = pg_my_temp_schema())
$$;

-- Returns the roles that were noted, the owners of the functions that called them, and the owners of the views and of the tables with rules
-- that led to the mirror. These show in no current_user; but each is locked for writing in this transaction. Of a view with
-- security_invoker the SELECT rule lends no rights.
create or replace function throughline.planned_as(call uuid) returns setof name
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query with recursive noted as materialized (
    select r.role, r.context from throughline.planned_role r where r.call = planned_as.call
  ), written(oid) as materialized (
    select distinct l.relation from pg_locks l
      where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.mode = 'RowExclusiveLock'
  ), leads(above, owner, below, lends) as materialized (
    select w.oid, c.relowner, d.refobjid, r.ev_type <> '1' or not exists (select from pg_options_to_table(c.reloptions)
        where case when option_name = 'security_invoker' then option_value::boolean end)
      from written w
      cross join lateral (select c.relowner, c.reloptions from pg_class c where c.oid = w.oid and c.relhasrules offset 0) c
      cross join lateral (select r.oid, r.ev_type from pg_rewrite r where r.ev_class = w.oid offset 0) r
      cross join lateral (select d.refobjid from pg_depend d where d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        and d.refclassid = 'pg_class'::regclass offset 0) d
  ), reached(oid) as (
    select p.relation from throughline.planned_row p where p.call = planned_as.call
    union
    select above.oid from reached cross join lateral (
      select l.above from leads l where l.below = reached.oid
      union all
      -- From there a cascade leads to it.
      select k.confrelid from pg_constraint k where k.conrelid = reached.oid and k.contype = 'f'
    ) above(oid)
  )
  select n.role from noted n where n.role <> ''
  union
  select pg_get_userbyid(f.proowner) from noted n cross join lateral throughline.definers_in(n.context) d(oid) join pg_proc f on f.oid = d.oid
    where n.context <> ''
  union
  select pg_get_userbyid(l.owner) from leads l join reached on reached.oid = l.below where l.lends and l.above <> l.below;
end $$;
