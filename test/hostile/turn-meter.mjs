// Preloaded into the program (`node --import`): how much CPU its main thread spends in one turn of the event loop, and what it still
// holds. Its parent asks by IPC. CPU, not the clock, so that a busy machine does not count. Linux only.

import { closeSync, openSync, readSync } from "node:fs";
import { Socket } from "node:net";
import { queryObjects } from "node:v8";

/** Nanoseconds on the CPU are the first number there. The main thread has the id of the process. */
const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
const digits = Buffer.alloc(64);

let lastNs = cpuNs();
let sinceNs = lastNs;
let worstNs = 0;
let worstEndedAtMs = 0;
let turns = 0;

turn();
process.on("message", (question) => {
  if (isQuestion(question)) process.send?.({ id: question.id, ...answer(question.asked) });
});
// The parent's ear is no reason to live on.
process.channel?.unref();
process.once("exit", () => closeSync(schedule));

/** An immediate that keeps nobody alive runs once a turn, behind what the turn has read, and never starts one. */
function turn() {
  const nowNs = cpuNs();
  const spentNs = nowNs - lastNs;
  lastNs = nowNs;
  turns += 1;
  if (spentNs > worstNs) {
    worstNs = spentNs;
    worstEndedAtMs = performance.now();
  }
  setImmediate(turn).unref();
}

function cpuNs() {
  const length = readSync(schedule, digits, 0, digits.length, 0);
  return Number(digits.toString("latin1", 0, length).split(" ", 1)[0]);
}

/** @param {string} asked */
function answer(asked) {
  return asked === "holdings" ? holdings() : readAndReset();
}

/** What was spent since the last question of this kind. */
function readAndReset() {
  const nowNs = cpuNs();
  const read = {
    cpuMs: (nowNs - sinceNs) / 1e6,
    worstTurnMs: worstNs / 1e6,
    worstAgoMs: performance.now() - worstEndedAtMs,
    turns,
  };
  sinceNs = nowNs;
  // The question's own turn is not over.
  lastNs = nowNs;
  worstNs = 0;
  turns = 0;
  return read;
}

/** What lives after a garbage collection. */
function holdings() {
  const sockets = Number(queryObjects(Socket, { format: "count" }));
  const signals = Number(queryObjects(AbortSignal, { format: "count" }));
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  /** @type {Record<string, number>} */
  const resources = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const { heapUsed, external, rss } = process.memoryUsage();
  // To look for what lives is work of this meter alone.
  lastNs = cpuNs();
  return { sockets, signals, listeners, resources, memoryBytes: heapUsed + external, rssBytes: rss };
}

/**
 * @param {unknown} question
 * @returns {question is { id: number, asked: string }}
 */
function isQuestion(question) {
  return typeof question === "object" && question !== null && "id" in question && "asked" in question;
}
