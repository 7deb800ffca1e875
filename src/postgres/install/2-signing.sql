-- What only the proxy can make, and what a client's session carries and can't read. The session is the client's, so that it may come to
-- see a MAC. In its hand one is worth nothing: what plan or stage opens does not commit (left_open), what is staged is staged once (seat),
-- and what the client may not read is sealed.

-- No transaction commits while a call is open in it. Whoever has seen a signed argument of ours, and gives it once more, gains nothing
-- that lasts: what he opens, he can't close.
create or replace function throughline.left_open() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from throughline.opened o where o.call = new.call) then
    raise exception 'throughline: a call is left open' using errcode = 'insufficient_privilege',
      hint = 'The transaction is undone. Only the proxy opens and closes a call.';
  end if;
  return null;
end $$;
drop trigger if exists left_open on throughline.opened;
create constraint trigger left_open after insert or update on throughline.opened
  deferrable initially deferred for each row execute function throughline.left_open();
alter table throughline.opened enable always trigger left_open;

-- How many calls this transaction has opened. No ROLLBACK TO takes one back, so that what is signed with the number serves once.
create or replace function throughline.seat() returns bigint
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_stat_get_xact_tuples_inserted('throughline.opened'::regclass)
$$;

create or replace function throughline.check_mac(message text, proxy uuid, mac bytea) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if (select sha256(k.key || sha256(k.key || convert_to(message || '|' || pg_backend_pid(), 'UTF8'))) = mac
        from throughline.proxy_key k where k.id = proxy) is not true then
    raise exception 'throughline: only the proxy may call this function' using errcode = 'insufficient_privilege';
  end if;
end $$;

-- Whether the session may read all of a mirror, as its login and as the role that it has set.
create or replace function throughline.may_read(relation oid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select not c.relrowsecurity and has_table_privilege(session_user, c.oid, 'select')
      and (current_setting('role') = 'none' or has_table_privilege(current_setting('role'), c.oid, 'select'))
    from pg_class c where c.oid = relation
$$;

-- The bytes under a stream of the proxy's key, of their length: sha256 of k and 0, 1, 2 and so on. A second time it takes the stream off again.
create or replace function throughline.under_stream(bytes bytea, nonce bytea, proxy uuid) returns bytea
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  key bytea := (select k.key from throughline.proxy_key k where k.id = proxy);
  k bytea := sha256(key || sha256(key || nonce || 'seal'::bytea));
  stream bytea := (select string_agg(sha256(k || int4send(i)), ''::bytea order by i) from generate_series(0, length(bytes) / 32) i);
begin
  return substring(varbit_send(('x' || encode(bytes, 'hex'))::varbit # ('x' || encode(substring(stream for length(bytes)), 'hex'))::varbit) from 5);
end $$;

-- A JSON text that only the proxy can read, as base64: a nonce of 32 bytes, and the text under its stream, with spaces up to a multiple
-- of 256 bytes.
create or replace function throughline.seal(text text, proxy uuid) returns text
language plpgsql strict set search_path = pg_catalog, pg_temp as $$
declare
  nonce bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
  bytes bytea := convert_to(text, 'UTF8');
begin
  bytes := bytes || convert_to(repeat(' ', 255 - (length(bytes) + 255) % 256), 'UTF8');
  return translate(encode(nonce || throughline.under_stream(bytes, nonce, proxy), 'base64'), E'\n', '');
end $$;

create or replace function throughline.unseal(sealed text, proxy uuid) returns text
language plpgsql strict set search_path = pg_catalog, pg_temp as $$
declare
  bytes bytea := decode(sealed, 'base64');
begin
  return convert_from(throughline.under_stream(substring(bytes from 33), substring(bytes for 32), proxy), 'UTF8');
end $$;
