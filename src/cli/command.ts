// What a command gets and gives: its options, two streams, and an exit code.

import { UsageError } from "../app/usage-error.js";
import { memberOf } from "../config/member.js";

export interface Io {
  /** Data. */
  out(line: string): void;
  /** Everything else. */
  err(line: string): void;
}

export interface Options {
  readonly config: string;
  readonly names: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
  readonly json: boolean;
}

/** 0 done · 1 failed or something is wrong · 2 usage, config or manifest · 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

export type Command = (options: Options, io: Io) => Promise<ExitCode>;

/** What failed, in a sentence: of several tries in one, the first. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : String(cause);
}

/** A flag that takes a whole number. */
export function numberFlag(options: Options, name: string, fallback: number): number {
  const text = memberOf(options.flags, name);
  if (text === undefined) return fallback;
  if (typeof text !== "string" || !/^\d+$/.test(text)) throw new UsageError(`--${name} takes a whole number`);
  return Number(text);
}

/** What a process exits with when a signal ends it, as shells have it. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** Aborted by the first SIGINT or SIGTERM; the second, whichever it is, ends the process at once. */
export function interruptionSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      // The first process of a container has no default action to fall back to.
      if (controller.signal.aborted) process.exit(exitCodes[name]);
      controller.abort();
    });
  }
  return controller.signal;
}

/** Resolves when `signal` is aborted, or nobody reads what the process says any more. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
    process.stdout.once("error", () => resolve());
  });
}

/** Resolves when the process is asked to stop, or nobody reads what it says any more. A second signal ends it at once. */
export function awaitInterruption(): Promise<void> {
  return aborted(interruptionSignal());
}
