// What is done with a held message, and with the calls of a transaction that has ended.

import { closeEntries, endedTransactions, type SettleResult, settle } from "../journal/settle.js";
import { classify } from "../sql/classify.js";
import type { WatchList } from "../sql/watch-list.js";
import { runWrite } from "../write/run.js";
import type { OpenCall } from "../write/session-port.js";
import { writeWarning } from "../write/sql-error.js";
import type { WriteContext } from "../write/statement.js";
import { explain } from "./explain.js";
import type { ClientStatement } from "./flight.js";
import type { Hold } from "./frontend.js";
import { endHidden, endQuery, HeldStatement, noStatement, tellReady } from "./held-statement.js";
import type { Interceptor } from "./interceptor.js";
import { runMultiStatement } from "./multi-statement.js";
import type { Session } from "./session.js";
import { mirrorNotChecked, rollbackNotUndone } from "./session-errors.js";
import { isExplained } from "./statements.js";

/** Notes what is under way, so that a stop can wait for it. */
type Track = <T>(work: Promise<T>) => Promise<T>;

export interface InterceptorParts extends Omit<WriteContext, "overloaded"> {
  /** The most statements that are held at a time. */
  readonly writes: number;
}

export function mirrorInterceptor(watched: WatchList, parts: InterceptorParts): Interceptor {
  const underWay = new Set<Promise<unknown>>();
  const track: Track = (work) => {
    underWay.add(work);
    const done = () => underWay.delete(work);
    work.then(done, done);
    return work;
  };
  let held = 0;
  const context: WriteContext = { ...parts, overloaded: () => held > parts.writes };
  const later = (calls: readonly OpenCall[]) => retrySettling(context, calls, firstRetryMs, track);
  return {
    get awake() {
      return watched.awake;
    },
    suspects: (latin1) => watched.suspects(latin1),
    classify: (text) => classify(text, watched),
    handle: async (session, hold) => {
      const beginsMs = performance.now();
      held += 1;
      try {
        const answered = await track(handle(session, hold, context));
        if (answered && hold.at !== "sync" && hold.at !== "nextQuery") session.statements.ran();
        return answered;
      } finally {
        held -= 1;
        parts.metrics.write(performance.now() - beginsMs);
      }
    },
    get underWay() {
      return underWay.size;
    },
    idle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    ended: (calls) => track(endedCalls(context, calls)),
    settle: (calls) => track(settleHeld(context, calls, later, track)),
    settleLater: later,
  };
}

/** How long to wait before what was locked is tried again; doubled each time, up to the longest. */
const firstRetryMs = 250;
const longestRetryMs = 30_000;

/** Settles while nobody waits, until nothing is left to be tried again. What a stop cuts off, the journal has. */
function retrySettling(context: WriteContext, calls: readonly OpenCall[], delayMs: number, track: Track): void {
  const again = (left: readonly OpenCall[]) => {
    if (left.length === 0 || context.pool.ending) return;
    const next = () => {
      if (!context.pool.ending) retrySettling(context, left, Math.min(2 * delayMs, longestRetryMs), track);
    };
    setTimeout(next, delayMs).unref();
  };
  track(settleAndClose(context, calls, track)).then(
    (ended) => again(waitingOf(calls, ended)),
    (err: unknown) => {
      if (!context.pool.ending) context.log.error({ err }, unsettled);
      again(calls);
    },
  );
}

function waitingOf(calls: readonly OpenCall[], ended: readonly SettleResult[]): readonly OpenCall[] {
  return calls.filter(({ call }) => ended.some((entry) => entry.call === call && entry.state === "waiting"));
}

async function handle(session: Session, hold: Hold, context: WriteContext): Promise<boolean> {
  switch (hold.at) {
    case "query": {
      if (isExplained(hold.statement)) {
        const write = await explain(session, hold, context);
        if (write === "passOn") await endUnused(session);
        else await endQuery(session, write);
        return write !== "passOn";
      }
      const client: ClientStatement = { ...noStatement, text: hold.statement.text };
      const write = new HeldStatement(session, hold.statement, client);
      const ran = await runWrite({ session: write, context });
      // What looked at the session has opened a transaction, which must not become the Query's.
      if (ran === "passOn") await session.fly([], "sync", noStatement);
      if (ran === "answered") await endQuery(session, write);
      return ran !== "passOn";
    }
    case "several":
      return runMultiStatement(session, hold.pieces, context);
    case "execute": {
      const { statement, values } = hold.portal;
      if (isExplained(statement)) {
        const explained = await explain(session, hold, context);
        if (explained === "passOn" && session.replies.skipping) await session.fly([], "sync", noStatement);
        return explained !== "passOn";
      }
      const write = new HeldStatement(session, statement, {
        statement: statement.name,
        text: "",
        values,
        execute: hold.execute,
        stale: hold.stale,
        follows: hold.follows,
      });
      const ran = await runWrite({ session: write, context });
      if (ran === "passOn" && session.replies.skipping) await session.fly([], "sync", noStatement);
      hold.portal.executed = true;
      return ran !== "passOn";
    }
    case "sync":
    case "nextQuery":
      // The client's own BEGIN may be on its way: then the transaction is no longer ours to end. Or a COPY, whose rows come first.
      if (!session.replies.empty) await session.fly([], "flush", noStatement);
      if (!session.hidden || session.replies.awaitsRows) return false;
      await endHidden(session, undefined);
      if (hold.at === "sync") await tellReady(session);
      else session.toClient(await session.calls.settle(session.status));
      return true;
  }
}

/** A transaction that we opened to look around must not become the Query's. */
async function endUnused(session: Session): Promise<void> {
  await session.fly([], "sync", noStatement);
  if (session.hidden) await endHidden(session, undefined);
}

const unsettled = "settling failed; the journal has it";

/** When it can't be told, they are settled at the end of the session's transaction. */
async function endedCalls({ pool, log }: WriteContext, calls: readonly OpenCall[]): Promise<readonly OpenCall[]> {
  try {
    const ended = await endedTransactions(
      pool,
      calls.flatMap(({ transaction }) => (transaction === null ? [] : [transaction])),
    );
    return calls.filter(({ transaction }) => transaction !== null && ended.has(transaction));
  } catch (err) {
    log.error({ err }, unsettled);
    return [];
  }
}

/** The entries are closed behind the client's back: only their being applied is worth waiting for. */
async function settleAndClose(
  { pool, log }: WriteContext,
  calls: readonly OpenCall[],
  track: Track,
): Promise<SettleResult[]> {
  const open = calls.filter(({ settled }) => !settled).map(({ call }) => call);
  const ended = await settle(pool, open);
  const done = ended.filter(({ state }) => state === "applied" || state === "repaired").map(({ call }) => call);
  track(closeEntries(pool, done)).catch((err: unknown) => log.error({ err }, unsettled));
  return ended;
}

async function settleHeld(
  context: WriteContext,
  calls: readonly OpenCall[],
  later: (calls: readonly OpenCall[]) => void,
  track: Track,
): Promise<Buffer> {
  try {
    const ended = await settleAndClose(context, calls, track);
    later(waitingOf(calls, ended));
    const undone = calls.flatMap(({ call, changed, told }) =>
      changed !== null && !told && ended.some((entry) => entry.call === call && entry.state !== "applied")
        ? [changed]
        : [],
    );
    if (undone.length === 0) return Buffer.alloc(0);
    return writeWarning(rollbackNotUndone(undone));
  } catch (err) {
    context.log.error({ err }, unsettled);
    later(calls);
    return writeWarning(mirrorNotChecked());
  }
}
