// throughline index: builds and drops indexes of the user's own on a mirror, while clients go on.

import { asAdmin, open } from "../app/open.js";
import { UsageError } from "../app/usage-error.js";
import { addLocalIndex, dropLocalIndex } from "../mirror/local-index.js";
import type { Command } from "./command.js";
import { configOf } from "./config-of.js";
import { namedTable } from "./named-table.js";

export const indexCommand: Command = async (options, io) => {
  const [verb, place, ...words] = options.names;
  const columns = words
    .join(" ")
    .split(",")
    .map((name) => name.trim());
  if (place === undefined || columns.includes("") || !(verb === "add" || verb === "drop"))
    throw new UsageError("index takes add API.TABLE COLUMN[,COLUMN…], or drop API.TABLE COLUMN[,COLUMN…]");
  if (options.flags["unique"] === true)
    throw new UsageError(
      "index makes none that is unique: the API's values may be so today and no longer tomorrow, and then a row that it has accepted would have no place in the mirror",
    );
  const instance = open(configOf(options));
  try {
    const index = { ...namedTable(instance, place), columns };
    const work = {
      begin: () => io.err("clients go on meanwhile; transactions that are open now are waited for, up to ten minutes"),
    };
    const sql = await asAdmin(instance, ({ pool }) =>
      verb === "add" ? addLocalIndex(pool, index, work) : dropLocalIndex(pool, index, work),
    );
    io.out(options.json ? JSON.stringify({ sql }) : `${sql};`);
    return 0;
  } finally {
    await instance.pool.end();
  }
};
