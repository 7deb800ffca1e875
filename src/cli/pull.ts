// throughline pull: copy everything once.

import { backfill, type Parked } from "../sync/backfill.js";
import { type Command, UsageError } from "./command.js";
import { open, openMirrors, readConfig } from "./open.js";

export const pullCommand: Command = async (options, io) => {
  const opened = open(readConfig(options.config));
  try {
    const all = await openMirrors(opened);
    const wanted = all.filter(({ mirror: { api, resource } }) => {
      return options.names.length === 0 || options.names.some((name) => name === api || name === `${api}.${resource}`);
    });
    if (wanted.length === 0) {
      const known = all.map(({ mirror }) => `${mirror.api}.${mirror.resource}`).join(", ");
      throw new UsageError(
        known === "" ? 'there are no mirrors yet: run "throughline migrate"' : `nothing of that name; known: ${known}`,
      );
    }
    for (const { mirror, table } of wanted) {
      const name = `${mirror.api}.${mirror.resource}`;
      const progress = (rows: number) =>
        process.stderr.isTTY ? process.stderr.write(`\r${name}: ${rows} rows`) : true;
      const { rows, deleted, parked } = await backfill(opened.pool, mirror, table, {
        full: options.flags["full"] === true,
        progress,
      });
      if (process.stderr.isTTY) process.stderr.write("\r");
      io.out(
        options.json
          ? JSON.stringify({ table: name, rows, deleted, parked })
          : `${name}: ${rows} rows${deleted === 0 ? "" : `, ${deleted} deleted upstream`}${parked.map(parkedWords).join("")}`,
      );
    }
    return 0;
  } finally {
    await opened.pool.end();
  }
};

function parkedWords({ sqlstate, count }: Parked): string {
  return sqlstate === null
    ? `, ${count} parked behind open writes`
    : `, ${count} refused by Postgres (${sqlstate}: a constraint or trigger of your own on the mirror)`;
}
