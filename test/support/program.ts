// The built program, as a user runs it: exit code, and what it says on which stream.

import { type ChildProcess, execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export const program = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export function runProgram(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env, cwd }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
  });
}

/** The first log line with that message, of those that come from now on. */
export function logLines(process: ChildProcess): (message: string) => Promise<Record<string, unknown>> {
  let text = "";
  const waiting = new Map<string, (line: Record<string, unknown>) => void>();
  process.stderr?.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n")) {
      const line = JSON.parse(text.slice(0, end));
      text = text.slice(end + 1);
      waiting.get(line.msg)?.(line);
    }
  });
  return (message) => new Promise((resolve) => waiting.set(message, resolve));
}
