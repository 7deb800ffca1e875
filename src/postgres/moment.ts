// Moments: what came before what, in one database. They are drawn, and no clock has a say.

import type { Pool, PoolClient } from "pg";
import { queryTexts } from "./rows.js";

/** A number that is greater than all that were drawn before it, as Postgres writes a bigint. */
export type Moment = string;

/** Draws the moment that is now: whatever begins after it resolves is later. */
export async function nextMoment(on: Pool | PoolClient): Promise<Moment> {
  const [moment = ""] = await queryTexts(on, "a moment", "select nextval('throughline.moment')::text");
  return moment;
}
