#!/usr/bin/env node
// The command line: which command, with which options, and how it ends.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { checkCommand } from "./cli/check.js";
import { columnCommand } from "./cli/column.js";
import { type Command, type ExitCode, type Io, reasonOf, UsageError } from "./cli/command.js";
import { connectorCommand } from "./cli/connector.js";
import { demoCommand } from "./cli/demo/demo.js";
import { initCommand } from "./cli/init.js";
import { journalCommand } from "./cli/journal.js";
import { migrateCommand } from "./cli/migrate.js";
import { pullCommand } from "./cli/pull.js";
import { sandboxCommand } from "./cli/sandbox.js";
import { serveCommand } from "./cli/serve.js";
import { statusCommand } from "./cli/status.js";
import { ConfigError } from "./config/yaml.js";
import { ReadFailed } from "./connector/ending.js";
import { MigrateError } from "./mirror/migrate.js";
import { PullRunning } from "./sync/backfill.js";

const usage = `usage: throughline <command> [options]

  init       [API…] [--postgres URL] [--force]   write throughline.yaml; a secret never stands in it
  check      [--offline]                         config, database, guards, tokens, drift
  migrate    [--dry-run]                         create or extend schemas, mirrors, guards, grants; prints its DDL
  pull       [API[.TABLE]…] [--full]             copy everything once
  serve      [--listen ADDR] [--socket DIR]      the proxy
  status     [API[.TABLE]…] [--watch]            tables, rows, stage, open journal entries, the last failure
  column     add API.TABLE NAME TYPE             a local column: on the mirror, and unknown to the API
             drop API.TABLE NAME
  connector  list · show API                     the APIs that can be mirrored, their tables and limits
             check FILE [--url BASE] · schema    a manifest of your own: its mistakes, and how it fits its API
  journal    list [--open] [--api A] [--table T] [--outcome O] [--since 1h] [--limit 50] [--exit-code]
             show ID · retry ID · resolve ID --accepted|--refused --because TEXT
  sandbox    API [--port N] [--fault NAME[:N]]… [--seed N]   a local twin of an API
  demo       [--once]                            everything in one minute, with a Postgres and an API of its own

  -c, --config FILE (throughline.yaml) · --log-level error|warn|info|debug · --json · --no-color · -h, --help · -V, --version`;

const commands: Readonly<Record<string, Command>> = {
  init: initCommand,
  check: checkCommand,
  migrate: migrateCommand,
  pull: pullCommand,
  serve: serveCommand,
  status: statusCommand,
  column: columnCommand,
  connector: connectorCommand,
  journal: journalCommand,
  sandbox: sandboxCommand,
  demo: demoCommand,
};

const io: Io = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
};

async function main(): Promise<ExitCode> {
  const { values, positionals } = parse();
  if (values.version) {
    const manifest: { version: string } = JSON.parse(
      readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
    );
    io.out(manifest.version);
    return 0;
  }
  if (values["no-color"]) process.env["NO_COLOR"] = "1";
  const [name, ...names] = positionals;
  if (values.help) {
    io.out(usage);
    return 0;
  }
  const command = name === undefined ? undefined : commands[name];
  if (!command) throw new UsageError(name === undefined ? "which command?" : `there is no command "${name}"`);
  return command({ config: values.config ?? "throughline.yaml", names, flags: values, json: values.json === true }, io);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        config: { type: "string", short: "c" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "V" },
        offline: { type: "boolean" },
        postgres: { type: "string" },
        force: { type: "boolean" },
        watch: { type: "boolean" },
        url: { type: "string" },
        "dry-run": { type: "boolean" },
        "allow-drop": { type: "boolean" },
        drop: { type: "boolean" },
        workers: { type: "string" },
        full: { type: "boolean" },
        listen: { type: "string" },
        socket: { type: "string" },
        port: { type: "string" },
        seed: { type: "string" },
        fault: { type: "string", multiple: true },
        once: { type: "boolean" },
        open: { type: "boolean" },
        api: { type: "string" },
        table: { type: "string" },
        outcome: { type: "string" },
        since: { type: "string" },
        limit: { type: "string" },
        "exit-code": { type: "boolean" },
        accepted: { type: "boolean" },
        refused: { type: "boolean" },
        because: { type: "string" },
      },
    });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause));
  }
}

try {
  process.exitCode = await main();
} catch (cause) {
  process.exitCode = cause instanceof ConfigError || cause instanceof UsageError ? 2 : 1;
  if (cause instanceof UsageError) io.err(`throughline: ${cause.message}\n\n${usage}`);
  else if (isExpected(cause)) io.err(`throughline: ${reasonOf(cause)}`);
  else io.err(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
}

/** Failures that a sentence explains: of the config, an API, the port or the database. */
function isExpected(cause: unknown): cause is Error {
  if (cause instanceof ConfigError || cause instanceof ReadFailed || cause instanceof MigrateError) return true;
  return cause instanceof PullRunning || (cause instanceof Error && "code" in cause);
}
