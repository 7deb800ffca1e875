// The fence of one mirror: a page never overwrites a later accepted write, and never brings the row of a create before the create does.

import { quoteLiteral } from "../postgres/quote.js";
import { type GuardColumn, type GuardTable, pinnedSettings } from "./guard-table.js";
import { amongKeysSql, hasKeySql, keyNamesSql, keySql } from "./key.js";

/**
 * The function that locks the rows of a page, and returns the keys that are to be kept out of it. `asked` and `seen`: a moment before the page
 * was asked for, and one behind its answer.
 *
 * Kept out is what a call has written that the page may not have seen, what is locked, and what is new here and may be the row of a create
 * whose answer is awaited: one that was noted before the page was seen, unless a unique value that it sent differs from the row's. `waits`: the
 * row can be written when that has ended; otherwise the mirror has something newer, and the row has to be read again.
 */
export function fenceSql({ id, key, columns }: GuardTable, target: string): string {
  const marks = columns.filter((column) => column.isMirrorColumn && isMark(column));
  const markOf =
    (row: string) =>
    ({ name }: GuardColumn, n: number) =>
      `lower(btrim(${row} ->> ${quoteLiteral(name)})) as m${n}`;
  const select = (row: string) => marks.map((column, n) => `, ${markOf(row)(column, n)}`).join("");
  const maybeSame = marks.map((_, n) => ` and (c.m${n} = w.m${n}) is not false`).join("");
  return `create or replace function throughline.fence_${id}(page json, asked bigint, seen bigint) returns table (key text, waits boolean)
language plpgsql ${pinnedSettings} as $fence$
#variable_conflict use_variable
declare
  keys text[] := array(select p ->> 'key' from json_array_elements(page) p);
  locked text[];
begin
  -- First the locks, then, with a newer snapshot, the questions: what a statement holds, or held until just now, is in the journal.
  with held as (
    select ${keySql(key, "t")} as k from ${target} t where ${amongKeysSql(key, "t", "keys")}
      order by ${keyNamesSql(key, "t")} for no key update of t skip locked
  )
  select coalesce(array_agg(h.k), '{}') into locked from held h;
  return query
    with recent as materialized (
      -- An entry is waited for until its rows are in the mirror: not when nobody knows of any, when they can't be written, or when they are.
      select j.keys, j.outcome_moment,
          j.closed_at is null and (j.outcome_moment is null or (j.state <> 'unknown' or j.rows::text <> '[]')
            and j.blocked is null and not exists (select from throughline.applied a where a.call = j.id)) as is_open
        from throughline.journal j where j.mirror = ${id} and j.state not in ('refused', 'unsent') and (j.closed_at is null or j.outcome_moment >= asked)
    ), calls as materialized (
      select k, bool_or(o.is_open) as waits from recent o, unnest(o.keys) k where o.is_open or o.outcome_moment >= asked group by k
    ), creates as materialized (
      select 1${select("r -> 'sent'")} from throughline.journal j, json_array_elements(j.request) r
        where j.mirror = ${id} and j.closed_at is null and j.outcome_moment is null and j.verb in ('insert', 'upsert') and j.intent_moment < seen
          and r ->> 'key' is null
    ), wanted as materialized (
      select p ->> 'key' as k, json_typeof(p -> 'row') = 'object' as is_row${select("p -> 'row'")} from json_array_elements(page) p
    )
    select w.k, coalesce(c.waits, true) from wanted w left join calls c on c.k = w.k
      where c.k is not null or w.k <> all(locked) and (exists (select from ${target} t where ${hasKeySql(key, "t", "w.k")})
        or w.is_row and exists (select from creates c where true${maybeSame}));
end $fence$`;
}

/** A text that tells records apart, however upstream writes it: the case of letters and spaces around it are its own idea. */
function isMark({ type, unique }: GuardColumn): boolean {
  return unique && (type === "text" || type === "uuid");
}
