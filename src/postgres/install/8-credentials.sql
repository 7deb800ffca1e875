-- The newest tokens of each account, which all its processes go on with. They are sealed with a key that only the config has.
create table if not exists throughline.credential (
  -- A hash of what the config says of the account: with another configured token it is another row.
  id text primary key,
  sealed bytea not null,
  used_until timestamptz not null,
  renewed_at timestamptz not null default clock_timestamp()
);
alter table throughline.credential enable row level security;
drop policy if exists "~throughline" on throughline.credential;
create policy "~throughline" on throughline.credential using ((select session_user = current_user and not throughline.is_confined()));
