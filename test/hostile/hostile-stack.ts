// What is attacked: a Postgres of its own, an API, and the built program between them as users start it, with a meter inside and a relay
// in front of Postgres. Role app has the neighbours, eve attacks, and locked has a password that nobody here says.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { startPostgres } from "../../src/app/embedded-postgres.js";
import { runProgram } from "../support/program.js";
import { type MeteredProgram, startMeteredProgram } from "./metered-program.js";
import { type Neighbourhood, type Neighbours, startNeighbours } from "./neighbours.js";
import { startUnrulyApi, type UnrulyApi } from "./unruly-api.js";
import { type AskedWorker, startWorker } from "./worker.js";

const database = "hostile";
const thingsYaml = fileURLToPath(new URL("../support/things.yaml", import.meta.url));

/** Records of each mirror with targets r0, r1, and so on. */
export const recordCount = 400;

/** What a role's sessions and Postgres have said to each other. */
interface Exchange {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** How often Postgres was spoken to after it had answered. */
  readonly flights: number;
  readonly connections: number;
}

export interface HostileStack {
  readonly admin: pg.Client;
  readonly api: UnrulyApi;
  /** The API of the mirror enemy.things: an account of its own, so that its moods are no reason to spare the others. */
  readonly enemy: UnrulyApi;
  readonly database: string;
  /** Of the program that runs now. */
  readonly program: MeteredProgram;
  exchangeOf(role: string): Promise<Exchange>;
  /** Spoils one of so many chunks that Postgres says to these roles. */
  spoil(roles: readonly string[], oneOf: number, seed: number): Promise<void>;
  /** Ends the connections to Postgres that a role's sessions have. */
  cut(role: string): Promise<void>;
  neighbours(how: Neighbourhood): Promise<Neighbours>;
  /** A driver's client through the program. */
  client(role: string): Promise<pg.Client>;
  direct(role: string): Promise<pg.Client>;
  /** Ends the program if it still runs, and starts it anew. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Mirrors: things.things, metered.things of an account that takes a few calls a second, and enemy.things. */
export async function startHostileStack(): Promise<HostileStack> {
  const folder = mkdtempSync(join(tmpdir(), "throughline-hostile-"));
  const postgres = await startPostgres(18, "host all locked all scram-sha-256");
  const urlOf = (role: string, port = postgres.port) =>
    postgres.urlOf(role, database).replace(`:${postgres.port}/`, `:${port}/`);
  await prepare(postgres.urlOf("postgres", "postgres"), urlOf("postgres"));
  const api = await startUnrulyApi(recordCount);
  const enemy = await startUnrulyApi(recordCount);
  const relay = await startWorker("relay.mjs", { postgresPort: postgres.port });
  const config = join(folder, "throughline.yaml");
  writeFileSync(config, configOf(urlOf("throughline", Number(relay.first["port"])), api.url, enemy.url));
  for (const command of ["migrate", "pull"]) {
    const { code, out, err } = await runProgram(folder, process.env, [command, "-c", config]);
    if (code !== 0) throw new Error(`${command} failed: ${out}${err}`);
  }
  let program = await startMeteredProgram(config, {});
  const clients: pg.Client[] = [];
  const connected = async (url: string) => {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const neighbourhoods: Neighbours[] = [];
  return {
    admin: await connected(urlOf("postgres")),
    api,
    enemy,
    database,
    get program() {
      return program;
    },
    exchangeOf: (role) => exchangeOf(relay, role),
    spoil: async (roles, oneOf, seed) => {
      await relay.ask({ asked: "spoil", spoil: { roles, oneOf }, seed });
    },
    cut: async (role) => {
      await relay.ask({ asked: "cut", role });
    },
    neighbours: async (how) => {
      const neighbours = await startNeighbours(how, urlOf("app", program.port), urlOf("app"));
      neighbourhoods.push(neighbours);
      return neighbours;
    },
    client: (role) => connected(urlOf(role, program.port)),
    direct: (role) => connected(urlOf(role)),
    restart: async () => {
      await program.kill();
      program = await startMeteredProgram(config, {});
    },
    close: async () => {
      for (const neighbours of neighbourhoods) await neighbours.end();
      for (const client of clients) await client.end().catch(() => undefined);
      await program.kill();
      await relay.end();
      await api.close();
      await enemy.close();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function prepare(serverUrl: string, databaseUrl: string): Promise<void> {
  const server = new pg.Client({ connectionString: serverUrl });
  await server.connect();
  await server.query("create role throughline login createrole; create role app login; create role eve login");
  await server.query("create role locked login password 'never said here'");
  await server.query(`create database ${database}`);
  await server.query(`grant create on database ${database} to throughline, eve`);
  await server.end();
  const inside = new pg.Client({ connectionString: databaseUrl });
  await inside.connect();
  await inside.query(
    "create table notes (n int, said text); grant all on notes to app, eve; insert into notes values (1)",
  );
  await inside.query("grant create on schema public to eve");
  // What Postgres itself would be busy with for minutes is not what is looked for.
  await inside.query("alter role eve set statement_timeout = '20s'");
  await inside.end();
}

function configOf(postgresUrl: string, apiUrl: string, enemyUrl: string): string {
  const rights = "[select, insert, update, delete]";
  const account = (base: string) => `manifest: ${thingsYaml}, base: "${base}", timeout: 5s`;
  return `listen: { address: 127.0.0.1:0, drain: 2s }
http: 127.0.0.1:0
log: { format: json }
postgres: { url: "${postgresUrl}", connections: 4, grant: { app: ${rights}, eve: ${rights} } }
apis:
  things: { ${account(apiUrl)} }
  metered: { ${account(apiUrl)}, wait: 2s, rate: 4/s }
  enemy: { ${account(enemyUrl)} }
`;
}

async function exchangeOf(relay: AskedWorker, role: string): Promise<Exchange> {
  const { sentBytes, receivedBytes, flights, connections } = await relay.ask({ asked: "read", role });
  return {
    sentBytes: Number(sentBytes),
    receivedBytes: Number(receivedBytes),
    flights: Number(flights),
    connections: Number(connections),
  };
}
