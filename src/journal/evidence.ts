// What proves what became of a row of a call that nobody knows of. Data, and what follows from it: nothing is asked here.

import type { Verb } from "../upstream/table.js";
import type { State } from "./states.js";

/** How a row stands upstream: found by its key, by a unique value that was sent, or in a whole list. */
export type Sighting = "as sent" | "as before" | "otherwise" | "not there";

/** What became of one row; `other`: somebody has changed it since, or has made one like it. */
export type RowFate = "done" | "undone" | "absent" | "other";

/**
 * What a sighting says of the row. It is said of the row as it stands now: that it is not there, or is as it was, may mean that upstream is still
 * at it, so that such a sighting counts only when it was made again (`looksFor`). A row that is gone is deleted, whoever deleted it.
 */
export const rowEvidence: Readonly<Record<Sighting, Readonly<Record<Verb, RowFate>>>> = {
  "as sent": { insert: "done", update: "done", upsert: "done", delete: "undone" },
  "as before": { insert: "other", update: "undone", upsert: "undone", delete: "undone" },
  otherwise: { insert: "other", update: "other", upsert: "other", delete: "undone" },
  "not there": { insert: "undone", update: "absent", upsert: "undone", delete: "done" },
};

/** What is known of a call when the fates of its rows are. */
export function stateOf(
  fates: readonly RowFate[],
): Extract<State, "accepted" | "partial" | "absent" | "lapsed" | "settled"> {
  if (fates.includes("other")) return "settled";
  if (fates.every((one) => one === "done")) return "accepted";
  if (fates.every((one) => one === "absent")) return "absent";
  return fates.every((one) => one === "undone") ? "lapsed" : "partial";
}

/** How often a call has to have been looked for before its fates count: twice, if a row of it is undone or absent. */
export function looksFor(fates: readonly RowFate[]): number {
  return fates.every((one) => one === "done" || one === "other") ? 1 : 2;
}

/** A call that lapsed is looked for this once more: then nobody looks any longer. */
export const lastLook = 3;

/**
 * How long a call rests before it is looked for, for the first, the second and the last time, in time-outs of its API: upstream may do late
 * what it has not answered in time.
 */
const rests = [2, 2, 10];

export function restMs(looks: number, timeoutMs: number): number {
  return (rests[Math.min(looks, rests.length - 1)] ?? 0) * timeoutMs;
}
