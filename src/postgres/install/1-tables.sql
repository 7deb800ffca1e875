-- The schema "throughline": what the write path, the journal and the sync keep. Every statement may run again.

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

-- What came before what: a number is drawn at each moment that matters. A clock can't tell: it can be moved, and a standby that takes over
-- has another. A number that a committed row holds is never drawn again: its row was flushed after what the sequence logged.
create sequence if not exists throughline.moment;

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
  complete_moment bigint,
  checkpoint json,
  unique (schema_name, table_name)
);

-- Every upstream call: noted before it is made, closed when its rows are applied. Values while it is open, or has lapsed and is looked for once more.
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
  outcome_at timestamptz,
  closed_at timestamptz,
  -- When it was noted, before its request was sent.
  intent_moment bigint not null default nextval('throughline.moment'),
  -- Since when its rows are known to be so; of a call that was answered, a moment behind the answer.
  outcome_moment bigint,
  -- How often, and when last, upstream was looked at and had it undone or absent.
  looks integer not null default 0,
  looked_at timestamptz,
  -- A list that was begun later shows what became of it.
  quiet_moment bigint,
  -- How often, and when last, recovery tried to finish it.
  tries integer not null default 0,
  tried_at timestamptz,
  -- Why a person closed it.
  because text,
  request json,
  rows json
);
alter table throughline.journal add column if not exists intent_moment bigint not null default nextval('throughline.moment');
alter table throughline.journal add column if not exists outcome_moment bigint;
alter table throughline.journal add column if not exists proxy_sent_at timestamptz;
alter table throughline.journal add column if not exists looks integer not null default 0;
alter table throughline.journal add column if not exists looked_at timestamptz;
alter table throughline.journal add column if not exists quiet_moment bigint;
alter table throughline.mirror add column if not exists complete_moment bigint;
-- Up to version 5 clocks told the order. A pull that was begun then goes on, and proves nothing of a call.
do $$
declare
  entry uuid;
begin
  for entry in select id from throughline.journal where outcome_at is not null and outcome_moment is null order by outcome_at loop
    update throughline.journal set outcome_moment = nextval('throughline.moment') where id = entry;
  end loop;
end $$;
-- A proxy of version 5 that runs on draws none.
create or replace function throughline.draw_outcome_moment() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.outcome_moment := nextval('throughline.moment');
  return new;
end $$;
drop trigger if exists draw_outcome_moment on throughline.journal;
create trigger draw_outcome_moment before update on throughline.journal for each row
  when (new.outcome_at is distinct from old.outcome_at and new.outcome_moment is not distinct from old.outcome_moment)
  execute function throughline.draw_outcome_moment();
update throughline.mirror set checkpoint = json_build_object('cursor', checkpoint ->> 'cursor', 'from', '0') where checkpoint ->> 'from' !~ '^[0-9]+$';
alter table throughline.mirror drop column if exists complete_from;
create index if not exists journal_open on throughline.journal (mirror) where closed_at is null;
create index if not exists journal_lapsed on throughline.journal (mirror) where state = 'lapsed' and closed_at is not null and request is not null;
drop index if exists throughline.journal_fence;
create index if not exists journal_outcome on throughline.journal (mirror, outcome_moment);

-- Inserted by the client's transaction (an UPDATE of the journal would find no row under REPEATABLE READ), or by whoever repairs.
create table if not exists throughline.applied (
  call uuid primary key,
  at timestamptz not null default clock_timestamp()
);

-- What a page of the sync brought and is not written yet. With an entry of the page it waits for a call, or for a lock; without one it is
-- read again by its key: the mirror may have something newer, or Postgres refused it (then with its SQLSTATE).
create table if not exists throughline.parked (
  mirror integer not null references throughline.mirror on delete cascade,
  key text not null,
  sqlstate text,
  parked_at timestamptz not null default clock_timestamp(),
  primary key (mirror, key)
);
alter table throughline.parked add column if not exists entry json;
-- A moment before the page was asked for, and one after its answer; without an entry, when it had to be read again.
alter table throughline.parked add column if not exists asked bigint;
alter table throughline.parked add column if not exists seen bigint;
create index if not exists parked_waiting on throughline.parked (mirror, asked, seen) where entry is not null;

-- These live inside one transaction: nobody else ever sees a row of them.
create unlogged table if not exists throughline.opened (
  call uuid primary key,
  mode text not null,
  row_limit integer,
  local_writes bigint,
  -- Rows of planned_row that this transaction had written before: one that a subtransaction undoes counts still.
  planned_before bigint
);
-- A row serves its own transaction only: one that was committed before version 4, or by a superuser, opens nothing.
alter table throughline.opened add column if not exists xact xid8 not null default pg_current_xact_id();
alter table throughline.opened drop constraint if exists opened_mode_check;
alter table throughline.opened add constraint opened_mode_check check (mode in ('plan', 'apply', 'close'));
create index if not exists opened_xact on throughline.opened (xact);
delete from throughline.opened;
-- The transactions of ours in which code of others may run.
create unlogged table if not exists throughline.confined (xact xid8 primary key);
create unlogged table if not exists throughline.planned_row (
  call uuid not null,
  n bigint generated always as identity,
  relation oid not null,
  verb text not null,
  old_row json,
  new_row json,
  primary key (call, n)
);
-- As whom they were written: the role, '' for nobody in particular, and which functions called that, as an error's context names them.
create unlogged table if not exists throughline.planned_role (
  call uuid not null,
  role name not null,
  context text not null,
  hash bytea not null,
  primary key (call, role, hash)
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
