// How many files the process may open, and what that leaves for clients: API calls and our own connections must always find one.

import { readdirSync, readFileSync } from "node:fs";
import { Explained } from "../config/explained.js";

export interface WantedLimits {
  /** Clients, connections that are opening, and statements held for an API, at a time. */
  readonly connections: number;
  readonly opening: number;
  readonly writes: number;
  /** Our own connections to Postgres. */
  readonly own: number;
}

export interface OpenFiles {
  /** The most that the process may have open: `ulimit -n`. */
  readonly limit: number;
  /** Those that are open now. */
  readonly used: number;
}

export interface FittingLimits {
  readonly connections: number;
  readonly opening: number;
  /** Undefined: there is no limit on open files that is known. */
  readonly files: FilesForClients | undefined;
}

export interface FilesForClients {
  /** The most that the process may have open: `ulimit -n`. */
  readonly limit: number;
  /** The most of them for sockets of clients, and for them to Postgres. */
  readonly sockets: number;
  /** The limit left less than was wanted. */
  readonly isShort: boolean;
}

/** For /metrics, the log, a file that is read, reads of an API by recovery and pulls. */
const spareFiles = 24;
/** With fewer clients a proxy is of no use. */
const fewestConnections = 4;
/** A connection that is opening may have one to Postgres, and for a moment there are four times as many as the limit. */
const filesPerOpening = 8;

/** Returns the limit on open files and how many there are. Undefined where the system does not tell, or knows no limit. */
export function readOpenFiles(): OpenFiles | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
    return Number.isNaN(limit) ? undefined : { limit, used: readdirSync("/proc/self/fd").length };
  } catch {
    return undefined;
  }
}

/**
 * Returns the wanted limits, or smaller ones that leave a file for each API call, for our own connections and for the rest. Throws
 * Explained when they would leave no room for clients.
 */
export function fitToFiles(wanted: WantedLimits, files: OpenFiles | undefined): FittingLimits {
  const { connections, opening, writes, own } = wanted;
  if (!files) return { connections, opening, files };
  const free = files.limit - files.used - spareFiles - own;
  const needed = filesOf(connections, writes) + filesPerOpening * opening;
  // What API calls leave.
  const sharedWith = (clients: number, isShort: boolean): FilesForClients => {
    return { limit: files.limit, sockets: free - Math.min(clients, writes), isShort };
  };
  if (needed <= free) return { connections, opening, files: sharedWith(connections, false) };
  const fewerOpening = Math.max(1, Math.min(opening, Math.floor(free / (4 * filesPerOpening))));
  const left = free - filesPerOpening * fewerOpening;
  const fewer = Math.min(connections, left <= 3 * writes ? Math.floor(left / 3) : Math.floor((left - writes) / 2));
  if (fewer < Math.min(fewestConnections, connections)) {
    const least = files.limit - free + filesPerOpening + 3 * fewestConnections;
    throw new Explained(
      `this process may open ${files.limit} files, which leaves none for clients: it needs ${least} at least ("ulimit -n")`,
    );
  }
  return { connections: fewer, opening: fewerOpening, files: sharedWith(fewer, true) };
}

/** A client has a socket here and one at Postgres, and while its statement is held one at the API. */
function filesOf(connections: number, writes: number): number {
  return 2 * connections + Math.min(connections, writes);
}
