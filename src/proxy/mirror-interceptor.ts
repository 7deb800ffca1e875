// What is done with a held message, by why the client is held.

import { assertNever } from "../config/assert-never.js";
import type { Mirror } from "../mirror/column.js";
import { withMissingIndexes } from "../mirror/missing-index.js";
import type { Classifier } from "../sql/classifier.js";
import { Lookout } from "../sql/lookout.js";
import { runWrite } from "../write/run.js";
import type { WriteContext, WriteResult } from "../write/statement.js";
import { explain } from "./explain.js";
import { type Hold, holdsStatement } from "./frontend.js";
import { endOurTransaction, endQuery, HeldStatement, noStatement, tellReady, tellSettled } from "./held-statement.js";
import type { ClientStatement } from "./injected-messages.js";
import type { InterceptedSession, Interceptor } from "./interceptor.js";
import { runMultiStatement } from "./multi-statement.js";
import { JournalSettlement } from "./settlement.js";
import { isExplained } from "./statements.js";

export interface InterceptorParts extends Omit<WriteContext, "overloaded"> {
  /** The most statements that are held at a time. */
  readonly writes: number;
  /** The mirrors as they were looked at last. */
  knownMirrors(): readonly Mirror[];
  /** Called when a client defines what may lead to a mirror. */
  onDefinition(): void;
}

/** The interceptor of a database with mirrors. */
export function mirrorInterceptor(classifier: Classifier, parts: InterceptorParts): Interceptor {
  const { watchList } = classifier;
  const underWay = new Set<Promise<unknown>>();
  const track = <T>(work: Promise<T>): Promise<T> => {
    underWay.add(work);
    const forget = () => underWay.delete(work);
    work.then(forget, forget);
    return work;
  };
  let heldCount = 0;
  const context: WriteContext = { ...parts, overloaded: () => heldCount > parts.writes };
  const settlement = new JournalSettlement({ ...parts, track });
  return {
    get awake() {
      return watchList.awake;
    },
    lookout: (start) => new Lookout(classifier, start, parts.onDefinition),
    handle: async (session, hold) => {
      if (hold.at === "text") {
        session.learn(await track(session.lookout.classify(hold.text)));
        return false;
      }
      const beginsMs = performance.now();
      heldCount += 1;
      try {
        const answered = await track(handle(session, hold, context));
        if (answered && holdsStatement(hold)) session.statements.ran();
        return answered;
      } finally {
        session.cancellation.hasCalled = false;
        heldCount -= 1;
        parts.metrics.write(performance.now() - beginsMs);
      }
    },
    explain: (error) => withMissingIndexes(error, parts.knownMirrors()),
    get underWay() {
      return underWay.size;
    },
    idle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    endedCalls: (calls) => settlement.endedCalls(calls),
    settle: (calls) => settlement.settle(calls),
    settleLater: (calls) => settlement.settleLater(calls),
  };
}

/** A held message, rather than one whose text has to be understood first. */
type HeldMessage = Exclude<Hold, { at: "text" }>;

/** False: the message goes to Postgres after all. */
async function handle(session: InterceptedSession, hold: HeldMessage, context: WriteContext): Promise<boolean> {
  switch (hold.at) {
    case "query":
      return handleQuery(session, hold, context);
    case "several":
      return runMultiStatement(session, hold, context);
    case "execute":
      return handleExecute(session, hold, context);
    case "sync":
    case "nextQuery":
      return endOurs(session, hold.at);
    default:
      return assertNever(hold);
  }
}

async function handleQuery(
  session: InterceptedSession,
  hold: Extract<Hold, { at: "query" }>,
  context: WriteContext,
): Promise<boolean> {
  const { statement } = hold;
  if (isExplained(statement)) {
    const write = await explain(session, hold, context);
    if (write === "passOn") await endUnusedTransaction(session);
    else await endQuery(session, write);
    return write !== "passOn";
  }
  const write = new HeldStatement(session, statement, { ...noStatement, text: statement.text }, context.signer);
  const result = await runWrite({ session: write, context });
  switch (result) {
    case "passOn":
      // What looked at the session has opened a transaction, which must not become the Query's.
      await session.fly([], "sync", noStatement);
      return false;
    case "answered":
      await endQuery(session, write);
      return true;
    case "skipped":
      return true;
    default:
      return assertNever(result);
  }
}

async function handleExecute(
  session: InterceptedSession,
  hold: Extract<Hold, { at: "execute" }>,
  context: WriteContext,
): Promise<boolean> {
  const { portal } = hold;
  const result = isExplained(portal.statement)
    ? await explainPortal(session, hold, context)
    : await writePortal(session, hold, context);
  switch (result) {
    case "passOn":
      if (session.replies.skipping) await session.fly([], "sync", noStatement);
      return false;
    case "answered":
    case "skipped":
      return true;
    default:
      return assertNever(result);
  }
}

async function explainPortal(
  session: InterceptedSession,
  hold: Extract<Hold, { at: "execute" }>,
  context: WriteContext,
): Promise<WriteResult> {
  return (await explain(session, hold, context)) === "passOn" ? "passOn" : "answered";
}

async function writePortal(
  session: InterceptedSession,
  { portal, execute, stale, follows }: Extract<Hold, { at: "execute" }>,
  context: WriteContext,
): Promise<WriteResult> {
  const { statement, values } = portal;
  const client: ClientStatement = {
    ...noStatement,
    statement: statement.name,
    values,
    execute,
    isStale: stale,
    isTooLong: portal.isTooLong,
    followsOthers: follows,
  };
  const write = new HeldStatement(session, statement, client, context.signer);
  const result = await runWrite({ session: write, context });
  portal.hasExecuted = true;
  return result;
}

/** Ends the transaction that we opened, at the client's Sync or in front of its next Query. */
async function endOurs(session: InterceptedSession, at: "sync" | "nextQuery"): Promise<boolean> {
  // The client's own BEGIN may be on its way: then the transaction is no longer ours to end. Or a COPY, whose rows come first.
  if (!session.replies.empty) await session.fly([], "flush", noStatement);
  if (!session.transaction.isOurs || session.replies.awaitsRows) return false;
  const isCommitted = await endOurTransaction(session, undefined);
  if (at === "sync") await tellReady(session, isCommitted);
  else await tellSettled(session);
  return true;
}

/** A transaction that we opened to look around must not become the Query's. */
async function endUnusedTransaction(session: InterceptedSession): Promise<void> {
  await session.fly([], "sync", noStatement);
  if (session.transaction.isOurs) await endOurTransaction(session, undefined);
}
