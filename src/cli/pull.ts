// throughline pull: copy everything once; what was interrupted goes on where it stopped.

import { Explained } from "../config/explained.js";
import { requireSchema } from "../mirror/schema.js";
import { type Backfilled, backfill, type Parked } from "../sync/backfill.js";
import { type Command, type Io, interruption, numberFlag, reasonOf, UsageError } from "./command.js";
import { mendOf } from "./mend.js";
import { configOf, open, openMirrors, wantedTables } from "./open.js";
import { Progress } from "./progress.js";

export const pullCommand: Command = async (options, io) => {
  const workers = numberFlag(options, "workers", 4);
  if (workers === 0) throw new UsageError("--workers takes a number from 1");
  const opened = wantedTables(open(configOf(options)), options.names);
  const signal = interruption();
  const progress = new Progress(io);
  let failed = false;
  const fails = (name: string, why: string) => {
    failed = true;
    progress.clear();
    io.err(`${name}: ${why}`);
  };
  try {
    await requireSchema(opened.pool);
    const queue = [...(await openMirrors(opened))];
    for (const { api, table } of opened.tables) {
      if (!queue.some(({ mirror }) => mirror.api === api.name && mirror.resource === table.resource))
        fails(`${api.name}.${table.resource}`, 'is not migrated: run "throughline migrate"');
    }
    const full = options.flags["full"] === true;
    // Tables at the same time; the budget of their API is one all the same.
    const work = async () => {
      for (let next = queue.shift(); next && !signal.aborted; next = queue.shift()) {
        const { mirror, table } = next;
        const name = `${mirror.api}.${mirror.resource}`;
        try {
          const done = await backfill(opened.pool, mirror, table, {
            full,
            signal,
            progress: (rows) => progress.at(name, rows),
          });
          progress.ends(name);
          if (!done.interrupted) tell(io, options.json, name, done);
        } catch (cause) {
          if (!(cause instanceof Explained)) throw cause;
          fails(name, `${reasonOf(cause)}${mendOf(cause, { name: mirror.api, values: table.account.config })}`);
        }
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
    progress.clear();
    if (!signal.aborted) return failed ? 1 : 0;
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
