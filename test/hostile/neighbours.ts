// The others: sessions that go on with their gentle work while one is attacked, and what they may have to wait.

import { setTimeout as delay } from "node:timers/promises";
import { startWorker } from "./worker.js";

export interface Neighbourhood {
  /** Sessions that ask `select 1`. */
  readonly readers: number;
  /** Sessions that write to a mirror, each to a record of its own. */
  readonly writers: number;
}

/** The longest that a session of each kind waited, in milliseconds. */
interface Waits {
  readonly reads: number;
  readonly writes: number;
  /** Of sessions that go straight to Postgres: what they wait for is none of the proxy's doing. */
  readonly direct: number;
  /** Whatever a neighbour was told but its answer. */
  readonly errors: readonly string[];
}

export interface Neighbours {
  /** Of the time since the last reading. */
  read(): Promise<Waits>;
  /** What is wrong with waits under attack, compared with those at rest; empty: nothing. */
  complaints(waits: Waits): string[];
  end(): Promise<void>;
}

/** Nobody notices less. */
const noticedMs = 250;
const restMs = 1_500;
/** Some steps of a write wait for Postgres one after the other. */
const stepsOfWrite = 8;

/** Comes back when it has seen what they wait at rest. */
export async function startNeighbours(
  { readers, writers }: Neighbourhood,
  url: string,
  directUrl: string,
): Promise<Neighbours> {
  const writes = Array.from(
    { length: writers },
    (_, i) => `update things.things set label = 'neighbour' where target = 'r${i}'`,
  );
  const worker = await startWorker("neighbours.mjs", { url, directUrl, readers, writes, direct: 3 });
  if (worker.first["started"] !== true) throw new Error(`the neighbours did not move in: ${worker.first["reason"]}`);
  const read = async () => waitsOf(await worker.ask({ asked: "read" }));
  await read();
  await delay(restMs);
  const rest = await read();
  return {
    read,
    complaints: (waits) => [
      ...waits.errors.map((error) => `a neighbour was told: ${error}`),
      ...tooLong("a read", waits.reads, [noticedMs, 2 * rest.reads, 2 * waits.direct]),
      ...tooLong("a write", waits.writes, [noticedMs, 2 * rest.writes, stepsOfWrite * waits.direct]),
    ],
    end: async () => {
      await worker.ask({ asked: "stop" });
      await worker.end();
    },
  };
}

/** `limits`: what is noticed, twice what it was at rest, and what the machine and Postgres took by themselves meanwhile. */
function tooLong(what: string, waitedMs: number, limits: readonly number[]): string[] {
  const limitMs = Math.max(...limits);
  if (waitedMs <= limitMs) return [];
  return [`${what} of a neighbour waited ${Math.round(waitedMs)} ms; at most ${Math.round(limitMs)} ms is right`];
}

function waitsOf({ reads, writes, direct, errors }: Readonly<Record<string, unknown>>): Waits {
  return {
    reads: Number(reads),
    writes: Number(writes),
    direct: Number(direct),
    errors: Array.isArray(errors) ? errors.map(String) : [],
  };
}
