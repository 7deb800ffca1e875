// Sessions of proxies that are gone, and a round of recovery.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { openMirrors } from "../../src/app/open.js";
import { readYaml } from "../../src/config/yaml.js";
import { EntryWatch } from "../../src/journal/entry-watch.js";
import { lastLook } from "../../src/journal/evidence.js";
import { noteIntent, noteOutcome, type RequestRow } from "../../src/journal/journal.js";
import { recover } from "../../src/journal/recover.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { type FaultyApi, startApi } from "../faults/api.js";
import { startManifestStack } from "../support/manifest-stack.js";
import type { ServedStack } from "../support/served-stack.js";

export type Verb = "insert" | "update" | "delete";
/** How far a session came before it was lost. */
export type Reached = "intent" | "sent" | "sent, and done" | "accepted" | "refused" | "unknown" | "unknown, and done";
/** A session that was lost: what it noted, and what upstream did of it. Undefined when its row is not there. */
export async function lose(
  stack: ServedStack,
  api: FaultyApi,
  verb: Verb,
  name: string,
  reached: Reached,
): Promise<void> {
  const { pool } = stack.opened;
  const there = api.records().find((record) => record.name === name);
  if ((verb === "insert") === (there !== undefined)) return;
  const note = randomUUID();
  const request: RequestRow =
    verb === "insert"
      ? { key: null, sent: { name, note }, before: {} }
      : { key: there?.id ?? "", sent: verb === "update" ? { note } : {}, before: { note: there?.note ?? null } };
  const { rows: mirrors } = await stack.admin.query("select id, revision from throughline.mirror");
  const call = randomUUID();
  const by = { role: "app", application: "", clientAddress: "", statementHash: "", idempotencyKey: null };
  const keys = request.key === null ? [] : [request.key];
  const of = { mirror: mirrors[0], api: "own", table: "own.records", keys, request: [request], verb };
  await noteIntent(pool, { ...by, ...of, call, proxy: randomUUID() }, reached === "intent" ? "intent" : "sent");
  let key = request.key ?? "";
  if (reached === "accepted" || reached.endsWith("done")) key = api.apply(verb, { id: key, name, note });
  const outcome = { status: 200, request: null, sqlstate: null };
  if (reached === "accepted") {
    const row = verb === "delete" ? null : { id: key, name, note };
    await noteOutcome(pool, call, { ...outcome, state: "accepted", rows: [{ key, row }] });
  } else if (reached === "refused") await noteOutcome(pool, call, { ...outcome, state: "refused", rows: [] });
  else if (reached.startsWith("unknown")) await noteOutcome(pool, call, { ...outcome, state: "unknown", rows: [] });
}

/** As many rounds as it takes, in which upstream has had its time. */
export async function recoverNow(stack: ServedStack): Promise<void> {
  const watch = new EntryWatch(() => Number.POSITIVE_INFINITY);
  const parts = { ...stack.opened, proxy: randomUUID(), watch, mirrors: () => openMirrors(stack.opened) };
  for (let look = 1; look <= lastLook; look += 1) {
    await stack.admin.query("update throughline.journal set tried_at = null");
    while ((await recover(parts)) === undefined);
  }
}

/** The API of the fault tests behind one mirror: own.records. Its names are unique, or nothing tells its records apart. */
export async function startFaultyLine(
  names: "unique" | "any" = "unique",
): Promise<{ readonly api: FaultyApi; readonly line: ServedStack }> {
  const api = await startApi(names === "unique" ? names : undefined);
  const text = readFileSync(new URL("../faults/manifest.yaml", import.meta.url), "utf8");
  const told =
    names === "unique" ? text : text.replace("{ type: text, unique: true }", "text").replace(/^ +find:.*\n/m, "");
  const manifest = readYaml("manifest.yaml", told, manifestSchema);
  const close = async () => api.close();
  return { api, line: await startManifestStack({ schema: "own", manifest, resource: "records", url: api.url, close }) };
}
