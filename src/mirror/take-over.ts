// A unique value that upstream has given to another record is first taken from the row that still holds it.

import { quoteLiteral, quoteName } from "../postgres/quote.js";
import { type GuardColumn, type GuardTable, pinnedSettings } from "./guard-table.js";
import { hasKeySql, keySql } from "./key.js";

/**
 * The function that returns, for each unique column, the page that takes its values from the rows that hold them and that the page `page` does
 * not write. A row that a call wrote after the moment `since`, when upstream was asked, keeps its value: it is not stale. A column
 * whose index is away has values that records share.
 */
export function takeOversSql({ id, key, columns }: GuardTable, target: string): string {
  const takeOvers = columns
    .filter(({ name, unique }) => unique && !(key.length === 1 && key[0]?.name === name))
    .map((column) => `return query ${takeOver(column)};`);
  return `create or replace function throughline.take_overs_${id}(page json, since bigint) returns setof json
language plpgsql ${pinnedSettings} as $take$
#variable_conflict use_column
begin
  ${takeOvers.join("\n  ")}
end $take$`;

  function takeOver({ name, type }: GuardColumn): string {
    // Without a part of its key a row can't be kept until it is read again.
    const isKeyPart = key.some((part) => part.name === name);
    const row = isKeyPart ? "null" : `json_build_object(${quoteLiteral(name)}, null)`;
    return `select json_agg(json_build_object('key', h.key, 'row', ${row})) from (
      select distinct ${keySql(key, "y")} as key
      from ${target} y, json_array_elements($1) entry(body)
      where not exists (select from throughline.mirror m where m.id = ${id} and m.missing_indexes -> ${quoteLiteral(name)} is not null)
        and y.${quoteName(name)} = (entry.body -> 'row' ->> ${quoteLiteral(name)})::${type} and not (${hasKeySql(key, "y", "entry.body ->> 'key'")})
        and not exists (select from throughline.journal j where j.mirror = ${id} and ${keySql(key, "y")} = any(j.keys)
          and j.state not in ('refused', 'unsent') and (j.outcome_moment is null or j.outcome_moment >= $2))) h having count(*) > 0`;
  }
}
