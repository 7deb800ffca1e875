// All that a run starts, and its end: whatever happens, and at Ctrl-C, its processes, servers and folders go with it.

import { spawn } from "node:child_process";
import { setMaxListeners } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */
/** @typedef {import("node:child_process").SpawnOptions} SpawnOptions */
/** @typedef {{ readonly child: ChildProcess, readonly pid: number, readonly words: () => string }} Started */

/** What can't be done here, in one sentence for whoever started the run. */
export class Unable extends Error {}

const startTimeoutMs = 15_000;
const endTimeoutMs = 3_000;

export class Scope {
  #abort = new AbortController();
  /** @type {Set<() => unknown>} */
  #ends = new Set();
  /** @type {Set<ChildProcess>} */
  #children = new Set();
  /** @type {Set<number>} */
  #ports = new Set();
  #ending = false;
  folder = mkdtempSync(join(tmpdir(), "throughline-bench-"));
  signal = this.#abort.signal;
  /** Somebody asked for the end. */
  interrupted = false;

  constructor() {
    setMaxListeners(0, this.signal);
    this.onEnd(() => rmSync(this.folder, { recursive: true, force: true }));
    for (const name of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
      process.on(name, () => {
        this.interrupted = true;
        this.#abort.abort(new Unable(`ended by ${name}`));
      });
    }
    process.once("exit", () => {
      for (const child of this.#children) child.kill("SIGKILL");
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** What is started last ends first. @param {() => unknown} end */
  onEnd(end) {
    this.#ends.add(end);
  }

  /** Ends everything; an end that fails does not keep the others from theirs. */
  async end() {
    this.#ending = true;
    for (const end of [...this.#ends].reverse()) {
      try {
        await end();
      } catch (cause) {
        process.stderr.write(`${String(cause)}\n`);
      }
    }
  }

  /**
   * A process that lives until the run ends; the run ends when it does not.
   * @param {string} program @param {readonly string[]} words @param {SpawnOptions} [options] @returns {Started}
   */
  start(program, words, options) {
    const started = this.#spawn(program, words, options);
    started.child.once("close", (code, signal) => {
      if (!this.#ending) this.#abort.abort(new Unable(ending(program, words, code ?? signal, started)));
    });
    return started;
  }

  /**
   * A process that is waited for; what it says on stdout and stderr comes back.
   * @param {string} program @param {readonly string[]} words @param {SpawnOptions} [options]
   */
  async run(program, words, options) {
    const started = this.#spawn(program, words, options);
    const { child } = started;
    const kill = () => child.kill();
    this.signal.addEventListener("abort", kill, { once: true });
    /** @type {number | string | null} */
    const code = await new Promise((resolve) => {
      child.once("error", () => resolve("an error"));
      child.once("close", (number, signal) => resolve(number ?? signal));
    });
    this.signal.removeEventListener("abort", kill);
    // What it is connected to may have ended first: that is the better reason.
    if (code !== 0) await this.wait(100);
    this.signal.throwIfAborted();
    if (code !== 0) throw new Unable(ending(program, words, code, started));
    return started.words();
  }

  /** @param {string} program @param {readonly string[]} words @param {SpawnOptions} [options] @returns {Started} */
  #spawn(program, words, options = {}) {
    this.signal.throwIfAborted();
    const child = spawn(program, words, { cwd: this.folder, ...options, stdio: ["ignore", "pipe", "pipe"] });
    this.#children.add(child);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (/** @type {Buffer} */ text) => {
        said = `${said}${text}`.slice(-4096);
      });
    }
    child.once("error", (cause) => {
      said += String(cause);
      this.#children.delete(child);
    });
    const end = () => this.#stop(child);
    this.onEnd(end);
    child.once("close", () => {
      this.#children.delete(child);
      this.#ends.delete(end);
    });
    return { child, pid: child.pid ?? 0, words: () => said };
  }

  /** @param {number} ms */
  async wait(ms) {
    await delay(ms, undefined, { signal: this.signal }).catch(() => this.signal.throwIfAborted());
  }

  /** A free port below the range that the kernel hands out for outgoing connections. @returns {Promise<number>} */
  async freePort() {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (this.#ports.has(port)) return this.freePort();
    const probe = createServer();
    /** @type {boolean} */
    const free = await new Promise((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (!free) return this.freePort();
    this.#ports.add(port);
    return port;
  }

  /** Waits until `started` listens. @param {Started} started @param {number} port */
  async untilListening(started, port) {
    for (const deadlineMs = performance.now() + startTimeoutMs; ; await this.wait(50)) {
      /** @type {boolean} */
      const open = await new Promise((resolve) => {
        const probe = connect(port, "127.0.0.1", () => resolve(true));
        probe.once("error", () => resolve(false)).once("connect", () => probe.destroy());
      });
      if (open) return;
      if (started.child.exitCode !== null || started.pid === 0 || performance.now() > deadlineMs) {
        throw new Unable(`${started.child.spawnargs.join(" ")} does not listen: ${started.words().trim()}`);
      }
    }
  }

  /** @param {ChildProcess} child */
  async #stop(child) {
    if (!this.#children.has(child)) return;
    /** @type {Promise<void>} */
    const closed = new Promise((resolve) => child.once("close", () => resolve()));
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), endTimeoutMs);
    await closed;
    clearTimeout(kill);
  }
}

/** @param {string} program @param {readonly string[]} words @param {unknown} code @param {Started} started */
function ending(program, words, code, started) {
  return `${program} ${words.join(" ")} ended with ${code}: ${started.words().trim()}`;
}

/**
 * Runs a program of this folder's kind to its exit code: 2 when it could not be run, 130 when somebody ended it.
 * @param {string} name @param {(scope: Scope) => Promise<number>} main
 */
export async function runProgram(name, main) {
  const scope = new Scope();
  try {
    process.exitCode = await main(scope);
  } catch (cause) {
    process.exitCode = scope.interrupted ? 130 : 2;
    const expected = cause instanceof Unable;
    process.stderr.write(
      `${name}: ${expected ? cause.message : cause instanceof Error ? cause.stack : String(cause)}\n`,
    );
  } finally {
    await scope.end();
  }
}
