// A program with all that it starts: run to its end, or ended as a whole.

import { spawn } from "node:child_process";

/** @typedef {import("../bench/scope.mjs").Scope} Scope */
/** @typedef {{ readonly cwd?: string, readonly uid?: number, readonly gid?: number, readonly limitMs: number }} GroupOptions */
/** @typedef {{ readonly ended: number | string | null, readonly stdout: string, readonly stderr: string }} Ran */

/** What a client library would take from the environment is taken out of it. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PG")));

/**
 * Whatever its exit code is, what it said comes back; `ended` is a word when it did not end by itself.
 * @param {Scope} scope @param {string} program @param {readonly string[]} words @param {GroupOptions} options @returns {Promise<Ran>}
 */
export async function runGroup(scope, program, words, { limitMs, ...options }) {
  scope.signal.throwIfAborted();
  const child = spawn(program, words, { ...options, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const name of /** @type {const} */ (["stdout", "stderr"])) {
    child[name].setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      said[name] += text;
    });
  }
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  };
  process.once("exit", kill);
  scope.signal.addEventListener("abort", kill, { once: true });
  const limit = setTimeout(kill, limitMs);
  try {
    /** @type {Ran["ended"]} */
    const ended = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? signal));
    });
    scope.signal.throwIfAborted();
    return { ended, ...said };
  } finally {
    clearTimeout(limit);
    scope.signal.removeEventListener("abort", kill);
    process.off("exit", kill);
  }
}
