// The command line: which command, with which options, and how it ends.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { UsageError } from "../app/usage-error.js";
import { Explained } from "../config/explained.js";
import { memberOf } from "../config/member.js";
import { suggestion } from "../config/suggest.js";
import { ConfigError } from "../config/yaml.js";
import { type Command, type ExitCode, type Io, reasonOf } from "./command.js";

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
  index      add API.TABLE COLUMN[,COLUMN…]      an index of your own on a mirror; clients go on while it is built
             drop API.TABLE COLUMN[,COLUMN…]
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
  init: { load: async () => (await import("./init.js")).initCommand, flags: ["postgres", "force"], names: true },
  check: { load: async () => (await import("./check.js")).checkCommand, flags: ["offline"], names: true },
  migrate: {
    load: async () => (await import("./migrate.js")).migrateCommand,
    flags: ["dry-run", "allow-drop", "drop"],
    names: true,
  },
  pull: { load: async () => (await import("./pull.js")).pullCommand, flags: ["workers", "full"], names: true },
  serve: { load: async () => (await import("./serve.js")).serveCommand, flags: ["listen", "socket"], names: false },
  status: { load: async () => (await import("./status.js")).statusCommand, flags: ["watch"], names: true },
  column: { load: async () => (await import("./column.js")).columnCommand, flags: [], names: true },
  index: { load: async () => (await import("./local-index.js")).indexCommand, flags: ["unique"], names: true },
  connector: { load: async () => (await import("./connector.js")).connectorCommand, flags: ["url"], names: true },
  journal: { load: async () => (await import("./journal.js")).journalCommand, flags: ofJournal, names: true },
  sandbox: {
    load: async () => (await import("./sandbox.js")).sandboxCommand,
    flags: ["port", "seed", "fault"],
    names: true,
  },
  demo: { load: async () => (await import("./demo/demo.js")).demoCommand, flags: ["api", "once"], names: false },
};
const ofAll = ["config", "json", "help", "version", "log-level", "no-color"];

/** Runs what the words behind the program's name ask for. A failure is told by `io`, and never thrown. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await run(args, io);
  } catch (thrown) {
    const cause = await explained(thrown);
    if (cause instanceof UsageError) io.err(`throughline: ${cause.message}; "throughline --help" has all commands`);
    else if (isExpected(cause)) io.err(`throughline: ${reasonOf(cause)}`);
    else io.err(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
    return cause instanceof ConfigError || cause instanceof UsageError ? 2 : 1;
  }
}

async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = parse(args);
  if (values.version) {
    io.out(version());
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
  const known = memberOf(commands, name);
  if (!known) throw new UsageError(`there is no command "${name}"; ${suggestion(name, Object.keys(commands))}`);
  const stray = Object.keys(values).find((flag) => !ofAll.includes(flag) && !known.flags.includes(flag));
  if (stray !== undefined) throw new UsageError(`"${name}" takes no --${stray}`);
  if (!known.names && names.length > 0) throw new UsageError(`"${name}" takes no "${names[0]}"`);
  const command = await known.load();
  return command({ config: values.config ?? "throughline.yaml", names, flags: values, json: values.json === true }, io);
}

function version(): string {
  const path = createRequire(import.meta.url).resolve("throughline/package.json");
  const manifest: { version: string } = JSON.parse(readFileSync(path, "utf8"));
  return manifest.version;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
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
        unique: { type: "boolean" },
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

/** A connection to Postgres that was lost, or can't be made, in one sentence. Returns anything else as it is. The driver is only loaded when a command failed. */
async function explained(cause: unknown): Promise<unknown> {
  const { ConnectionLost, explainLoss, PostgresUnreachable } = await import("../postgres/connection-lost.js");
  const known = explainLoss(cause);
  if (!(known instanceof ConnectionLost)) return known;
  const remedy = known instanceof PostgresUnreachable ? "look at postgres.url" : "run the command again";
  return new Explained(`${known.message}: ${remedy}`, { cause });
}

/** Such as the port's, or the database's. */
function isExpected(cause: unknown): cause is Error {
  return cause instanceof Explained || (cause instanceof Error && "code" in cause);
}
