// An orphan entry of the journal: one that a killed proxy has left open.

import { randomUUID } from "node:crypto";
import { type Intent, noteIntent, noteOutcome, type Outcome, type RequestRow } from "../../src/journal/journal.js";
import type { Stack } from "./stack.js";

interface OrphanEntry {
  readonly verb: Intent["verb"];
  readonly request: readonly (Omit<RequestRow, "before"> & Partial<RequestRow>)[];
}

/** An intent for the one mirror of the stack. */
export async function newIntent(
  { admin }: Pick<Stack, "admin">,
  { verb, request }: OrphanEntry,
  proxy: string = randomUUID(),
): Promise<Intent> {
  const { rows } = await admin.query("select id, revision from throughline.mirror");
  const by = { role: "app", application: "", clientAddress: "", statementHash: "", idempotencyKey: null };
  const keys = request.flatMap(({ key }) => key ?? []);
  const of = { mirror: rows[0], api: "hubspot", table: "hubspot.contacts", keys };
  const whole = request.map((row) => ({ before: {}, ...row }));
  return { ...by, ...of, verb, request: whole, call: randomUUID(), proxy };
}

/** Notes an entry as far as the killed proxy came; returns the id of its call. */
export async function insertOrphan(
  stack: Pick<Stack, "opened" | "admin">,
  entry: OrphanEntry,
  state: "intent" | "sent",
  outcome?: Pick<Outcome, "state" | "rows">,
  proxy?: string,
): Promise<string> {
  const { pool } = stack.opened;
  const intent = await newIntent(stack, entry, proxy);
  await noteIntent(pool, intent, state);
  if (outcome) await noteOutcome(pool, intent.call, { status: 200, request: null, sqlstate: null, ...outcome });
  return intent.call;
}
