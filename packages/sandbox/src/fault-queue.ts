// Faults that wait for the requests they strike: which ones, and how often. What they do is each sandbox's own.

import { starred } from "./starred.js";

/** Which requests a fault strikes; `*` in the path stands for anything. */
export interface Aim {
  readonly times?: number;
  readonly on?: { readonly method?: string; readonly path?: string };
}

interface Target {
  readonly method: string;
  readonly path: string;
}

export class FaultQueue<Fault extends Aim & { readonly kind: string }, Request extends Target> {
  readonly #named: Readonly<Record<string, Fault>>;
  readonly #canStrike: (fault: Fault, request: Request) => boolean;
  #waiting: readonly { readonly fault: Fault; readonly left: number }[] = [];

  /** `named` has each fault as it is when only named. Some faults need more than their aim to strike: a body, rows, a property. */
  constructor(named: Readonly<Record<string, Fault>>, canStrike: (fault: Fault, request: Request) => boolean) {
    this.#named = named;
    this.#canStrike = canStrike;
  }

  /** A fault, or one written as NAME or NAME:TIMES. Throws an Error that names the faults there are for any other. */
  add(given: Fault | string): void {
    const fault = typeof given === "string" ? parseNamed(this.#named, given) : complete(this.#named, given);
    this.#waiting = [...this.#waiting, { fault, left: fault.times ?? 1 }];
  }

  clear(): void {
    this.#waiting = [];
  }

  /** The first fault that fits the request, used up by one. */
  take(request: Request): Fault | undefined {
    const struck = this.#waiting.find(({ fault }) => aimedAt(fault, request) && this.#canStrike(fault, request));
    if (!struck) return undefined;
    this.#waiting = this.#waiting
      .map((waiting) => (waiting === struck ? { ...waiting, left: waiting.left - 1 } : waiting))
      .filter(({ left }) => left > 0);
    return struck.fault;
  }
}

/** Reads NAME or NAME:TIMES; throws on anything else, with the names there are. */
export function parseNamed<Fault extends { readonly kind: string }>(
  named: Readonly<Record<string, Fault>>,
  written: string,
): Fault & { readonly times: number } {
  const [, name, times = "1"] = /^([a-z-]+)(?::([1-9]\d*))?$/.exec(written) ?? [];
  const fault = Object.values(named).find(({ kind }) => kind === name);
  if (!fault) throw strange(named, written);
  return { ...fault, times: Number(times) };
}

/** What a fault leaves out is as when it is only named. A program that is not type-checked may give a kind that there is not. */
function complete<Fault extends { readonly kind: string }>(
  named: Readonly<Record<string, Fault>>,
  given: Fault,
): Fault {
  const fault = Object.hasOwn(named, given.kind) ? named[given.kind] : undefined;
  if (!fault) throw strange(named, given.kind);
  return { ...fault, ...given };
}

function strange(named: Readonly<Record<string, unknown>>, written: string): Error {
  const names = Object.keys(named).join(", ");
  return new Error(`"${written}" is not a fault; NAME or NAME:TIMES, with a name of ${names}`);
}

function aimedAt(fault: Aim, request: Target): boolean {
  const { method = request.method, path = "*" } = fault.on ?? {};
  return method === request.method && starred(path).test(request.path);
}
