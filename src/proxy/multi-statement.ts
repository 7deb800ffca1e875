// A simple Query of several statements, one of which writes to a mirror: each runs by itself, in the one transaction that the
// string is (manual: "Multiple Statements in a Simple Query"). Pieces that are Postgres's own are Queries of their own.

import { writeTag } from "../../protocol/encode.js";
import { assertNever } from "../config/assert-never.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Piece } from "../sql/classification.js";
import { mostPieces } from "../sql/pieces.js";
import { charactersIn, type SqlText } from "../sql/sql-text.js";
import { refuseStep } from "../write/injected-statements.js";
import type { InjectedStep } from "../write/injected-step.js";
import { runWrite } from "../write/run.js";
import { writeWarning } from "../write/sql-error.js";
import type { WriteContext } from "../write/statement.js";
import type { Hold } from "./frontend.js";
import { begin, endOurTransaction, HeldStatement, noStatement, tellReady, tellSettled } from "./held-statement.js";
import type { InterceptedSession } from "./interceptor.js";
import { aloneOnly, blockOnly, longString, noTransaction } from "./proxy-errors.js";
import { isExplained } from "./statements.js";

/** False: the string goes to Postgres as it is. */
export async function runMultiStatement(
  session: InterceptedSession,
  { text, several: { pieces, isTooLong } }: Extract<Hold, { at: "several" }>,
  context: WriteContext,
): Promise<boolean> {
  // Rows of a COPY could not come while the client is held, and where characters can't be told from bytes nothing can be cut.
  if (pieces.some(({ copies }) => copies) || text.encoding === "other") return false;
  // Nothing is known of the transaction before all that was sent earlier is answered.
  await session.fly([], "flush", noStatement);
  // An earlier message failed: Postgres reads nothing before the next Sync.
  if (session.over || session.replies.skipping) return true;
  const writes = pieces.some(({ classification: { kind } }) => kind === "write" || kind === "execute");
  const lone = writes ? pieces.find((piece) => piece.lone !== null)?.lone : undefined;
  // It is told before anything is sent: in Postgres, it would undo what came before it.
  const refusal = isTooLong ? longString(mostPieces) : lone ? aloneOnly(lone) : undefined;
  if (refusal) {
    await refuse(session, context, refusal);
    await tellReady(session, false);
    return true;
  }
  let last: HeldStatement | undefined;
  for (const [index, piece] of cutPieces(text, pieces).entries()) {
    const end = await runPiece(session, piece, context);
    if (session.over) return true;
    last = end === "failed" ? undefined : end;
    if (end === "failed") break;
    // The last one is told when the transaction has ended, as Postgres does.
    if (index < pieces.length - 1) last?.tellKept();
  }
  await endString(session, last?.completion);
  return true;
}

async function endString(session: InterceptedSession, completion: Buffer | undefined): Promise<void> {
  const { isOurs } = session.transaction;
  const isCommitted = isOurs && (await endOurTransaction(session, completion));
  if (!isOurs && completion) session.toClient(completion);
  await tellReady(session, isCommitted);
}

/** A piece with its own text. */
interface CutPiece extends Piece {
  readonly text: SqlText;
  /** How many characters of the string stand in front of it. */
  readonly shift: number;
}

function cutPieces(text: SqlText, pieces: readonly Piece[]): readonly CutPiece[] {
  let shift = 0;
  let at = 0;
  return pieces.map((piece) => {
    shift += charactersIn({ ...text, bytes: text.bytes.subarray(at, piece.from) }, piece.from - at);
    at = piece.from;
    return { ...piece, text: { ...text, bytes: text.bytes.subarray(piece.from, piece.to) }, shift };
  });
}

/** A write whose completion the client has yet to be told; `failed`: nothing later runs. */
type PieceResult = HeldStatement | undefined | "failed";

async function runPiece(session: InterceptedSession, piece: CutPiece, context: WriteContext): Promise<PieceResult> {
  const { transaction } = session;
  switch (piece.transaction) {
    case "BEGIN":
    case "START TRANSACTION":
      return transaction.isOurs ? runBegin(session, piece, piece.transaction) : runQuery(session, piece);
    case "end":
      if (transaction.isOurs) session.toClient(writeWarning(noTransaction()));
      return runQuery(session, piece);
    case "chain":
      return transaction.isOurs ? needsBlock(session, context, "COMMIT AND CHAIN") : runQuery(session, piece);
    case "SAVEPOINT":
    case "RELEASE SAVEPOINT":
    case "ROLLBACK TO SAVEPOINT":
      await open(session);
      return transaction.isOurs ? needsBlock(session, context, piece.transaction) : runQuery(session, piece);
    case null:
      await open(session);
      return runStatement(session, piece, context);
    default:
      return assertNever(piece.transaction);
  }
}

/** A BEGIN in the middle of a string makes the transaction that has begun with the string the client's own. */
async function runBegin(session: InterceptedSession, { text }: CutPiece, tag: string): Promise<"failed" | undefined> {
  // What the parser takes for a BEGIN has nothing but keywords.
  const end = await runOurs(session, { kind: "sql", text: text.bytes.toString("latin1"), values: [] }, tag);
  if (end !== "failed") session.transaction.handOver();
  return end;
}

async function runStatement(session: InterceptedSession, piece: CutPiece, context: WriteContext): Promise<PieceResult> {
  const statement = session.statements.resolve("", piece.text, piece.classification);
  if (!statement || isExplained(statement)) return runQuery(session, piece);
  const client = { ...noStatement, text: piece.text, shift: piece.shift };
  const write = new HeldStatement(session, statement, client, context.signer);
  const result = await runWrite({ session: write, context });
  await session.fly([], "sync", noStatement);
  if (result === "passOn") return runQuery(session, piece);
  return session.transaction.hasFailed ? "failed" : write;
}

/** As Postgres says it of a string that is a transaction of its own. */
async function needsBlock(
  session: InterceptedSession,
  context: WriteContext,
  command: string,
): Promise<"failed" | undefined> {
  return refuse(session, context, blockOnly(command));
}

async function refuse(
  session: InterceptedSession,
  { signer }: WriteContext,
  error: SqlError,
): Promise<"failed" | undefined> {
  return runOurs(session, refuseStep(signer.forSession(session.cancellation.processId), error), "");
}

/** The string's own transaction, unless there is one. */
async function open(session: InterceptedSession): Promise<void> {
  if (!session.transaction.isNone) return;
  session.transaction.open();
  await session.fly([begin], "sync", noStatement);
}

/** Its answers are the client's, but for the ReadyForQuery. */
async function runQuery(session: InterceptedSession, { text, shift }: CutPiece): Promise<"failed" | undefined> {
  const { kind } = await session.fly([{ kind: "query", text }], "flush", { ...noStatement, shift });
  await tellSettled(session);
  return kind === "landed" ? undefined : "failed";
}

/** A statement of which the client sees its error, or `tag`. */
async function runOurs(session: InterceptedSession, step: InjectedStep, tag: string): Promise<"failed" | undefined> {
  const flight = await session.fly([step], "sync", noStatement);
  switch (flight.kind) {
    case "landed":
      session.toClient(writeTag(tag));
      return undefined;
    case "failed":
      session.words.error(flight.error);
      return "failed";
    case "over":
      return "failed";
    default:
      return assertNever(flight);
  }
}
