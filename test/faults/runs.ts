// One run: a client writes rows of its own, and something goes wrong. What it was told is kept for the oracle.

import type pg from "pg";
import { cancel, vanish } from "../support/sessions.js";
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
  "serialization failure",
  "idle in transaction",
  "lock_timeout",
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
  /** What the transaction was told after an accepted statement, up to its end. */
  readonly later: readonly string[];
}

const lost: Told = { statement: "lost", local: "lost", later: [] };

export function chooseRun(random: Random, world: World, tag: string, fault: RunFault): Run {
  // Some only show where there are several.
  const ends = ["deferred constraint", "serialization failure", "idle in transaction"].includes(fault);
  const several = fault === "leaves a row out" || fault === "refuses a row";
  return {
    tag,
    api: random.pick(apis),
    verb:
      fault === "lock_timeout"
        ? random.pick(["update", "delete"])
        : several
          ? random.pick(["insert", "insert", "update"])
          : random.pick(["insert", "insert", "update", "delete"]),
    rows: (several ? 2 : 1) + random.below(3),
    ends: ends ? "commit" : random.pick(["by itself", "commit", "commit", "rollback"]),
    fault,
    proxy: random.pick(world.proxies),
  };
}

/** Its rows are upstream and in the mirror before it begins, unless it inserts them. */
export async function prepare(world: World, { api, tag, verb, rows }: Run): Promise<void> {
  if (verb === "insert") return;
  const admin = await world.admin();
  const ids = names(tag, rows).map((name) => ({ id: world.apis[api].add(name, "old"), name, note: "old" }));
  const page = ids.map((row) => ({ key: row.id, row }));
  await admin.query(
    "select throughline.write(id, $2, nextval('throughline.moment')) from throughline.mirror where schema_name = $1",
    [api, JSON.stringify(page)],
  );
}

/** `connected` hears of the client. */
export async function perform(world: World, run: Run, connected?: (client: pg.Client) => void): Promise<Told> {
  const client = await world.client(run.proxy).catch(() => undefined);
  if (!client) return lost;
  connected?.(client);
  await set(client, `application_name = '${run.tag}'`);
  const disarm = await arm(world, run, client);
  const told = await write(world, client, run);
  await disarm?.();
  client.end().catch(() => undefined);
  return told;
}

/** Sets what shall go wrong; what comes back ends it. */
async function arm(
  world: World,
  { api, tag, fault, proxy }: Run,
  client: pg.Client,
): Promise<(() => Promise<unknown>) | undefined> {
  const upstream = world.apis[api];
  switch (fault) {
    case "none":
    case "deferred constraint":
    case "serialization failure":
      return undefined;
    case "idle in transaction":
      await set(client, "idle_in_transaction_session_timeout = 100");
      return undefined;
    case "lock_timeout": {
      await set(client, "lock_timeout = 100");
      // A restart of Postgres may have come first.
      const other = await world.client().catch(() => undefined);
      await other
        ?.query(`begin; select from ${api}.records where name like '${tag}%' for update`)
        .catch(() => undefined);
      return async () => other?.end().catch(() => undefined);
    }
    case "client gone":
      upstream.set(tag, "tells when it is there", async () => vanish(client));
      return undefined;
    case "cancel":
      upstream.set(tag, "tells when it is there", () => cancel(client, proxy.port).catch(() => undefined));
      return undefined;
    case "kill -9 before upstream does it":
      upstream.set(tag, "tells when it is there", () => proxy.kill());
      return undefined;
    case "kill -9 after upstream did it":
      upstream.set(tag, "tells when it is done", () => proxy.kill());
      return undefined;
    case "statement_timeout":
      await set(client, "statement_timeout = 150");
      upstream.set(tag, "429 without end");
      return undefined;
    default:
      upstream.set(tag, fault);
      return undefined;
  }
}

async function set(client: pg.Client, setting: string): Promise<void> {
  await client.query(`set ${setting}`).catch(() => undefined);
}

async function write(world: World, client: pg.Client, run: Run): Promise<Told> {
  const explicit = run.ends !== "by itself";
  const ended = new Promise<string>((resolve) => {
    client.once("error", (cause) => resolve(codeOf(cause)));
    client.once("end", () => resolve("lost"));
  });
  const ask = (sql: string, values: readonly string[] = []) =>
    client.query(sql, [...values]).then(
      () => "ok",
      (cause) => codeOf(cause),
    );
  const local = run.fault === "deferred constraint" ? "wrong" : "local";
  if (explicit) {
    const begun = await ask("begin isolation level repeatable read");
    if (begun === "ok") await ask(`insert into ${local} values ($1)`, [run.tag]);
  }
  const statement = await ask(sqlOf(run), names(run.tag, run.rows));
  if (!explicit) return { statement, local: "undone", later: [] };
  const later: string[] = [];
  if (statement === "ok" && run.fault === "serialization failure") {
    const admin = await world.admin();
    await admin.query("update shared set n = n + 1").catch(() => undefined);
    later.push(await ask("update shared set n = n + 1"));
  }
  if (statement === "ok" && run.fault === "idle in transaction") later.push(await ended);
  else later.push(await ask(run.ends));
  const end = later.at(-1) ?? "lost";
  if (end === "lost" || end === "TL007") return { statement, local: "lost", later };
  const kept = statement === "ok" && later.every((told) => told === "ok") && run.ends === "commit";
  return { statement, local: kept ? "kept" : "undone", later };
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
