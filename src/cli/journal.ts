// throughline journal: what was sent to APIs, and what has to be looked at.

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Opened, open, openMirrors } from "../app/open.js";
import { UsageError } from "../app/usage-error.js";
import { cleanText, escapeText, textLimits } from "../config/clean-text.js";
import { memberOf } from "../config/member.js";
import { suggestion } from "../config/suggest.js";
import { durationMs } from "../config/units.js";
import { EntryWatch } from "../journal/entry-watch.js";
import { restMs } from "../journal/evidence.js";
import { type EntryFilter, type ListedEntry, listEntries, resolveEntry } from "../journal/listing.js";
import type { RecoveryResult } from "../journal/orphans.js";
import { recover } from "../journal/recover.js";
import { isState, states } from "../journal/states.js";
import { requireSchema } from "../mirror/schema.js";
import { type Command, type Io, numberFlag, type Options } from "./command.js";
import { configOf } from "./config-of.js";

/** How long another reader of its table is waited for. */
const patienceMs = 30_000;

const verbs: Readonly<Record<string, (instance: Opened, options: Options, io: Io, id: string) => Promise<0 | 1>>> = {
  list,
  show,
  retry,
  resolve,
};

export const journalCommand: Command = async (options, io) => {
  const [verb = "", id = ""] = options.names;
  const run = memberOf(verbs, verb);
  if (!run) throw new UsageError("journal takes list, show ID, retry ID or resolve ID");
  if (verb !== "list" && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw new UsageError(`journal ${verb} takes the id of an entry, as "journal list" shows it`);
  }
  const instance = open(configOf(options));
  try {
    await requireSchema(instance.pool);
    return await run(instance, options, io, id);
  } finally {
    await instance.pool.end();
  }
};

async function list({ pool, tables }: Opened, options: Options, io: Io): Promise<0 | 1> {
  const { flags } = options;
  const text = (name: string) => {
    const word = memberOf(flags, name);
    return typeof word === "string" ? word : undefined;
  };
  const outcome = text("outcome");
  if (outcome !== undefined && !isState(outcome))
    throw new UsageError(`there is no outcome "${outcome}"; ${suggestion(outcome, states)}`);
  const since = text("since");
  const sinceMs = since === undefined ? undefined : durationMs(since);
  if (since !== undefined && sinceMs === undefined)
    throw new UsageError(`--since takes a duration such as 1h, not "${since}"`);
  const filter = {
    open: flags["open"] === true,
    api: text("api"),
    table: text("table"),
    state: outcome,
    sinceMs,
    limit: numberFlag(options, "limit", 50),
  };
  const entries = await listEntries(pool, filter);
  if (entries.length === 0) refuseStrangers(filter, tables);
  for (const entry of entries) io.out(options.json ? JSON.stringify({ ...entry, values: undefined }) : lineOf(entry));
  return flags["exit-code"] === true && entries.some(({ open }) => open) ? 1 : 0;
}

/** Entries may be of what is not configured any more; where there are none, a name that nobody knows is a mistake. */
function refuseStrangers({ api, table }: Pick<EntryFilter, "api" | "table">, tables: Opened["tables"]): void {
  const nameChecks = [
    { kind: "API", name: api, candidates: tables.map((one) => one.api.name) },
    {
      kind: "table",
      name: table,
      candidates: tables.flatMap(({ api: { name }, config }) => [config.as, `${name}.${config.as}`]),
    },
  ];
  for (const { kind, name, candidates } of nameChecks) {
    if (name !== undefined && !candidates.includes(name))
      throw new UsageError(
        `the config has no ${kind} "${name}", nor has an entry; ${suggestion(name, [...new Set(candidates)])}`,
      );
  }
}

async function show({ pool }: Opened, { json }: Options, io: Io, id: string): Promise<0 | 1> {
  const [entry] = await listEntries(pool, { id, limit: 1 });
  if (!entry) return nowhere(io, id);
  if (json) {
    io.out(JSON.stringify(entry));
    return 0;
  }
  for (const [name, value] of Object.entries(entry)) {
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    if (value !== null) io.out(`${name.padEnd(16)}${escapeText(text)}`);
  }
  return 0;
}

async function retry(instance: Opened, { json }: Options, io: Io, id: string): Promise<0 | 1> {
  const [entry] = await listEntries(instance.pool, { id, limit: 1 });
  if (!entry) return nowhere(io, id);
  const watch = new EntryWatch();
  const parts = { ...instance, proxy: randomUUID(), watch, mirrors: () => openMirrors(instance) };
  const timeoutMs = instance.tables.find(({ api: { name } }) => name === entry.api)?.api.timeoutMs ?? 0;
  const deadlineMs = performance.now() + patienceMs + restMs(0, timeoutMs);
  let round: readonly RecoveryResult[] | undefined;
  do {
    round = await recover(parts, id);
    if (!round || watch.resting().includes(id)) await delay(100);
  } while ((!round || (round.length === 0 && watch.resting().includes(id))) && performance.now() < deadlineMs);
  const [now] = await listEntries(instance.pool, { id, limit: 1 });
  if (!now) return nowhere(io, id);
  io.out(json ? JSON.stringify({ ...now, values: undefined }) : lineOf(now));
  if (now.open && round?.length === 0) io.err("nothing was done: its proxy is running, or its API does not answer");
  return now.open ? 1 : 0;
}

async function resolve({ pool }: Opened, { flags }: Options, io: Io, id: string): Promise<0 | 1> {
  const because = flags["because"];
  const isAccepted = flags["accepted"] === true;
  if (isAccepted === (flags["refused"] === true) || typeof because !== "string" || because === "") {
    throw new UsageError("journal resolve ID takes --accepted or --refused, and --because TEXT");
  }
  if (await resolveEntry(pool, id, isAccepted ? "accepted" : "refused", because)) return 0;
  const [entry] = await listEntries(pool, { id, limit: 1 });
  if (!entry) return nowhere(io, id);
  io.err(entry.open ? `journal entry ${id} is ${entry.state}: its call is under way` : `journal entry ${id} is closed`);
  return 1;
}

function nowhere(io: Io, id: string): 1 {
  io.err(`there is no journal entry ${id}`);
  return 1;
}

/** A key, or the end of a line in one, could pass for a line of its own: what is stored is shown escaped. */
function lineOf(entry: ListedEntry): string {
  const because = entry.blockedBecause === null ? "" : ` (${cleanText(entry.blockedBecause, textLimits.word)})`;
  const state = entry.blocked === null ? entry.state : `${entry.state}, blocked by ${entry.blocked}${because}`;
  const keys = entry.keys.length > 0 ? ` ${entry.keys.slice(0, 3).join(" ")}${entry.keys.length > 3 ? " …" : ""}` : "";
  const rows = entry.rows === 1 ? "1 row" : `${entry.rows} rows`;
  return `${entry.intentAt}  ${entry.id}  ${entry.open ? "open  " : "closed"}  ${state}  ${entry.verb} ${rows} of ${entry.table}${escapeText(keys)}`;
}
