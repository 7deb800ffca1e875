// throughline column: adds and drops local columns of a mirror, and renews its guard with them.

import { asAdmin, open } from "../app/open.js";
import { UsageError } from "../app/usage-error.js";
import { addLocalColumn, dropLocalColumn } from "../mirror/local-column.js";
import type { Command } from "./command.js";
import { configOf } from "./config-of.js";
import { namedTable } from "./named-table.js";

export const columnCommand: Command = async (options, io) => {
  const [verb, place, name, ...words] = options.names;
  const type = words.join(" ");
  if (
    place === undefined ||
    name === undefined ||
    !((verb === "add" && type !== "") || (verb === "drop" && type === ""))
  )
    throw new UsageError("column takes add API.TABLE NAME TYPE, or drop API.TABLE NAME");
  const instance = open(configOf(options));
  try {
    const { api, resource } = namedTable(instance, place);
    const column = { api, resource, name };
    const sql = await asAdmin(instance, (admin) =>
      verb === "add" ? addLocalColumn(admin, column, type) : dropLocalColumn(admin, column),
    );
    io.out(options.json ? JSON.stringify({ sql }) : `${sql};`);
    return 0;
  } finally {
    await instance.pool.end();
  }
};
