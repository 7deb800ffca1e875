// A worker: sessions that ask little and steadily, and how long each waited at worst. Some go straight to Postgres: what these wait
// for is the machine or Postgres, and none of the proxy's doing.

import { parentPort, workerData } from "node:worker_threads";
import pg from "pg";

/** Each asks once in this time, not all at once. */
const pauseMs = 1_000;
const directPauseMs = 50;

/** @typedef {"reads" | "writes" | "direct"} Kind */

/** @type {Record<Kind, number>} */
let worstMs = none();
/** When each session that waits began to. @type {Map<object, { kind: Kind, fromMs: number }>} */
const waiting = new Map();
/** @type {string[]} */
let errors = [];
let answered = 0;
let going = true;

/** @returns {Record<Kind, number>} */
function none() {
  return { reads: 0, writes: 0, direct: 0 };
}

/**
 * @param {Kind} kind
 * @param {string} url
 * @param {string} text
 * @param {number} everyMs
 */
async function start(kind, url, text, everyMs) {
  const client = new pg.Client({ connectionString: url });
  client.on("error", (error) => going && errors.push(`${kind}: ${error.message}`));
  await client.connect();
  const ask = async () => {
    if (!going) return client.end().catch(() => undefined);
    const fromMs = performance.now();
    waiting.set(client, { kind, fromMs });
    await client.query(text).catch((error) => going && errors.push(`${kind}: ${error.message}`));
    waiting.delete(client);
    answered += 1;
    worstMs[kind] = Math.max(worstMs[kind], performance.now() - fromMs);
    setTimeout(ask, everyMs);
  };
  setTimeout(ask, Math.random() * everyMs);
}

/** Who still waits counts for the time until now. */
function read() {
  for (const { kind, fromMs } of waiting.values()) worstMs[kind] = Math.max(worstMs[kind], performance.now() - fromMs);
  const reading = { ...worstMs, answered, errors };
  worstMs = none();
  answered = 0;
  errors = [];
  return reading;
}

parentPort?.on("message", ({ id, asked }) => {
  if (asked === "stop") going = false;
  parentPort?.postMessage({ id, ...read() });
});

const { url, directUrl, readers, writes, direct } = workerData;
const started = [];
for (let i = 0; i < readers; i++) started.push(start("reads", url, "select 1", pauseMs));
for (const text of writes) started.push(start("writes", url, text, pauseMs));
for (let i = 0; i < direct; i++) started.push(start("direct", directUrl, "select 1", directPauseMs));
Promise.all(started).then(
  () => parentPort?.postMessage({ started: true }),
  (error) => parentPort?.postMessage({ started: false, reason: String(error) }),
);
