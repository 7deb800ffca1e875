// One run: a client writes rows of its own, and something goes wrong. What it was told is kept for the oracle.

import type pg from "pg";
import { cancel } from "../support/sessions.js";
import type { ApiFault } from "./api.js";
import type { Random } from "./random.js";
import { type ApiName, apis, type ProxyProcess, type World } from "./world.js";

export const apiFaults: readonly [ApiFault, ...ApiFault[]] = [
  "refuses",
  "refuses a row",
  "hangs before",
  "hangs after",
  "hangs up before",
  "hangs up after",
  "500 before",
  "500 after",
  "429 storm",
  "429 without end",
  "drips",
  "empty 200",
  "wrong JSON",
  "leaves a row out",
];
export const otherFaults = [
  "client gone",
  "cancel",
  "statement_timeout",
  "deferred constraint",
  "kill -9 before upstream does it",
  "kill -9 after upstream did it",
] as const;

export type RunFault = ApiFault | (typeof otherFaults)[number] | "none";
type Verb = "insert" | "update" | "delete";

export interface Run {
  /** All its records' names begin with it. */
  readonly tag: string;
  readonly api: ApiName;
  readonly verb: Verb;
  readonly rows: number;
  readonly ends: "by itself" | "commit" | "rollback";
  readonly fault: RunFault;
  readonly proxy: ProxyProcess;
}

export interface Told {
  /** Of the statement: an SQLSTATE, or "ok"; "lost" when the connection was. */
  readonly statement: string;
  /** Of the transaction: whether its local row is there. */
  readonly local: "kept" | "undone" | "lost";
}

export function chooseRun(random: Random, world: World, tag: string, fault: RunFault): Run {
  // Some only show where there are several.
  const several = fault === "leaves a row out" || fault === "refuses a row";
  return {
    tag,
    api: random.pick(apis),
    verb: several ? random.pick(["insert", "insert", "update"]) : random.pick(["insert", "insert", "update", "delete"]),
    rows: (several ? 2 : 1) + random.below(3),
    ends: fault === "deferred constraint" ? "commit" : random.pick(["by itself", "commit", "commit", "rollback"]),
    fault,
    proxy: random.pick(world.proxies),
  };
}

/** Its rows are upstream and in the mirror before it begins, unless it inserts them. */
export async function prepare(world: World, { api, tag, verb, rows }: Run): Promise<void> {
  if (verb === "insert") return;
  const admin = await world.admin();
  const ids = names(tag, rows).map((name) => ({ id: world.apis[api].add(name, "old"), name, note: "old" }));
  await admin.query("set session_replication_role = replica");
  await admin.query(`insert into ${api}.records select * from json_populate_recordset(null::${api}.records, $1)`, [
    JSON.stringify(ids),
  ]);
  await admin.query("reset session_replication_role");
}

export async function perform(world: World, run: Run): Promise<Told> {
  const client = await world.client(run.proxy).catch(() => undefined);
  if (!client) return { statement: "lost", local: "lost" };
  await arm(world, run, client);
  const told = await write(client, run);
  client.end().catch(() => undefined);
  return told;
}

/** Sets what shall go wrong. */
async function arm(world: World, { api, tag, fault, proxy }: Run, client: pg.Client): Promise<void> {
  const upstream = world.apis[api];
  switch (fault) {
    case "none":
    case "deferred constraint":
      return;
    case "client gone":
      upstream.set(tag, "tells when it is there", async () => vanish(client));
      return;
    case "cancel":
      upstream.set(tag, "tells when it is there", () => cancel(client, proxy.port).catch(() => undefined));
      return;
    case "kill -9 before upstream does it":
      upstream.set(tag, "tells when it is there", () => proxy.kill());
      return;
    case "kill -9 after upstream did it":
      upstream.set(tag, "tells when it is done", () => proxy.kill());
      return;
    case "statement_timeout":
      await client.query("set statement_timeout = 150").catch(() => undefined);
      upstream.set(tag, "429 without end");
      return;
    default:
      upstream.set(tag, fault);
  }
}

async function write(client: pg.Client, run: Run): Promise<Told> {
  const explicit = run.ends !== "by itself";
  const ask = (sql: string, values: readonly string[] = []) =>
    client.query(sql, [...values]).then(
      () => "ok",
      (cause) => codeOf(cause),
    );
  const local = run.fault === "deferred constraint" ? "wrong" : "local";
  if (explicit) {
    const begun = await ask("begin");
    if (begun === "ok") await ask(`insert into ${local} values ($1)`, [run.tag]);
  }
  const statement = await ask(sqlOf(run), names(run.tag, run.rows));
  if (!explicit) return { statement, local: "undone" };
  const end = await ask(run.ends);
  if (end === "lost" || end === "TL007") return { statement, local: "lost" };
  return { statement, local: statement === "ok" && end === "ok" && run.ends === "commit" ? "kept" : "undone" };
}

function sqlOf({ api, verb, rows }: Run): string {
  const places = Array.from({ length: rows }, (_, index) => `$${index + 1}`);
  switch (verb) {
    case "insert":
      return `insert into ${api}.records (name, note) values ${places.map((place) => `(${place}, 'new')`).join(", ")} returning id`;
    case "update":
      return `update ${api}.records set note = 'new' where name in (${places.join(", ")}) returning id`;
    case "delete":
      return `delete from ${api}.records where name in (${places.join(", ")}) returning id`;
  }
}

export function names(tag: string, rows: number): readonly string[] {
  return Array.from({ length: rows }, (_, index) => `${tag}${index}`);
}

/** What ends a session says nothing of the statement. */
function codeOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "lost";
  return /^[0-9A-Z]{5}$/.test(code) && !/^(57P|08)/.test(code) ? code : "lost";
}

/** The client's end, without a word. */
function vanish(client: pg.Client): void {
  const { connection } = Object.assign({ connection: { stream: { destroy: () => {} } } }, client);
  connection.stream.destroy();
}
