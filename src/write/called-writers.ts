// Whether a function that a statement calls may write to a mirror. The catalogue's are known; one that is so new that no look at the
// catalogue has seen it is read in its session, and so is what it calls.

import { inSlices, type Slices } from "../config/slices.js";
import type { TableName } from "../sql/classification.js";
import { readMentions } from "../sql/mentions.js";
import type { Rows } from "./injected-step.js";
import { bodiesStep, type FunctionVersion, lookIntoBodies, readLook } from "./inspection.js";
import { tellFailure } from "./raise-in-postgres.js";
import type { ReceivedStatement, WriteResult } from "./statement.js";

/** A new function calls a new function, which calls another: so far is looked. */
const longestCallChain = 5;
/** So many new functions are read at a time, */
const mostBodies = 20;
/** and so many names in them are looked up. */
const mostMentions = 500;

/** Returns whether one of the functions may write to a mirror, or how the statement's way ends. `mirrors`: the relations of all there are. */
export async function callsWriter(
  statement: ReceivedStatement,
  mirrors: readonly number[],
  functions: readonly FunctionVersion[],
): Promise<boolean | WriteResult> {
  const knowledge = statement.context.functions;
  const read = new Set<number>();
  let called = functions;
  for (let step = 0; step < longestCallChain; step += 1) {
    const verdicts = called.map(({ oid, version }) => ({ oid, mayWrite: knowledge.mayWrite(oid, version) }));
    if (verdicts.some(({ mayWrite }) => mayWrite)) return true;
    const unread = verdicts.filter(({ oid, mayWrite }) => mayWrite === undefined && !read.has(oid));
    const oids = unread.slice(0, mostBodies).map(({ oid }) => oid);
    if (oids.length === 0) return false;
    for (const oid of oids) read.add(oid);
    const next = await readNew(statement, mirrors, oids);
    if (typeof next !== "object") return next;
    called = next;
  }
  return false;
}

/** Reads functions in their session. Returns what they call, true when one of them writes to a mirror, or how the statement's way ends. */
async function readNew(
  { session, context }: ReceivedStatement,
  mirrors: readonly number[],
  oids: readonly number[],
): Promise<readonly FunctionVersion[] | true | WriteResult> {
  const bodies = await session.fly([bodiesStep(oids)], "flush");
  if (bodies.kind !== "landed") return bodies.kind === "over" ? "skipped" : tellFailure(session, bodies);
  const mentions = await inSlices(mentionsIn(bodies.rows[0] ?? [], context.names));
  if (mentions === "watched") return true;
  const look = await session.fly([lookIntoBodies(mentions, mirrors)], "flush");
  if (look.kind !== "landed") return look.kind === "over" ? "skipped" : tellFailure(session, look);
  const { called, mirrors: reached } = readLook(look.rows[0]);
  return reached.length > 0 || called;
}

interface Mentions {
  readonly relations: readonly TableName[];
  readonly functions: readonly TableName[];
}

/** Returns what the bodies write to and call; "watched" when a name among them leads to a mirror. */
function* mentionsIn(bodies: Rows, names: ReceivedStatement["context"]["names"]): Slices<Mentions | "watched"> {
  const found = { table: new Map<string, TableName>(), function: new Map<string, TableName>() };
  let isWatched = false;
  for (const [body] of bodies) {
    yield* readMentions(body ?? "", (mention) => {
      const { kind, name } = mention;
      isWatched ||= names.isMentioned(mention);
      if (found[kind].size < mostMentions) found[kind].set(JSON.stringify([name.schema, name.table]), name);
    });
    if (isWatched) return "watched";
  }
  return { relations: [...found.table.values()], functions: [...found.function.values()] };
}
