// Looks from outside, after rest: what the API holds, what the mirror holds, what the client was told, what the journal says.

import type pg from "pg";
import { untilTrue } from "../support/sessions.js";
import type { Fact } from "./api.js";
import { names, type Run, type Told } from "./runs.js";
import { apis, type World } from "./world.js";

/** How long recovery may take, all told. */
const restMs = 30_000;

/** An entry that stays open for good: a create that nobody can find again. It is shown, which is all that can be done. */
const shown = "(state = 'unknown' and verb = 'insert' and api = 'plain' and tries > 0)";

/** Until everything is in order again: both proxies run, and no entry is open but those that are shown. */
export async function untilRest(world: World): Promise<readonly string[]> {
  const died = world.proxies.flatMap((proxy) => proxy.died() ?? []);
  if (died.length > 0) return died.map((words) => `a proxy died by itself: ${words}`);
  const deadlineMs = performance.now() + restMs;
  for (;;) {
    // What recovery repeats may meet the fault that its run was meant to meet.
    await Promise.all(world.proxies.map((proxy) => proxy.ensure()));
    const admin = await world.admin();
    const open = await admin
      .query(
        `select id, api, verb, state, blocked, tries, keys from throughline.journal where closed_at is null and not ${shown}`,
      )
      // A restart of Postgres may be under way still.
      .catch(() => undefined);
    if (!open) continue;
    if (open.rowCount === 0) return [];
    if (performance.now() > deadlineMs) {
      return [
        ...open.rows.map((row) => `never came to rest: ${JSON.stringify(row)}`),
        ...(await sessionsOf(admin)),
        ...world.proxies.map((proxy) => `log: ${proxy.words()}`),
      ];
    }
    await admin.query("select pg_sleep(0.02)").catch(() => undefined);
  }
}

/** What the sessions are at, one a line: why something never comes to rest. */
export async function sessionsOf(admin: pg.Client): Promise<readonly string[]> {
  const { rows } = await admin.query(
    `select pid, application_name, state, wait_event_type, wait_event, pg_blocking_pids(pid) as blockers, left(query, 120) as query, state_change
     from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );
  return rows.map((row) => `session: ${JSON.stringify(row)}`);
}

export interface Verdict {
  /** What the client was told, in a word. */
  readonly outcome: string;
  readonly violations: readonly string[];
}

export async function judge(world: World, run: Run, told: Told): Promise<Verdict> {
  const admin = await world.admin();
  const wrong: string[] = [];
  const facts = world.apis[run.api].records().filter(({ name }) => name.startsWith(run.tag));
  const done = countDone(run, facts);
  const created = world.apis[run.api].created(run.tag);
  if (new Set(created).size < created.length) wrong.push(`sent twice: ${created.join(", ")}`);
  const outcome = outcomeOf(told.statement);
  if (outcome === "accepted" && done !== run.rows) wrong.push(`told accepted, and upstream did ${done} of ${run.rows}`);
  if (outcome === "accepted, not applied here" && done !== run.rows) wrong.push(`told TL002, and upstream did ${done}`);
  if (outcome === "refused" && done !== 0) wrong.push(`told ${told.statement}, and upstream did ${done}`);
  if (outcome === "partial" && (done === 0 || done === run.rows)) wrong.push(`told TL001, and upstream did ${done}`);
  if (outcome === "accepted" && told.later.some((code) => code.startsWith("40"))) {
    wrong.push(`told ${told.later.join(", ")} after an accepted write: it would be repeated`);
  }
  const entries = await admin.query("select state from throughline.journal where application = $1", [run.tag]);
  for (const { state } of entries.rows) {
    const none = ["lapsed", "refused", "unsent"].includes(state);
    if ((none && done !== 0) || (state === "accepted" && done !== run.rows)) {
      wrong.push(`the journal says ${state}, and upstream did ${done} of ${run.rows}`);
    }
  }
  const local = await admin.query("select from local where tag = $1", [run.tag]);
  if (told.local === "kept" && local.rowCount !== 1) wrong.push("told committed, and its local row is not there");
  if (told.local === "undone" && local.rowCount !== 0) wrong.push("told undone, and its local row is there");
  const mirror = await admin.query(`select id, name, note from ${run.api}.records where name like $1`, [`${run.tag}%`]);
  // Nobody can find those again before a pull brings them.
  const mayLack = run.api === "plain" && run.verb === "insert" && ["unknown", "lost"].includes(outcome);
  wrong.push(
    ...differences(mayLack ? facts.filter(({ id }) => mirror.rows.some((row) => row.id === id)) : facts, mirror.rows),
  );
  return { outcome, violations: wrong.map((words) => `${describe(run)}: ${words}`) };
}

/** At the very end, after a pull: the mirrors are what the APIs have, and closed entries hold no values. */
export async function judgeAll(world: World): Promise<readonly string[]> {
  await world.pull();
  const admin: pg.Client = await world.admin();
  const wrong: string[] = [];
  for (const api of apis) {
    const { rows } = await admin.query(`select id, name, note from ${api}.records`);
    wrong.push(...differences(world.apis[api].records(), rows).map((words) => `${api}, after a pull: ${words}`));
  }
  // What lapsed keeps its values until it was looked for once more.
  const hasValues = "closed_at is not null and (request is not null or rows is not null)";
  await untilTrue(admin, `not exists (select from throughline.journal where state = 'lapsed' and ${hasValues})`);
  const kept = await admin.query(`select from throughline.journal where ${hasValues}`);
  if (kept.rowCount !== 0) wrong.push(`${kept.rowCount} closed entries hold values`);
  const left = await admin.query(
    `select (select count(*) from throughline.opened) + (select count(*) from throughline.staged)
       + (select count(*) from throughline.planned_row) + (select count(*) from throughline.planned_role) as rows`,
  );
  if (left.rows[0].rows !== "0") wrong.push(`${left.rows[0].rows} rows are left of finished transactions`);
  return wrong;
}

function countDone({ tag, rows, verb }: Run, facts: readonly Fact[]): number {
  const now = new Map(facts.map((fact) => [fact.name, fact]));
  return names(tag, rows).filter((name) => (verb === "delete" ? !now.has(name) : now.get(name)?.note === "new")).length;
}

function outcomeOf(statement: string): string {
  switch (statement) {
    case "ok":
      return "accepted";
    case "lost":
      return "lost";
    case "TL001":
      return "partial";
    case "TL002":
      return "accepted, not applied here";
    case "TL007":
      return "unknown";
    default:
      return "refused";
  }
}

function differences(facts: readonly Fact[], rows: readonly Fact[]): string[] {
  const text = ({ id, name, note }: Fact) => `${id} ${name} ${note}`;
  const [upstream, mirror] = [facts.map(text), rows.map(text)];
  return [
    ...upstream.filter((one) => !mirror.includes(one)).map((one) => `upstream has ${one}, the mirror does not`),
    ...mirror.filter((one) => !upstream.includes(one)).map((one) => `the mirror has ${one}, upstream does not`),
  ];
}

function describe({ tag, api, verb, rows, ends, fault }: Run): string {
  return `${tag} (${verb} of ${rows} in ${api}, ends ${ends}, fault: ${fault})`;
}
