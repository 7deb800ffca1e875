-- With whose rights a planned statement writes to mirrors, beside those of its session: for the policy in throughline.yaml. Installed
-- behind install.sql. Every statement may run again.

-- These live inside one transaction, as the rows of planned_row do.
create unlogged table if not exists throughline.planned_role (
  call uuid not null,
  role name not null,
  primary key (call, role)
);
create index if not exists opened_xact on throughline.opened (xact);

-- Notes a role for the plan that is open in this transaction, whatever the settings say. Anybody may call it, and gets no more than a
-- role that there is asked for his own statement.
create or replace function throughline.note_role(role name) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into throughline.planned_role (call, role)
    select o.call, r.rolname from throughline.opened o join pg_roles r on r.rolname = note_role.role
    where o.mode = 'plan' and o.xact = pg_current_xact_id_if_assigned()
    on conflict do nothing;
end $$;

-- A statement writes as the role that its triggers run as: inside a SECURITY DEFINER function that is the function's owner. The cascade
-- of a foreign key writes as the mirror's owner, whoever has it fire.
create or replace function throughline.guard_role() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if pg_trigger_depth() = 1 or current_user <> (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid) then
    perform throughline.note_role(current_user);
  end if;
  return null;
end $$;

-- The roles that were noted, and the owners of the views and of the tables with rules that led to the mirror. These show in no
-- current_user; but each is locked for writing in this transaction. Of a view with security_invoker the SELECT rule lends no rights.
create or replace function throughline.planned_as(call uuid) returns setof name
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query with recursive written(oid) as materialized (
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
    select l.above from leads l join reached on reached.oid = l.below
  )
  select r.role from throughline.planned_role r where r.call = planned_as.call
  union
  select pg_get_userbyid(l.owner) from leads l join reached on reached.oid = l.below where l.lends and l.above <> l.below;
end $$;

revoke all on function throughline.note_role, throughline.guard_role, throughline.planned_as from public;
grant execute on function throughline.note_role to public;
