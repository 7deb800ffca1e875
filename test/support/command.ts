// One command in this process: what it says on which stream, and how it ends.

import { join } from "node:path";
import { UsageError } from "../../src/app/usage-error.js";
import type { Command, Io, Options } from "../../src/cli/command.js";
import { runCommandLine } from "../../src/cli/command-line.js";
import { escapeLines } from "../../src/config/clean-text.js";
import { ConfigError } from "../../src/config/yaml.js";
import type { Ran } from "./program.js";

let running = 0;
let outside = process.env;

/** Runs the words as the program does, with the config of that folder, without the second that a process takes to begin. Commands that run at once share their environment. */
export async function runHere(folder: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Ran> {
  const { said, io } = listen();
  if (running === 0) outside = process.env;
  running += 1;
  process.env = { ...env };
  try {
    const code = await runCommandLine(
      args.includes("-c") ? args : [...args, "-c", join(folder, "throughline.yaml")],
      io,
    );
    return { code, ...said };
  } finally {
    running -= 1;
    if (running === 0) process.env = outside;
  }
}

/** Runs a command by itself. A wrong command line, config or manifest ends it with 2 and its bare sentence. */
export async function runCommand(command: Command, options: Partial<Options>): Promise<Ran> {
  const { said, io } = listen();
  try {
    const code = await command({ config: "throughline.yaml", names: [], flags: {}, json: false, ...options }, io);
    return { code, ...said };
  } catch (cause) {
    if (!(cause instanceof UsageError || cause instanceof ConfigError)) throw cause;
    return { code: 2, out: said.out, err: `${said.err}${cause.message}\n` };
  }
}

function listen(): { readonly said: { out: string; err: string }; readonly io: Io } {
  const said = { out: "", err: "" };
  const io: Io = {
    out: (line) => {
      said.out += `${escapeLines(line)}\n`;
    },
    err: (line) => {
      said.err += `${escapeLines(line)}\n`;
    },
  };
  return { said, io };
}
