// Which creates have made a record, or may have: a record that is found is evidence of one create alone.

import type { PoolClient } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";

/** The records that a create is looked for by, and what was sent in the unique column by which they were found, as it may be spelled. */
export interface Claim {
  readonly call: string;
  readonly keys: readonly string[];
  readonly column: string;
  readonly values: readonly string[];
}

const claimRow = z.object({ isUnderWay: z.boolean(), keys: z.array(z.string()) });

/** Returns the keys that other creates have claimed; undefined when one under way may still claim one. Asked after upstream was: whatever create made a record that it has told of has been noted before. */
export async function queryClaims(client: PoolClient, mirror: number, { call, keys, column, values }: Claim) {
  const claims = await queryRows(
    client,
    "the creates that may have made a record",
    claimRow,
    `select outcome_moment is null as "isUnderWay", keys from throughline.journal
     where mirror = $1 and id <> $2 and (verb = 'insert' and keys && $3 and state in ('accepted', 'partial')
       or verb in ('insert', 'upsert') and closed_at is null and outcome_moment is null and exists (
         select from json_array_elements(request) r
           where coalesce(r -> 'sent' ->> $4 = any($5) or lower(btrim(r -> 'sent' ->> $4)) = any($5), true)))`,
    [mirror, call, keys, column, values],
  );
  if (keys.length > 0 && claims.some(({ isUnderWay }) => isUnderWay)) return undefined;
  return new Set(claims.flatMap((claim) => claim.keys));
}
