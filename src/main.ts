#!/usr/bin/env node
// The command line: which command, with which options, and how it ends.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError } from "./app/usage-error.js";
import { type Command, type ExitCode, type Io, reasonOf } from "./cli/command.js";
import { escapeLines } from "./config/clean-text.js";
import { Explained } from "./config/explained.js";
import { suggestion } from "./config/suggest.js";
import { ConfigError } from "./config/yaml.js";

const usage = `usage: throughline <command> [options]

  init       [API…] [--postgres URL] [--force]   write throughline.yaml; a secret never stands in it
  check      [API…] [--offline]                  config, database, rights, guards, tokens, drift
  migrate    [API…] [--dry-run] [--allow-drop]   create or extend schemas, mirrors, guards, grants; prints its DDL
             --drop API[.TABLE]…                 take mirrors away
  pull       [API[.TABLE]…] [--workers N] [--full]    copy everything once; goes on where one was interrupted
  serve      [--listen ADDR] [--socket DIR]      the proxy
  status     [API[.TABLE]…] [--watch]            tables, rows, stage, open journal entries, the last failure
  column     add API.TABLE NAME TYPE             a local column: on the mirror, and unknown to the API
             drop API.TABLE NAME
  connector  list · show API                     the APIs that can be mirrored, their tables and limits
             check FILE [--url BASE] · schema    a manifest of your own: its mistakes, and how it fits its API
  journal    list [--open] [--api A] [--table T] [--outcome O] [--since 1h] [--limit 50] [--exit-code]
             show ID · retry ID · resolve ID --accepted|--refused --because TEXT
  sandbox    API [--port N] [--fault NAME[:N]]… [--seed N]   a local twin of an API
  demo       [--api API] [--once]                everything in one minute, with a Postgres and an API of its own

  -c, --config FILE (throughline.yaml) · --log-level error|warn|info|debug · --json · --no-color · -h, --help · -V, --version`;

interface Known {
  /** Each is only loaded when it is wanted. */
  load(): Promise<Command>;
  /** What it takes besides the options of all. */
  readonly flags: readonly string[];
  /** Takes names behind its own. */
  readonly names: boolean;
}

const ofJournal = ["open", "api", "table", "outcome", "since", "limit", "exit-code", "accepted", "refused", "because"];
const commands: Readonly<Record<string, Known>> = {
  init: { load: async () => (await import("./cli/init.js")).initCommand, flags: ["postgres", "force"], names: true },
  check: { load: async () => (await import("./cli/check.js")).checkCommand, flags: ["offline"], names: true },
  migrate: {
    load: async () => (await import("./cli/migrate.js")).migrateCommand,
    flags: ["dry-run", "allow-drop", "drop"],
    names: true,
  },
  pull: { load: async () => (await import("./cli/pull.js")).pullCommand, flags: ["workers", "full"], names: true },
  serve: { load: async () => (await import("./cli/serve.js")).serveCommand, flags: ["listen", "socket"], names: false },
  status: { load: async () => (await import("./cli/status.js")).statusCommand, flags: ["watch"], names: true },
  column: { load: async () => (await import("./cli/column.js")).columnCommand, flags: [], names: true },
  connector: { load: async () => (await import("./cli/connector.js")).connectorCommand, flags: ["url"], names: true },
  journal: { load: async () => (await import("./cli/journal.js")).journalCommand, flags: ofJournal, names: true },
  sandbox: {
    load: async () => (await import("./cli/sandbox.js")).sandboxCommand,
    flags: ["port", "seed", "fault"],
    names: true,
  },
  demo: { load: async () => (await import("./cli/demo/demo.js")).demoCommand, flags: ["api", "once"], names: false },
};
const ofAll = ["config", "json", "help", "version", "log-level", "no-color"];

/** Nothing that is stored, or that an API or Postgres says, can command a terminal. */
const io: Io = {
  out: (line) => process.stdout.write(`${escapeLines(line)}\n`),
  err: (line) => process.stderr.write(`${escapeLines(line)}\n`),
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
  if (name === undefined) {
    io.err(usage);
    return 2;
  }
  const known = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!known) throw new UsageError(`there is no command "${name}"; ${suggestion(name, Object.keys(commands))}`);
  const stray = Object.keys(values).find((flag) => !ofAll.includes(flag) && !known.flags.includes(flag));
  if (stray !== undefined) throw new UsageError(`"${name}" takes no --${stray}`);
  if (!known.names && names.length > 0) throw new UsageError(`"${name}" takes no "${names[0]}"`);
  const command = await known.load();
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
        "log-level": { type: "string" },
        "no-color": { type: "boolean" },
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

// Nobody reads on, as after "| head": what runs on by itself hears of it (`interrupted`), anything else comes to its end.
process.stdout.on("error", () => undefined);
try {
  process.exitCode = await main();
} catch (thrown) {
  const cause = await explained(thrown);
  process.exitCode = cause instanceof ConfigError || cause instanceof UsageError ? 2 : 1;
  if (cause instanceof UsageError) io.err(`throughline: ${cause.message}; "throughline --help" has all commands`);
  else if (isExpected(cause)) io.err(`throughline: ${reasonOf(cause)}`);
  else io.err(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
}

/** A connection to Postgres that was lost, or can't be made, in one sentence. Returns anything else as it is. The driver is only loaded when a command failed. */
async function explained(cause: unknown): Promise<unknown> {
  const { ConnectionLost, explainLoss, PostgresUnreachable } = await import("./postgres/connection-lost.js");
  const known = explainLoss(cause);
  if (!(known instanceof ConnectionLost)) return known;
  const remedy = known instanceof PostgresUnreachable ? "look at postgres.url" : "run the command again";
  return new Explained(`${known.message}: ${remedy}`, { cause });
}

/** Such as the port's, or the database's. */
function isExpected(cause: unknown): cause is Error {
  return cause instanceof Explained || (cause instanceof Error && "code" in cause);
}
