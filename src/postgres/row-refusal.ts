// What an error on a connection of ours says of the rows that were to be written.

import { DatabaseError } from "pg";
import { cleanText, textLimits } from "../config/clean-text.js";

/**
 * `wait`: a lock, a deadlock, or a snapshot that somebody overtook: later it will do. Otherwise what Postgres refuses by a
 * type, a constraint or a trigger, in its own words, which may repeat an API's. Undefined: it says nothing of the rows (lost connection, shutdown, out of memory).
 */
export function rowRefusal(
  cause: unknown,
): "wait" | { readonly sqlstate: string; readonly message: string } | undefined {
  if (!(cause instanceof DatabaseError) || cause.code === undefined) return undefined;
  if (cause.code === "55P03" || cause.code.startsWith("40")) return "wait";
  if (/^(?:08|53|57|58|XX)/.test(cause.code)) return undefined;
  return { sqlstate: cause.code, message: cleanText(cause.message, textLimits.sentence) };
}
