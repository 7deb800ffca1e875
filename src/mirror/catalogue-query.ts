// A look at the catalogue for what the proxy watches over: it may not take long, whatever the roles of the database have created.

import type { Pool, PoolClient } from "pg";
import { inTransaction } from "../postgres/transaction.js";

/** In milliseconds, of each query. */
const longestMs = 5_000;

/** Runs `work` in a transaction that only reads, with a time-out of its own for each query. Throws what `work` throws. */
export async function inCatalogue<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (client) => {
    await client.query(`set transaction read only; set local statement_timeout = ${longestMs}`);
    return work(client);
  });
}
