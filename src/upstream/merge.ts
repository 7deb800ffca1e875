// An object whose keys upstream keeps: a request has the keys that change, and no other.

import { isRecord } from "../config/json.js";
import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import { numberText } from "../manifest/json-number.js";
import { parsingJson } from "../manifest/lossless-json.js";
import { comparableJsonForm } from "./same-value.js";

interface ChangedKey {
  readonly name: string;
  readonly before: unknown;
  /** Undefined: the key is gone. */
  readonly after: unknown;
}

/**
 * Returns the JSON to send for the object `text`: its keys that differ from those of `before`, and `clear` for each that is gone. What is no
 * object, or was none, is sent as it is. Undefined: no key differs, and an empty object may clear them all.
 */
export function* mergingKeys(text: string, before: string | null, clear: unknown): Slices<unknown> {
  const changes = yield* changedKeys(text, before);
  if (!changes) return yield* parsingJson(text);
  if (changes.length === 0) return undefined;
  return Object.fromEntries(changes.map(({ name, after }) => [name, after ?? clear]));
}

/**
 * Returns whether `before`, which could not hold all that upstream has, holds those keys that a request with `text` would change: what was
 * lost shows as null or as U+FFFD.
 */
export function* keepsInexactKeys(text: string, before: string | null): Slices<boolean> {
  const changes = yield* changedKeys(text, before);
  if (!changes) return false;
  for (const { name, before: value } of changes)
    if (/\uFFFD|\bnull\b/.test(`${name} ${value === undefined ? "" : yield* comparableJsonForm(value)}`)) return false;
  return true;
}

/** Undefined: one of the two is no object. A key that is null is no key. */
function* changedKeys(text: string, before: string | null): Slices<readonly ChangedKey[] | undefined> {
  const [old, now] = [before === null ? null : yield* parsingJson(before), yield* parsingJson(text)];
  if (!isObject(old) || !isObject(now)) return undefined;
  const changes: ChangedKey[] = [];
  for (const name of new Set([...Object.keys(now), ...Object.keys(old)])) {
    const key = { name, before: keyOf(old, name), after: keyOf(now, name) };
    if ((yield* comparableJsonForm(key.before)) !== (yield* comparableJsonForm(key.after))) changes.push(key);
  }
  return changes;
}

function keyOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return memberOf(object, name) ?? undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && numberText(value) === undefined;
}
