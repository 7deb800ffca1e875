// An orphan entry of the journal: one that a killed proxy has left open.

import { randomUUID } from "node:crypto";
import { type Intent, noteIntent, noteOutcome, type Outcome, type RequestRow } from "../../src/journal/journal.js";
import type { Stack } from "./stack.js";

interface OrphanEntry {
  readonly verb: Intent["verb"];
  readonly request: readonly (Omit<RequestRow, "before"> & Partial<RequestRow>)[];
}

/** Notes an entry as far as the killed proxy came; returns the id of its call. */
export async function insertOrphan(
  stack: Pick<Stack, "opened" | "admin">,
  { verb, request }: OrphanEntry,
  state: "intent" | "sent",
  outcome?: Pick<Outcome, "state" | "rows">,
  proxy = randomUUID(),
): Promise<string> {
  const { pool } = stack.opened;
  const call = randomUUID();
  const { rows } = await stack.admin.query("select id, revision from throughline.mirror");
  const by = { role: "app", application: "", clientAddress: "", statementHash: "", idempotencyKey: null };
  const keys = request.flatMap(({ key }) => key ?? []);
  const of = { mirror: rows[0], api: "hubspot", table: "hubspot.contacts", keys };
  await noteIntent(
    pool,
    { ...by, ...of, verb, request: request.map((row) => ({ before: {}, ...row })), call, proxy },
    state,
  );
  if (outcome) await noteOutcome(pool, call, { status: 200, request: null, sqlstate: null, ...outcome });
  return call;
}
