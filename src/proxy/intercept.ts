// The session's side of the write path: a held message becomes a HeldSession, and the transaction we opened is ended.

import { type Fields, writeError, writeNotice } from "../../protocol/fields.js";
import { Backend, Status } from "../../protocol/messages.js";
import { closeEntries, endedTransactions, type Settled, settle } from "../journal/settle.js";
import { classify } from "../sql/classify.js";
import { prefilter } from "../sql/prefilter.js";
import type { HeldSession, Landing, OpenCall, Step } from "../write/held.js";
import { afterAcceptance } from "../write/raise.js";
import { runWrite, type WriteContext } from "../write/run.js";
import { type ClientStatement, noValues } from "./flight.js";
import type { Hold } from "./frontend.js";
import type { Interception, Session } from "./session.js";
import type { MirrorStatement } from "./statements.js";

const begin: Step = { kind: "sql", text: "begin", values: [] };
const minMessages = (level: string): Step => ({
  kind: "sql",
  text: "select pg_catalog.set_config('client_min_messages', $1, false)",
  values: [level],
});
const commit: Step = { kind: "sql", text: "commit", values: [] };
const rollback: Step = { kind: "sql", text: "rollback", values: [] };
const noStatement: ClientStatement = { statement: "", text: "", values: noValues, execute: undefined };

/** `names` are the mirrors' unqualified names. */
export function interception(names: readonly string[], context: WriteContext): Interception {
  const known = new Set(names);
  const underWay = new Set<Promise<unknown>>();
  const track = <T>(work: Promise<T>): Promise<T> => {
    underWay.add(work);
    const done = () => underWay.delete(work);
    work.then(done, done);
    return work;
  };
  const later = (calls: readonly OpenCall[]) => retrySettling(context, calls, firstRetryMs, track);
  return {
    awake: names.length > 0,
    suspects: prefilter(names),
    classify: (text) => classify(text, (table) => known.has(table)),
    handle: (session, hold) => track(handle(session, hold, context)),
    idle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    ended: (calls) => track(endedCalls(context, calls)),
    settle: (calls) => track(settleHeld(context, calls, later)),
    settleLater: later,
  };
}

/** How long to wait before what was locked is tried again; doubled each time, up to the longest. */
const firstRetryMs = 250;
const longestRetryMs = 30_000;

/** Settles while nobody waits, until nothing is left to be tried again. What a stop cuts off, the journal has. */
function retrySettling(
  context: WriteContext,
  calls: readonly OpenCall[],
  delayMs: number,
  track: <T>(work: Promise<T>) => Promise<T>,
): void {
  const again = (left: readonly OpenCall[]) => {
    if (left.length === 0) return;
    const next = () => retrySettling(context, left, Math.min(2 * delayMs, longestRetryMs), track);
    setTimeout(next, delayMs).unref();
  };
  track(settleAndClose(context, calls)).then(
    (ended) =>
      again(calls.filter(({ call }) => ended.some((entry) => entry.call === call && entry.state === "waiting"))),
    (err: unknown) => {
      context.log.error({ err }, unsettled);
      again(calls);
    },
  );
}

async function handle(session: Session, hold: Hold, context: WriteContext): Promise<boolean> {
  switch (hold.at) {
    case "query": {
      const client: ClientStatement = { ...noStatement, text: hold.statement.text };
      const write = new HeldWrite(session, hold.statement, client);
      const ran = await runWrite(write, context);
      // What looked at the session has opened a transaction, which must not become the Query's.
      if (ran === "passOn") await session.fly([], "sync", noStatement);
      if (ran === "answered") await endQuery(session, write);
      return ran !== "passOn";
    }
    case "execute": {
      const { statement, values } = hold.portal;
      const write = new HeldWrite(session, statement, {
        statement: statement.name,
        text: "",
        values,
        execute: hold.execute,
      });
      const ran = await runWrite(write, context);
      if (ran === "passOn" && session.owed.skipping) await session.fly([], "sync", noStatement);
      hold.portal.executed = true;
      return ran !== "passOn";
    }
    case "sync":
      await endHidden(session, undefined);
      await tellReady(session);
      return true;
    case "nextQuery":
      await endHidden(session, undefined);
      session.toClient(await session.calls.settle(session.status));
      return true;
  }
}

/** One held statement, as the write path sees it. */
class HeldWrite implements HeldSession {
  begun = false;
  /** The completion of a simple Query in a transaction of ours waits for its COMMIT. */
  completion: Buffer | undefined;

  constructor(
    private readonly session: Session,
    private readonly statement: MirrorStatement,
    private readonly client: ClientStatement,
  ) {}

  get classified() {
    return this.statement.classified;
  }
  get text() {
    return this.statement.text;
  }
  get processId() {
    return this.session.process;
  }
  get clientAddress() {
    return this.session.clientAddress;
  }
  get simple() {
    return this.client.execute === undefined;
  }
  get openCalls() {
    return this.session.calls.list;
  }

  async fly(steps: readonly Step[], end: "flush" | "sync"): Promise<Landing> {
    const { completion, ...landing } = await this.session.fly(steps, end, this.client);
    this.completion = completion;
    if (landing.kind === "landed" && landing.wasOpen) {
      this.begun = false;
      this.session.hidden = false;
    }
    return landing;
  }

  /** The status may be older than a BEGIN in this very batch: then ours is answered by a warning, and the client's counts. */
  begin(quiet: string | undefined): readonly Step[] {
    if (this.session.hidden || this.session.status !== Status.idle) return [];
    this.begun = true;
    this.session.hidden = true;
    return quiet === undefined ? [begin] : [minMessages("warning"), begin, minMessages(quiet)];
  }

  tellError(error: Fields): void {
    this.completion = undefined;
    if (this.session.over) this.session.endWith(error);
    else this.session.toClient(writeError(error));
  }

  tellCompletion(): void {
    if (this.simple || this.completion === undefined) return;
    this.session.toClient(this.completion);
  }

  noteCall(call: OpenCall): void {
    this.session.calls.note(call);
  }
}

/** A simple Query ends with its own ReadyForQuery, after the transaction that we opened for it. */
async function endQuery(session: Session, write: HeldWrite): Promise<void> {
  const { completion } = write;
  if (session.hidden) await endHidden(session, completion);
  else {
    await session.fly([], "sync", noStatement);
    if (completion) session.toClient(completion);
  }
  await tellReady(session);
}

/** Ends the transaction that we opened, as Postgres ends an implicit one: it commits, or what failed is rolled back. */
async function endHidden(session: Session, completion: Buffer | undefined): Promise<void> {
  session.hidden = false;
  const ended = await session.fly(session.owed.skipping ? [] : [commit], "sync", noStatement);
  if (session.status !== Status.idle) await session.fly([rollback], "sync", noStatement);
  if (ended.kind === "landed" && completion) session.toClient(completion);
  if (ended.kind !== "failed") return;
  session.toClient(writeError(afterAcceptance(session.calls.list, ended.error)));
}

/** The Z that ends a held batch: Postgres's own status, in a message of ours, for the Sync was ours. */
async function tellReady(session: Session): Promise<void> {
  if (session.over) return;
  if (session.calls.unsettled(session.status)) session.toClient(await session.calls.settle(session.status));
  session.toClient(Buffer.from([Backend.readyForQuery, 0, 0, 0, 5, session.status]));
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
async function settleAndClose({ pool, log }: WriteContext, calls: readonly OpenCall[]): Promise<Settled[]> {
  const open = calls.filter(({ settled }) => !settled).map(({ call }) => call);
  const ended = await settle(pool, open);
  const done = ended.filter(({ state }) => state === "applied" || state === "repaired").map(({ call }) => call);
  closeEntries(pool, done).catch((err: unknown) => log.error({ err }, unsettled));
  return ended;
}

async function settleHeld(
  context: WriteContext,
  calls: readonly OpenCall[],
  later: (calls: readonly OpenCall[]) => void,
): Promise<Buffer> {
  try {
    const ended = await settleAndClose(context, calls);
    const waiting = calls.filter(({ call }) => ended.some((entry) => entry.call === call && entry.state === "waiting"));
    later(waiting);
    const undone = calls.flatMap(({ call, undone: what }) =>
      what !== null && ended.some((entry) => entry.call === call && entry.state !== "applied") ? [what] : [],
    );
    if (undone.length === 0) return Buffer.alloc(0);
    const writes = undone.length === 1 ? "1 upstream write" : `${undone.length} upstream writes`;
    return warning(`rollback did not undo ${writes} (${undone.join("; ")})`);
  } catch (err) {
    context.log.error({ err }, unsettled);
    later(calls);
    return warning(
      "throughline: the mirror could not be checked after this transaction; the journal has its upstream write",
    );
  }
}

function warning(message: string): Buffer {
  const fields = { S: "WARNING", V: "WARNING", C: "01000", M: message };
  return writeNotice(new Map(Object.entries(fields)));
}
