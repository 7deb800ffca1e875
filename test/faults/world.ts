// All that a fault can hit: a Postgres server of its own, an API, and two proxies in processes of their own, each behind a relay.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedPostgres, type MajorVersion, startPostgres } from "../../src/app/embedded-postgres.js";
import { program } from "../support/program.js";
import { type FaultyApi, startApi } from "./api.js";
import { type Relay, startRelay } from "./relay.js";

/** How a lost create can be found again: by its unique name, not at all, or by sending it once more under its key. */
export const apis = ["named", "plain", "keyed"] as const;
export type ApiName = (typeof apis)[number];

const waitMs = 400;
const startTimeoutMs = 20_000;
const manifest = readFileSync(new URL("manifest.yaml", import.meta.url), "utf8");

export interface ProxyProcess {
  readonly relay: Relay;
  /** Where it listens, or did before it ended: another each time it is started. */
  readonly port: number;
  kill(): Promise<void>;
  /** Stops it where it is, or lets it go on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** Its last words, when it has ended by itself; it should never. */
  died(): string | undefined;
  /** The end of its log. */
  words(): string;
  /** What its /metrics says of `name`, all labels summed up. */
  metric(name: string): Promise<number>;
  /** Starts it again if it does not run. */
  ensure(): Promise<void>;
}

/** What a world needs of an API. */
interface ServedApi {
  readonly url: string;
  close(): void;
}

export interface World<Api extends ServedApi = FaultyApi> {
  readonly apis: Readonly<Record<ApiName, Api>>;
  readonly proxies: readonly [ProxyProcess, ProxyProcess];
  /** A client of role app, by that proxy or straight to Postgres. */
  client(proxy?: ProxyProcess): Promise<pg.Client>;
  /** A superuser's own connection; a new one where the last was lost, as soon as Postgres is there. */
  admin(): Promise<pg.Client>;
  restart(mode: "fast" | "immediate"): Promise<void>;
  /** From the beginning, or from where the last one stopped. */
  pull(from?: "beginning" | "checkpoint"): Promise<void>;
  /** Between a pull and Postgres. */
  readonly pullRelay: Relay;
  close(): Promise<void>;
}

interface Laboratory {
  /** More of the proxies' environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** For an answer; a call whose outcome is unknown is asked for after twice this time. */
  readonly timeoutMs?: number;
}

interface WorldOptions<Api> extends Laboratory {
  startApi(name: ApiName): Promise<Api>;
}

/** The API of this one does what it was told to for each write. */
export function startWorld(version: MajorVersion, options: Laboratory = {}): Promise<World> {
  return startWorldOf(version, { ...options, startApi: (name) => startApi(name === "named" ? "unique" : undefined) });
}

export async function startWorldOf<Api extends ServedApi>(
  version: MajorVersion,
  { env = {}, timeoutMs = 300, startApi }: WorldOptions<Api>,
): Promise<World<Api>> {
  const postgres = await startPostgres(version);
  const folder = mkdtempSync(join(tmpdir(), "throughline-faults-"));
  const url = (user: string, port = postgres.port) =>
    postgres.urlOf(user, "faults").replace(`:${postgres.port}/`, `:${port}/`);
  await prepare(postgres);
  const [named, plain, keyed] = [await startApi("named"), await startApi("plain"), await startApi("keyed")];
  const served = { named, plain, keyed };
  const configFor = (relay: Relay, patienceMs = timeoutMs) => {
    const file = join(folder, `throughline-${relay.port}.yaml`);
    // A port that was chosen beforehand may be taken by then, by a connection of somebody else's.
    const listen = "listen: { address: 127.0.0.1:0 }\nhttp: 127.0.0.1:0\n";
    writeFileSync(file, listen + configOf(folder, url("throughline", relay.port), served, patienceMs));
    return file;
  };
  writeManifests(folder);
  const proxies: [ProxyProcess, ProxyProcess] = [
    await makeProxy(postgres.port, configFor, env),
    await makeProxy(postgres.port, configFor, env),
  ];
  const own = await startRelay(postgres.port);
  // A page may be long in coming.
  const config = configFor(own, startTimeoutMs);
  await run("migrate", "-c", config);
  await run("pull", "-c", config);
  await Promise.all(proxies.map((proxy) => proxy.ensure()));
  let admin: pg.Client | undefined;
  let restarted = Promise.resolve();
  return {
    apis: served,
    proxies,
    client: (proxy) => connect(url("app", proxy?.port)),
    restart: (mode) => {
      restarted = restarted.then(async () => {
        await postgres.restart(mode);
        // It may not have heard of its end.
        admin = undefined;
      });
      return restarted;
    },
    admin: async () => {
      await restarted;
      if (!admin) {
        admin = await connectSoon(url("postgres"));
        admin.once("end", () => {
          admin = undefined;
        });
      }
      return admin;
    },
    pull: (from = "beginning") => run("pull", ...(from === "beginning" ? ["--full"] : []), "-c", config),
    pullRelay: own,
    close: async () => {
      for (const proxy of proxies) await proxy.kill();
      for (const { relay } of [...proxies, { relay: own }]) relay.close();
      for (const api of Object.values(served)) api.close();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function prepare(postgres: EmbeddedPostgres): Promise<void> {
  const admin = await connect(postgres.urlOf("postgres", "postgres"));
  await admin.query("create role throughline login createrole");
  await admin.query("create role app login");
  await admin.query("create database faults");
  await admin.query("grant create on database faults to throughline");
  await admin.end();
  const inside = await connect(postgres.urlOf("postgres", "faults"));
  await inside.query(`create table local (tag text);
    create table nothing (tag text primary key);
    create table wrong (tag text references nothing deferrable initially deferred);
    create table shared (n int);
    insert into shared values (0);
    grant insert, select, update on local, wrong, shared to app`);
  await inside.end();
}

function writeManifests(folder: string): void {
  mkdirSync(folder, { recursive: true });
  // A double would be visible here.
  const without = manifest.replace(/^ *find:.*\n/m, "").replace(", unique: true", "");
  writeFileSync(join(folder, "named.yaml"), manifest);
  writeFileSync(join(folder, "plain.yaml"), without);
  writeFileSync(
    join(folder, "keyed.yaml"),
    without.replace("types: {}", "types: {}\nidempotency: { header: idempotency-key, keeps: 24h }"),
  );
}

function configOf(
  folder: string,
  url: string,
  served: Readonly<Record<ApiName, ServedApi>>,
  patienceMs: number,
): string {
  const tables = apis.map(
    (name) => `  ${name}:
    manifest: ${join(folder, `${name}.yaml`)}
    base: ${served[name].url}
    timeout: ${patienceMs}ms
    wait: ${waitMs}ms`,
  );
  return `postgres: { url: "${url}", connections: 6, grant: { app: [select, insert, update, delete] } }
log: { level: info, format: json }
apis:
${tables.join("\n")}
`;
}

async function makeProxy(
  postgresPort: number,
  configFor: (relay: Relay) => string,
  env: NodeJS.ProcessEnv,
): Promise<ProxyProcess> {
  const relay = await startRelay(postgresPort);
  const config = configFor(relay);
  let [port, httpPort] = [0, 0];
  let child: ChildProcess | undefined;
  let words = "";
  let died: string | undefined;
  const killed = new Set<ChildProcess>();
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    killed.add(child);
    const exit = new Promise((resolve) => child?.once("exit", resolve));
    child.kill("SIGKILL");
    await exit;
  };
  process.once("exit", () => child?.kill("SIGKILL"));
  const ensure = async () => {
    for (;;) {
      if (child && child.exitCode === null && child.signalCode === null) return;
      child = spawn(process.execPath, [program, "serve", "-c", config], {
        env: { ...process.env, ...env },
        stdio: ["ignore", "ignore", "pipe"],
      });
      const current = child;
      current.once("exit", (code, signal) => {
        if (!killed.has(current) && code !== 1) died = `ended with ${code ?? signal}: ${words.slice(-2_000)}`;
      });
      const said = child.stderr;
      said?.on("data", (text: Buffer) => {
        words = (words + text.toString("utf8")).slice(-8_192);
      });
      const listening = await new Promise<string | undefined>((resolve) => {
        let log = "";
        const hear = (text: Buffer) => {
          log += text.toString("utf8");
          const line = /^\{.*"msg":"listening".*$/m.exec(log);
          if (!line) return;
          said?.off("data", hear);
          resolve(line[0]);
        };
        said?.on("data", hear);
        current.once("exit", () => resolve(undefined));
        setTimeout(() => resolve(undefined), startTimeoutMs).unref();
      });
      if (listening !== undefined) {
        ({ port, http: httpPort } = JSON.parse(listening));
        return;
      }
      await kill();
    }
  };
  const metric = async (name: string) => {
    const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    const found = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (.+)$`, "gm"));
    return [...found].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  return {
    relay,
    get port() {
      return port;
    },
    kill,
    signal: (name) => child?.kill(name),
    ensure,
    words: () => words,
    died: () => died,
    metric,
  };
}

async function run(...words: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [program, ...words], { stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  child.stderr.on("data", (text: Buffer) => said.push(text.toString("utf8")));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`throughline ${words.join(" ")} ended with ${code}: ${said.join("")}`);
}

/** A clock that is moved ends a connection that is being opened: its time is up. */
async function connectSoon(connectionString: string): Promise<pg.Client> {
  const deadlineMs = performance.now() + startTimeoutMs;
  for (;;) {
    const client = await connect(connectionString).catch((cause: unknown) => {
      if (performance.now() > deadlineMs) throw cause;
    });
    if (client) return client;
  }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 30_000 });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
