// What each client was told, and the journal's last word, against what upstream did. Looks from outside, at rest.

import type pg from "pg";
import type { Write } from "./chaos-writers.js";
import { sessionsOf } from "./oracle.js";
import type { UnrulyApi } from "./unruly-api.js";
import type { Change } from "./unruly-records.js";
import { type ApiName, apis, type World } from "./world.js";

/** How long recovery may take, behind the last fault. */
const longestRestMs = 180_000;
/** Upstream is expected to be done within so many time-outs. */
const lastLookTimeouts = 10;

export interface Entry {
  readonly id: string;
  readonly application: string;
  readonly api: string;
  readonly verb: string;
  readonly state: string;
  readonly isOpen: boolean;
  /** A later look may correct it. */
  readonly isWatched: boolean;
  readonly blocked: string | null;
}

/** A create that can't be asked for stays open: it has no unique column. */
const isAskable = ({ state, verb, api }: Entry) => !(state === "unknown" && verb === "insert" && api !== "named");

/** Waits until no entry is open but those that can't be asked for, and none that lapsed is watched. Returns all entries, and which are late. */
export async function awaitRest(
  world: World<UnrulyApi>,
  restMs = longestRestMs,
): Promise<{ readonly entries: readonly Entry[]; readonly late: readonly string[] }> {
  const deadlineMs = performance.now() + restMs;
  for (;;) {
    await Promise.all(world.proxies.map((proxy) => proxy.ensure()));
    const entries = await ask<Entry>(
      await world.admin(),
      `select id, application, api, verb, state, closed_at is null as "isOpen", state = 'lapsed' and request is not null as "isWatched", blocked
       from throughline.journal order by intent_moment`,
    );
    const open = entries.filter(
      (entry) => (entry.isOpen && (isAskable(entry) || entry.blocked !== null)) || entry.isWatched,
    );
    const isQuiet = apis.every((name) => world.apis[name].pending() === 0);
    if (open.length === 0 && isQuiet) return { entries, late: [] };
    if (performance.now() > deadlineMs) {
      const late = open.map((entry) => `never came to rest: ${JSON.stringify(entry)}`);
      return { entries, late: [...late, ...(await sessionsOf(await world.admin()))] };
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

/** Pulls until the mirrors are what upstream has. Returns how they differ after the last of some attempts. */
export async function differAtRest(
  world: World<UnrulyApi>,
  names: readonly ApiName[] = apis,
): Promise<readonly string[]> {
  for (let left = 3; ; left -= 1) {
    const failed = await world.pull().then(
      () => [],
      (cause: unknown) => [`a pull at rest: ${String(cause)}`],
    );
    const wrong = [...failed, ...(await differ(world, names))];
    if (wrong.length === 0 || left === 1) return wrong;
  }
}

/** How the mirrors differ from what upstream has now. */
export async function differ(world: World<UnrulyApi>, names: readonly ApiName[] = apis): Promise<readonly string[]> {
  const admin = await world.admin();
  const wrong: string[] = [];
  for (const api of names) {
    const rows = await ask<{ line: string }>(
      admin,
      `select concat_ws(' ', id, name, note) as line from ${api}.records`,
    );
    const mirror = new Set(rows.map(({ line }) => line));
    const upstream = new Set(world.apis[api].records.all().map(({ id, name, note }) => [id, name, note].join(" ")));
    for (const line of upstream) if (!mirror.has(line)) wrong.push(`${api}: upstream has ${line}, the mirror does not`);
    for (const line of mirror) if (!upstream.has(line)) wrong.push(`${api}: the mirror has ${line}, upstream does not`);
  }
  return wrong;
}

async function ask<Row extends pg.QueryResultRow>(admin: pg.Client, sql: string): Promise<readonly Row[]> {
  return (await admin.query<Row>(sql)).rows;
}

/** Returns a line for each contradiction between what was told, what the journal says and what upstream did. */
export function judgeWrites(
  world: World<UnrulyApi>,
  writes: readonly Write[],
  entries: readonly Entry[],
  timeoutMs: number,
): readonly string[] {
  const changes = new Map<string, Change[]>();
  for (const api of apis) {
    for (const change of world.apis[api].records.history) {
      const key = keyOf(api, change);
      changes.set(key, [...(changes.get(key) ?? []), change]);
    }
  }
  const entriesByToken = new Map(entries.map((entry) => [entry.application, entry]));
  return writes.flatMap((write) => {
    const done = doneBy(write, changes);
    const entry = entriesByToken.get(write.token);
    const wrong = [
      ...write.wrong,
      ...againstTold(write, done),
      ...(entry ? againstJournal(write, entry, done, timeoutMs) : []),
    ];
    const shown = `${write.token} (${write.api} ${write.verb} of ${write.names.join(", ")}, ends ${write.ends})`;
    const when = done.ours
      .map(
        ({ atMs, askedMs, answered }) => `${Math.round(atMs - askedMs)} ms after the request, answered "${answered}"`,
      )
      .join(", ");
    return wrong.map(
      (words) =>
        `${shown}: ${words}; told ${write.told} ${write.rows} ${write.words}, then ${write.later}; entry ${entry?.id} is ${entry?.state}; upstream did ${done.ours.length}${when && `: ${when}`}`,
    );
  });
}

interface Done {
  /** What we did of it, row by row. */
  readonly ours: readonly Change[];
  /** Whether somebody else has deleted the record. */
  readonly isGone: boolean;
  /** How many of the records have been deleted since: nobody can find them, and that they were made is not seen any more. */
  readonly goneSince: number;
  readonly isDouble: boolean;
}

/** Of a change to a note the note tells whose it is, of a deletion the name: each write has its own. */
function keyOf(api: ApiName, { verb, fact: { name, note } }: Change): string {
  return verb === "update" ? `${api} update ${note}` : `${api} ${verb} ${name}`;
}

function doneBy({ token, api, verb, names }: Write, changes: ReadonlyMap<string, readonly Change[]>): Done {
  const found =
    verb === "update"
      ? [changes.get(`${api} update w${token}`) ?? []]
      : names.map((name) => changes.get(`${api} ${verb} ${name}`) ?? []);
  const goneSince = names.filter((name) => changes.has(`${api} delete ${name}`)).length;
  const ours = found.map((all) => all.filter(({ isOurs }) => isOurs));
  return {
    ours: ours.flat(),
    isGone: goneSince > 0,
    goneSince,
    isDouble: ours.some((all) => all.length > 1),
  };
}

function againstTold({ verb, names, told, rows, later }: Write, { ours, isGone, isDouble }: Done): readonly string[] {
  const wrong: string[] = [];
  const all = names.length;
  if (isDouble) wrong.push("sent twice");
  if (told === "hung" || later === "hung") wrong.push("told nothing: it hangs");
  const isDone = ours.length === all || (verb === "delete" && isGone);
  switch (told) {
    case "ok":
      if (rows === 0 && ours.length > 0) wrong.push("told accepted of no row, and upstream did it");
      if (rows > 0 && !isDone) wrong.push("told accepted, and upstream did not do it");
      if (later !== undefined && /^40/.test(later))
        wrong.push(`told ${later} after an accepted write: it would be repeated`);
      return wrong;
    case "TL001":
      if (ours.length === 0 || ours.length === all) wrong.push("told TL001, and upstream did all or nothing");
      return wrong;
    case "TL002":
      if (!isDone) wrong.push("told TL002, and upstream did not do it");
      return wrong;
    case "TL007":
    case "lost":
    case "hung":
      return wrong;
    default:
      if (ours.length > 0) wrong.push(`told ${told}, and upstream did it`);
      return wrong;
  }
}

function againstJournal(
  { verb, names }: Write,
  { state, isOpen }: Entry,
  { ours, isGone, goneSince }: Done,
  timeoutMs: number,
): readonly string[] {
  const all = names.length;
  const wrong = [`the journal says ${state}, and upstream did ${ours.length} of ${all}`];
  const inTime = ours.filter(({ atMs, askedMs }) => atMs - askedMs < lastLookTimeouts * timeoutMs).length;
  switch (state) {
    case "accepted":
      return ours.length === all || (verb === "delete" && isGone) ? [] : wrong;
    case "partial":
      return ours.length > 0 && ours.length - goneSince < all ? [] : wrong;
    case "absent":
      return ours.length === 0 || isGone ? [] : wrong;
    case "lapsed":
      return inTime === 0 || (verb === "insert" && inTime <= goneSince) ? [] : wrong;
    case "refused":
    case "unsent":
      return ours.length === 0 ? [] : wrong;
    case "settled":
      return [];
    case "unknown":
      return isOpen ? [] : wrong;
    default:
      return [`the journal still says ${state}`];
  }
}
