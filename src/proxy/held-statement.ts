// The session's side of the write path: a held message as a WriteSession, and the end of the transaction that we opened for it.

import { atPosition, type Fields, writeNotice } from "../../protocol/fields.js";
import { Status } from "../../protocol/messages.js";
import { assertNever } from "../config/assert-never.js";
import type { Signer } from "../postgres/mac.js";
import type { SqlText } from "../sql/sql-text.js";
import { afterAcceptance, notAppliedError } from "../write/client-errors.js";
import type { FlightResult, InjectedStep } from "../write/injected-step.js";
import type { OpenCall, WriteSession } from "../write/session-port.js";
import type { CopyCollection } from "./copy-in.js";
import { type ClientStatement, noValues } from "./injected-messages.js";
import type { InterceptedSession } from "./interceptor.js";
import type { MirrorStatement } from "./statements.js";

export const begin: InjectedStep = { kind: "sql", text: "begin", values: [] };
const minMessages = (level: string): InjectedStep => ({
  kind: "sql",
  text: "select pg_catalog.set_config('client_min_messages', $1, false)",
  values: [level],
});
const rollback: InjectedStep = { kind: "sql", text: "rollback", values: [] };
const noText: SqlText = { bytes: Buffer.alloc(0), encoding: "utf8" };
export const noStatement: ClientStatement = { statement: "", text: noText, values: noValues, execute: undefined };

/** One held statement, as the write path sees it. */
export class HeldStatement implements WriteSession {
  hasBegun = false;
  /** The completion of a simple Query in a transaction of ours waits for its COMMIT. */
  completion: Buffer | undefined;
  private copyIn: Buffer | undefined;

  constructor(
    private readonly session: InterceptedSession,
    private statement: MirrorStatement,
    private client: ClientStatement,
    private readonly processSigner: Signer,
  ) {}

  get classification() {
    return this.statement.classification;
  }
  get text() {
    return this.statement.text;
  }
  get preparedAs() {
    return this.statement.preparedAs;
  }
  async reclassify(prepared: string): Promise<boolean> {
    const text: SqlText = { bytes: Buffer.from(prepared), encoding: "utf8" };
    const meaning = await this.session.lookout.classify(text);
    const statement = meaning.kind === "prepare" ? meaning.statement : meaning;
    const { classification, preparedAs } = this.statement;
    if (statement?.kind !== "write" || classification.kind !== "write" || !preparedAs) return false;
    const { parameters, explained } = classification;
    this.statement = {
      ...this.statement,
      classification: { ...statement, parameters, explained },
      preparedAs: { name: preparedAs.name, text },
    };
    return true;
  }
  get signer() {
    return this.processSigner.forSession(this.session.cancellation.processId);
  }
  get clientAddress() {
    return this.session.clientAddress;
  }
  get isSimple() {
    return this.client.execute === undefined;
  }
  get isExplicit() {
    return !this.session.transaction.isOurs;
  }
  get isOver() {
    return this.session.over;
  }
  async isClientGone() {
    return this.session.over || (await this.session.presence.isGone()) || this.session.over;
  }
  get isStale() {
    return this.client.isStale === true;
  }
  get isTooLong() {
    return this.client.isTooLong === true;
  }
  get followsOthers() {
    return this.client.followsOthers === true;
  }
  get hasRowLimit() {
    const { execute } = this.client;
    return execute !== undefined && execute.readInt32BE(execute.length - 4) > 0;
  }
  get openCalls() {
    return this.session.transaction.calls.list;
  }

  async fly(steps: readonly InjectedStep[], end: "flush" | "sync"): Promise<FlightResult> {
    const { completion, copyIn, ...landing } = await this.session.fly(steps, end, this.client);
    this.completion = completion;
    this.copyIn = copyIn;
    if (landing.kind !== "over" && landing.wasOpen) {
      this.hasBegun = false;
      this.session.transaction.handOver();
    }
    return landing;
  }

  /** The status may be older than a BEGIN in this very batch: then ours is answered by a warning, and the client's counts. */
  begin(quiet: string | undefined): readonly InjectedStep[] {
    if (!this.session.transaction.isNone) return [];
    this.hasBegun = true;
    this.session.transaction.open();
    return quiet === undefined ? [begin] : [minMessages("warning"), begin, minMessages(quiet)];
  }

  interruptibly<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.session.cancellation.interruptibly(work);
  }

  async collectRows(): Promise<CopyCollection> {
    if (this.copyIn) this.session.toClient(this.copyIn);
    const { collection, bytes } = await this.session.heldClient.collect();
    this.client = { ...this.client, copiedRows: bytes };
    return collection;
  }

  tellError(error: Fields): void {
    this.completion = undefined;
    this.session.words.error(atPosition(error, this.client.shift ?? 0));
  }

  tellCompletion(): void {
    if (this.isSimple || this.completion === undefined) return;
    this.session.toClient(this.completion);
  }

  tellNotice({ message, detail = "" }: { readonly message: string; readonly detail?: string | undefined }): void {
    this.session.toClient(
      writeNotice(new Map(Object.entries({ S: "NOTICE", V: "NOTICE", C: "00000", M: message, D: detail }))),
    );
  }

  /** Tells the client of a simple Query's completion that was kept for later. */
  tellKept(): void {
    if (this.completion !== undefined) this.session.toClient(this.completion);
    this.completion = undefined;
  }

  noteCall(call: OpenCall): void {
    this.session.transaction.calls.note(call);
  }
}

/** A simple Query ends with its own ReadyForQuery, after the transaction that we opened for it. */
export async function endQuery(session: InterceptedSession, write: HeldStatement): Promise<void> {
  const { completion } = write;
  let isCommitted = false;
  if (session.transaction.isOurs) isCommitted = await endOurTransaction(session, completion);
  else {
    await session.fly([], "sync", noStatement);
    if (completion && !session.over) session.toClient(completion);
  }
  // What the Query became is not the client's.
  await session.fly([{ kind: "forget" }], "flush", noStatement);
  session.statements.queried();
  await tellReady(session, isCommitted);
}

/**
 * Ends the transaction that we opened, as Postgres ends an implicit one: it commits, or what failed is rolled back. Resolves to whether it
 * has committed.
 */
export async function endOurTransaction(session: InterceptedSession, completion: Buffer | undefined): Promise<boolean> {
  session.transaction.handOver();
  const { skipping } = session.replies;
  const flight = await session.fly(skipping ? [] : [{ kind: "commit" }], "sync", noStatement);
  if (session.transaction.status !== Status.idle) await session.fly([rollback], "sync", noStatement);
  switch (flight.kind) {
    case "landed":
      if (completion) session.toClient(completion);
      return !skipping;
    case "failed":
      session.words.error(commitError(session.transaction.calls.pending, flight.error));
      return false;
    case "over":
      return false;
    default:
      return assertNever(flight);
  }
}

/** The client knows of no COMMIT: to it, a failed one is what its statement has come to. */
function commitError(calls: readonly OpenCall[], cause: Fields): Fields {
  const call = calls.find(({ change, isReported }) => change !== null && !isReported);
  const error = afterAcceptance(calls, cause);
  const isPlain = call?.change != null && !error.get("C")?.startsWith("TL");
  return isPlain ? notAppliedError(call.api, call.change, error) : error;
}

/** Settles the calls of a transaction that has ended, and warns the client of what it did not undo. */
export async function tellSettled(session: InterceptedSession): Promise<void> {
  const { calls, status } = session.transaction;
  if (calls.hasUnsettled(status)) session.toClient(await calls.settle(status));
}

/**
 * The Z that ends a held batch: Postgres's own status, in a message of ours, for the Sync was ours. Of a session that is over only what has
 * committed ends so; the rest ends with the session's last words.
 */
export async function tellReady(session: InterceptedSession, isCommitted: boolean): Promise<void> {
  if (session.over && !isCommitted) return;
  await tellSettled(session);
  session.words.ready();
}
