// The log: on stderr, readable on a terminal and JSON elsewhere. It holds no value of a statement and no body of an answer.

import { destination, type Logger, pino } from "pino";
import pretty from "pino-pretty";
import { cleanText, textLimits } from "../config/clean-text.js";

export interface LogOptions {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly format: "auto" | "json" | "text";
}

export function makeLog({ level, format }: LogOptions): Logger {
  const text = format === "text" || (format === "auto" && process.stderr.isTTY);
  const stream = text
    ? pretty({ destination: 2, sync: true, ignore: "pid,hostname", colorize: colours() })
    : destination({ dest: 2, sync: true });
  // An error may quote the value it met: its kind, its code and where it was thrown are enough.
  return pino({ level, serializers: { err: describeError } }, stream);
}

/** As https://no-color.org asks. */
function colours(): boolean {
  return process.stderr.isTTY && !process.env["NO_COLOR"];
}

function describeError(cause: unknown): unknown {
  if (!(cause instanceof Error)) return { type: typeof cause };
  const code = "code" in cause ? cleanText(String(cause.code), textLimits.word) : undefined;
  // The message comes first, and may have lines that look like frames.
  const frames = cause.stack
    ?.replace(cause.message, "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line));
  return { type: cleanText(cause.name, textLimits.word), code, stack: frames?.join("\n") };
}
