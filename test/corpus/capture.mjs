// Captures what clients say on the wire when they write to a table shaped like a mirror: runs the program of each against a
// Postgres of its own, behind a relay that writes down, and stores captured/<client>.json.
//
//   npm run corpus:capture                  all clients of clients.json; about three minutes
//   npm run corpus:capture -- knex django   these
//
// A file is {client, version, with, startup, shapes: [{shape, conversation}]}; messages.mjs says what a message is, names.mjs
// what is made the same. `startup` are the parameters of the StartupMessage. The first shape, "connect", is what the client says
// before it is of use; every other one is a connection of its own, which has said that before, on a table with the rows of
// seed.sql. To replay one, send message by message; after a Query or a Sync read up to ReadyForQuery, unless the next message is
// `ahead`; after a Flush read the answers to what was sent so far.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import pg from "pg";
import { clientsSchema, install } from "./install.mjs";
import { Recorder } from "./recorder.mjs";

/** @typedef {import("./install.mjs").Client} Client */
/** @typedef {import("./install.mjs").Installed} Installed */
/** @typedef {import("./recorder.mjs").Captured} Captured */
/** What a file says of its client before the shapes. @typedef {{ client: string, version: string, with: Record<string, string>, startup: Record<string, string> }} About */

/** For all shapes of a program. */
const limitMs = 60_000;
const here = fileURLToPath(new URL(".", import.meta.url));
const built = join(here, "../../dist/src/app/embedded-postgres.js");
const read = (/** @type {string} */ name) => readFileSync(join(here, name), "utf8");
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

/** @param {readonly string[]} wanted */
async function main(wanted) {
  const clients = clientsSchema.parse(JSON.parse(read("clients.json")));
  const names = wanted.length > 0 ? wanted : Object.keys(clients);
  if (!existsSync(built)) throw new Error("there is no dist/: run npm run build first");
  /** @type {typeof import("../../src/app/embedded-postgres.js")} */
  const { startPostgres } = await import(built);
  const postgres = await startPostgres(18);
  const admin = new pg.Client({ connectionString: postgres.urlOf("postgres", "postgres") });
  try {
    await admin.connect();
    await admin.query(read("database.sql"));
    await admin.query(read("seed.sql"));
    const table = "hubspot.contacts";
    /** @type {pg.QueryResult<{ id: unknown }>} */
    const { rows } = await admin.query(`select id from ${table} union all select '${table}'::regclass::oid::text`);
    const known = rows.map(({ id }) => String(id));
    for (const name of names) {
      const client = clients[name];
      if (!client) throw new Error(`there is no client ${name}: there are ${Object.keys(clients).join(", ")}`);
      await capture(name, client, new Recorder(postgres.port, known), admin);
    }
  } finally {
    await admin.end();
    await postgres.stop();
  }
}

/** @param {string} name @param {Client} client @param {Recorder} recorder @param {pg.Client} admin */
async function capture(name, client, recorder, admin) {
  const folder = mkdtempSync(join(tmpdir(), "throughline-corpus-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    const installed = await install(client, folder);
    const url = `postgres://app@127.0.0.1:${await recorder.listen()}/postgres`;
    const shapes = await perform(installed, url, recorder, () => admin.query(read("seed.sql")));
    const [version, ...others] = Object.entries(installed.versions);
    /** @type {About} */
    const about = {
      client: name,
      version: version?.[1] ?? "",
      with: Object.fromEntries(others),
      startup: recorder.startup,
    };
    writeFileSync(join(here, "captured", `${name}.json`), print(about, shapes));
    say(`${name} ${about.version}: ${shapes.length} conversations`);
  } finally {
    recorder.close();
    process.off("exit", remove);
    remove();
  }
}

/**
 * Runs a program. It says "begin <shape>" and "end" on its stdout, and waits for a line each time.
 * @param {Installed} installed @param {string} url @param {Recorder} recorder @param {() => Promise<unknown>} reset
 * @returns {Promise<Captured[]>}
 */
async function perform({ command, words, folder }, url, recorder, reset) {
  const env = { ...process.env, DATABASE_URL: url, PYTHONDONTWRITEBYTECODE: "1", TZ: "UTC" };
  const child = spawn(command, words, { cwd: folder, env, stdio: ["pipe", "pipe", "inherit"] });
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = () => child.kill("SIGKILL");
  const overdue = setTimeout(stop, limitMs);
  process.once("exit", stop);
  /** @type {Map<string, Captured>} */
  const shapes = new Map();
  const keep = () => {
    const captured = recorder.end();
    if (!shapes.has(captured.shape)) shapes.set(captured.shape, captured);
    else if (captured.shape !== "connect") throw new Error(`${captured.shape} is there twice`);
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const [, shape] = /^begin (.+)$/.exec(line) ?? [];
    if (line !== "end" && shape === undefined) throw new Error(`${words[0]} says: ${line}`);
    if (recorder.open) keep();
    if (shape === "connect") await reset();
    if (shape !== undefined) recorder.begin(shape);
    child.stdin.write("go\n");
  }
  const code = await ended;
  clearTimeout(overdue);
  process.off("exit", stop);
  if (code !== 0)
    throw new Error(`${words[0]} ended with ${code} in ${recorder.open?.shape}`, { cause: recorder.failure });
  return [...shapes.values()];
}

/** JSON with a message a line. @param {About} about @param {readonly Captured[]} shapes */
function print(about, shapes) {
  const conversations = shapes.map(({ shape, conversation }) => {
    const messages = conversation.map((message) => `      ${JSON.stringify(message)}`).join(",\n");
    return `    {"shape": ${JSON.stringify(shape)}, "conversation": [\n${messages}\n    ]}`;
  });
  const head = Object.entries(about).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`);
  return `{\n${head.join("")}  "shapes": [\n${conversations.join(",\n")}\n  ]\n}\n`;
}

for (const name of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.once(name, () => process.exit(130));
await main(process.argv.slice(2)).catch((/** @type {unknown} */ cause) => {
  process.stderr.write(`corpus: ${inspect(cause)}\n`);
  process.exit(1);
});
