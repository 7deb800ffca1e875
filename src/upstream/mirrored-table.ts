// A mirror together with the resource that it mirrors.

import pMap from "p-map";
import type { Mirror } from "../mirror/column.js";
import type { ConnectorTable } from "./table.js";

export interface MirroredTable {
  readonly mirror: Mirror;
  readonly table: ConnectorTable;
}

/** How many APIs are asked at a time: each takes a connection of those that work in the background. */
const apisAtATime = 4;

/** Runs `work` for the tables of each API, so that none waits for one that is slow. Each has ended before the first failure is thrown. */
export async function forEachApi<T>(
  tables: readonly MirroredTable[],
  work: (tables: readonly MirroredTable[]) => Promise<T>,
): Promise<readonly T[]> {
  const apis = [...new Set(tables.map(({ mirror }) => mirror.api))];
  const run = (api: string) => Promise.allSettled([work(tables.filter(({ mirror }) => mirror.api === api))]);
  return (await pMap(apis, run, { concurrency: apisAtATime })).flat().map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}
