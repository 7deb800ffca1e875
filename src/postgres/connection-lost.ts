// What tells that a connection to Postgres is gone, and the one sentence for it.

import { DatabaseError } from "pg";
import { Explained } from "../config/explained.js";

/** The connection to Postgres is gone, or there was none to be had. Its message is a sentence without what to do. */
export class ConnectionLost extends Explained {}

/** No connection to Postgres could be made. */
export class PostgresUnreachable extends ConnectionLost {}

/**
 * The codes with which Postgres, or what stands in front of it, ends a session (manual, appendix A): class 08 but for a protocol
 * violation, a shutdown, a crash, a dropped database, an idle or a transaction time-out.
 */
const lostStates = /^(?:08(?!P01)...|57P0[1245]|25P0[34])$/;
const lostErrnos = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
]);
/** The driver gives these errors no code. */
const lostWords =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout)/;

/** The pool's words when a connection is not there in time. */
const poolTimedOut = "timeout exceeded when trying to connect";

/** Whether a connection that was there is gone. A connection that could not be made is not lost. */
export function isConnectionLost(cause: unknown): boolean {
  if (cause instanceof ConnectionLost) return true;
  if (!(cause instanceof Error)) return false;
  if (cause instanceof DatabaseError) return lostStates.test(cause.code ?? "");
  if (!("code" in cause)) return lostWords.test(cause.message);
  return lostErrnos.has(String(cause.code)) && !("syscall" in cause && cause.syscall === "connect");
}

/** The one sentence for a connection that was lost or can't be made. Returns any other cause as it is. */
export function explainLoss(cause: unknown): unknown {
  if (cause instanceof ConnectionLost) return cause;
  if (isConnectionLost(cause)) return lossOf(cause);
  return isUnreachable(cause)
    ? new PostgresUnreachable(`Postgres can't be reached (${wordsOf(cause)})`, { cause })
    : cause;
}

export function lossOf(cause: unknown): ConnectionLost {
  return new ConnectionLost(`the connection to Postgres was lost (${wordsOf(cause)})`, { cause });
}

/** Postgres starts or stops, or takes no more connections: it says so to who connects, and never later. */
const notNow = /^(?:57P03|53300)$/;

/** Of several addresses that were tried, the first tells. */
function isUnreachable(cause: unknown): boolean {
  if (cause instanceof AggregateError) return isUnreachable(cause.errors[0]);
  if (cause instanceof DatabaseError) return notNow.test(cause.code ?? "");
  if (cause instanceof Error && cause.message === poolTimedOut) return true;
  return cause instanceof Error && "syscall" in cause && ["connect", "getaddrinfo"].includes(String(cause.syscall));
}

/** Of several tries in one, the first. */
function wordsOf(cause: unknown): string {
  if (cause instanceof AggregateError) return wordsOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : String(cause);
}
