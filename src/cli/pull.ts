// throughline pull: copy everything once; what was interrupted goes on where it stopped.

import { type Backfilled, backfill, type Parked } from "../sync/backfill.js";
import { type Command, type Io, interruption, numberFlag, UsageError } from "./command.js";
import { configOf, open, openMirrors, wantedTables } from "./open.js";
import { Progress } from "./progress.js";

export const pullCommand: Command = async (options, io) => {
  const workers = numberFlag(options, "workers", 4);
  if (workers === 0) throw new UsageError("--workers takes a number from 1");
  const opened = wantedTables(open(configOf(options)), options.names);
  const { signal } = interruption();
  const progress = new Progress(io);
  try {
    const queue = [...(await openMirrors(opened))];
    if (queue.length === 0) throw new UsageError('there are no mirrors yet: run "throughline migrate"');
    const full = options.flags["full"] === true;
    // Tables at the same time; the budget of their API is one all the same.
    const work = async () => {
      for (let next = queue.shift(); next && !signal.aborted; next = queue.shift()) {
        const { mirror, table } = next;
        const name = `${mirror.api}.${mirror.resource}`;
        const done = await backfill(opened.pool, mirror, table, {
          full,
          signal,
          progress: (rows) => progress.at(name, rows),
        });
        progress.ends(name);
        if (!done.interrupted) tell(io, options.json, name, done);
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: workers }, work));
    progress.clear();
    for (const one of ended) if (one.status === "rejected") throw one.reason;
    if (!signal.aborted) return 0;
    io.err('interrupted; "throughline pull" goes on where this one stopped');
    return 130;
  } finally {
    await opened.pool.end();
  }
};

function tell(
  io: Io,
  json: boolean,
  table: string,
  { rows, deleted, withheld, parked }: Omit<Backfilled, "interrupted">,
): void {
  const left = `, ${withheld} not listed any more, and left for they are more than half: "throughline pull --full" asks for each`;
  const gone = (deleted === 0 ? "" : `, ${deleted} deleted upstream`) + (withheld === 0 ? "" : left);
  const text = `${table}: ${rows} rows${gone}${parked.map(parkedWords).join("")}`;
  io.out(json ? JSON.stringify({ table, rows, deleted, withheld, parked }) : text);
}

function parkedWords({ sqlstate, count }: Parked): string {
  return sqlstate === null
    ? `, ${count} parked behind open writes`
    : `, ${count} refused by Postgres (${sqlstate}: a constraint or trigger of your own on the mirror)`;
}
