// Which functions may write to a mirror: those whose body does, and those that call one of them, over any number of steps.

import type { Slices } from "../config/slices.js";
import { type MentionKey, nameKey, oidKey } from "./mention-keys.js";

/** What the bodies of functions mention, in keys. */
export interface CallingFunction {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  /** The tables that it writes to. */
  readonly writes: Uint32Array;
  /** The functions that it calls. */
  readonly calls: Uint32Array;
}

export interface NamedRelation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
}

/** A name that Postgres gives a meaning of its own, unless its owner is trusted. */
export type IsBuiltin = (named: { readonly name: string; readonly owner: string }) => boolean;

/** After so many steps the search lets others on. */
const stepsInSlice = 2_000;

/**
 * Finds the functions that may write to one of `tables`. A call without a schema leads to the functions of that name in every schema, but
 * to none that `isBuiltin`. Its time grows with the number of mentions. It yields after every slice of work.
 */
export function* writersAmong(
  functions: readonly CallingFunction[],
  tables: readonly NamedRelation[],
  isBuiltin: IsBuiltin,
): Slices<ReadonlySet<number>> {
  const targets = yield* keySet(tables, () => false);
  const callers = yield* callersByKey(functions, yield* keySet(functions, isBuiltin));
  const writers = new Set<number>();
  const queue: CallingFunction[] = [];
  const add = (one: CallingFunction) => {
    if (!writers.has(one.oid)) queue.push(one);
    writers.add(one.oid);
  };
  for (const [step, one] of functions.entries()) {
    if (one.writes.some((key) => targets.has(key))) add(one);
    if (step % stepsInSlice === 0) yield;
  }
  for (let writer = queue.pop(); writer; writer = queue.pop()) {
    for (const key of keysOf(writer, isBuiltin)) {
      for (const caller of callers.get(key) ?? []) add(caller);
      // Whoever calls another function of this key is a writer by now.
      callers.delete(key);
    }
    if (queue.length % stepsInSlice === 0) yield;
  }
  return writers;
}

type Named = NamedRelation | CallingFunction;

function keysOf(named: Named, isBuiltin: IsBuiltin): MentionKey[] {
  const { oid, schema, name } = named;
  const exact = [oidKey(oid), nameKey(schema, name)];
  return isBuiltin(named) ? exact : [...exact, nameKey(null, name)];
}

function* keySet(named: readonly Named[], isBuiltin: IsBuiltin): Slices<Set<MentionKey>> {
  const keys = new Set<MentionKey>();
  for (const [step, one] of named.entries()) {
    for (const key of keysOf(one, isBuiltin)) keys.add(key);
    if (step % stepsInSlice === 0) yield;
  }
  return keys;
}

/** Returns who calls what is among `keys`. */
function* callersByKey(
  functions: readonly CallingFunction[],
  keys: ReadonlySet<MentionKey>,
): Slices<Map<MentionKey, CallingFunction[]>> {
  const callers = new Map<MentionKey, CallingFunction[]>();
  let step = 0;
  for (const one of functions) {
    for (const key of one.calls) {
      const others = callers.get(key);
      if (others) others.push(one);
      else if (keys.has(key)) callers.set(key, [one]);
      step += 1;
      if (step % stepsInSlice === 0) yield;
    }
  }
  return callers;
}
