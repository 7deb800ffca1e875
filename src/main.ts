#!/usr/bin/env node
// The program: its command line, and the streams that it speaks to.

import type { Io } from "./cli/command.js";
import { runCommandLine } from "./cli/command-line.js";
import { escapeLines } from "./config/clean-text.js";

/** Nothing that is stored, or that an API or Postgres says, can command a terminal. */
const io: Io = {
  out: (line) => process.stdout.write(`${escapeLines(line)}\n`),
  err: (line) => process.stderr.write(`${escapeLines(line)}\n`),
};

// Nobody reads on, as after "| head": what runs on by itself hears of it (`interrupted`), anything else comes to its end.
process.stdout.on("error", () => undefined);
process.exitCode = await runCommandLine(process.argv.slice(2), io);
