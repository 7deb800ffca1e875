// The fence of one mirror: a page never overwrites a later accepted write.

import { type GuardTable, pinnedSettings } from "./guard-table.js";
import { amongKeysSql, hasKeySql, keyNamesSql, keySql } from "./key.js";

/** The function that locks the rows of a page that was asked for at `asked_at`, and returns the keys that are to be kept out of it. */
export function fenceSql({ id, key }: GuardTable, target: string): string {
  return `create or replace function throughline.fence_${id}(keys text[], asked_at timestamptz) returns text[]
language plpgsql ${pinnedSettings} as $fence$
#variable_conflict use_variable
declare
  locked text[];
begin
  -- First the locks, then, with a newer snapshot, the question: what a statement holds, or held until just now, is in the journal.
  with held as (
    select ${keySql(key, "t")} as key from ${target} t where ${amongKeysSql(key, "t", "keys")}
      order by ${keyNamesSql(key, "t")} for no key update of t skip locked
  )
  select coalesce(array_agg(h.key), '{}') into locked from held h;
  return array(
    with fence as (
      select j.keys, j.verb in ('insert', 'upsert') and (j.outcome_at is null or j.outcome_at >= asked_at) as creates
        from throughline.journal j where j.mirror = ${id} and j.state not in ('refused', 'unsent')
          and (j.outcome_at >= asked_at or (j.outcome_at is null or j.closed_at is null and (j.state <> 'unknown' or j.rows::text <> '[]')
            and j.blocked is null and not exists (select from throughline.applied a where a.call = j.id)))
    )
    select wanted.key from unnest(keys) wanted(key)
      where wanted.key in (select unnest(f.keys) from fence f)
        or (wanted.key <> all(locked) and (exists (select from ${target} t where ${hasKeySql(key, "t", "wanted.key")})
          or exists (select from fence f where f.creates))));
end $fence$`;
}
