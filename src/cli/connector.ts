// throughline connector: which APIs can be mirrored, what a manifest says, and whether a manifest is right.

import { UsageError } from "../app/usage-error.js";
import { memberOf } from "../config/member.js";
import { suggestion } from "../config/suggest.js";
import { connectorNames, manifestOf } from "../connectors/registry.js";
import { anyTable } from "../manifest/column-schema.js";
import { manifestJsonSchema } from "../manifest/manifest.js";
import type { Command } from "./command.js";
import { checkConnector } from "./connector-check.js";
import { linesOf, shownConnector } from "./connector-show.js";

const list: Command = async ({ json }, io) => {
  const names = connectorNames();
  const width = Math.max(...names.map((name) => name.length)) + 2;
  for (const name of names) {
    const tables = Object.keys(manifestOf(name)?.tables ?? {});
    const own = tables.filter((table) => table !== anyTable);
    const more = own.length < tables.length;
    io.out(
      json
        ? JSON.stringify({ api: name, tables: own, more })
        : `${name.padEnd(width)}${own.join(", ")}${more ? ", and others that the API tells of" : ""}`,
    );
  }
  return 0;
};

const show: Command = async ({ names: [name = ""], json }, io) => {
  const names = connectorNames();
  const manifest = names.includes(name) ? manifestOf(name) : undefined;
  if (!manifest) throw new UsageError(`there is no connector "${name}"; ${suggestion(name, names)}`);
  const connector = shownConnector(manifest);
  for (const line of json ? [JSON.stringify(connector)] : linesOf(connector)) io.out(line);
  return 0;
};

const schema: Command = async ({ json }, io) => {
  io.out(JSON.stringify(manifestJsonSchema(), null, json ? 0 : 2));
  return 0;
};

const verbs: Readonly<Record<string, { readonly run: Command; readonly takes: number }>> = {
  list: { run: list, takes: 0 },
  show: { run: show, takes: 1 },
  check: { run: checkConnector, takes: 1 },
  schema: { run: schema, takes: 0 },
};

export const connectorCommand: Command = async (options, io) => {
  const [verb = "", ...names] = options.names;
  const subcommand = memberOf(verbs, verb);
  if (subcommand?.takes !== names.length)
    throw new UsageError("connector takes list, show API, check FILE [--url BASE], or schema");
  return subcommand.run({ ...options, names }, io);
};
