// EXPLAIN of a write to a mirror: Postgres's own plan, and after it the request that the statement would become. The statement is
// planned as if it were to be run, inside a savepoint, and no call is made.

import { writeRow } from "../../protocol/encode.js";
import type { Fields } from "../../protocol/fields.js";
import { Backend } from "../../protocol/messages.js";
import { charactersIn } from "../sql/sql-text.js";
import { explainText } from "../write/explain-text.js";
import type { InjectedStep } from "../write/injected-step.js";
import { tellFailure } from "../write/raise-in-postgres.js";
import { runWrite } from "../write/run.js";
import type { WriteContext } from "../write/statement.js";
import type { Hold } from "./frontend.js";
import { HeldStatement, noStatement } from "./held-statement.js";
import type { ClientStatement } from "./injected-messages.js";
import type { InterceptedSession } from "./interceptor.js";

type Explained = Extract<Hold, { at: "query" | "execute" }>;

/** Our own statement: the client's unnamed one stays what it is. */
const name = "_throughline_explained";
const savepoint: InjectedStep = { kind: "sql", text: "savepoint _throughline_explain", values: [] };
const undo: readonly InjectedStep[] = [
  { kind: "sql", text: "rollback to savepoint _throughline_explain", values: [] },
  { kind: "sql", text: "release savepoint _throughline_explain", values: [] },
];

/** The statement that is explained, as the write path sees it: what it would tell the client is kept. */
class ExplainedWrite extends HeldStatement {
  refusal: Fields | undefined;
  /** The session wants to hear no notices. */
  quiet = false;

  override tellError(error: Fields): void {
    this.refusal = error;
  }
  override tellCompletion(): void {}
}

/** `passOn`: the EXPLAIN goes to Postgres as it came. */
export async function explain(
  session: InterceptedSession,
  hold: Explained,
  context: WriteContext,
): Promise<HeldStatement | "passOn"> {
  const { statement } = hold.at === "query" ? hold : hold.portal;
  const { classification, text } = statement;
  if (
    classification.kind !== "write" ||
    !classification.explained ||
    (hold.at === "execute" && (hold.stale || hold.portal.isTooLong))
  )
    return "passOn";
  const { form, at } = classification.explained;
  // Behind as many blanks as EXPLAIN takes, errors show the same place.
  const inner = { ...text, bytes: Buffer.concat([blanks(charactersIn(text, at)), text.bytes.subarray(at)]) };
  const values = hold.at === "query" ? noStatement.values : hold.portal.values;
  const explanation = new ExplainedWrite(
    session,
    { name, text: inner, classification: { ...classification, explained: null }, preparedAs: statement.preparedAs },
    { statement: name, text: inner, values, execute: undefined },
    context.signer,
  );
  const lines = await linesOf(session, explanation, context);
  if (lines === undefined) return "passOn";
  const client: ClientStatement =
    hold.at === "query"
      ? { ...noStatement, text }
      : { ...noStatement, statement: statement.name, values: hold.portal.values, execute: hold.execute };
  const write = new HeldStatement(session, statement, client, context.signer);
  const flight = await write.fly(
    [...(write.isSimple ? [{ kind: "prepareQuery" } as const] : []), { kind: "execute" }],
    "flush",
  );
  if (flight.kind !== "landed") {
    tellFailure(write, flight);
    return write;
  }
  // Of rows in portions, the later ones are Postgres's alone.
  if (write.completion?.[0] === Backend.commandComplete) {
    if (form === "rows") session.toClient(Buffer.concat(lines.map((line) => writeRow([line]))));
    else if (!explanation.quiet) write.tellNotice(asNotice(lines));
  }
  write.tellCompletion();
  return write;
}

async function linesOf(
  session: InterceptedSession,
  explanation: ExplainedWrite,
  context: WriteContext,
): Promise<readonly string[] | undefined> {
  const flight = await explanation.fly([...explanation.begin(undefined), savepoint], "flush");
  if (flight.kind !== "landed") return undefined;
  let lines: readonly string[] | undefined;
  const ran = await runWrite({
    session: explanation,
    context,
    explain: async (statement) => {
      explanation.quiet = statement.inspection.hidesNotices;
      lines = await explainText(statement);
    },
  });
  // An error has made Postgres skip all that follows, up to a Sync; the transaction is a block, which that does not end.
  if (session.replies.skipping) await session.fly([], "sync", noStatement);
  await explanation.fly([...undo, { kind: "forget" }], "flush");
  const { refusal } = explanation;
  if (ran !== "answered") return undefined;
  // What Postgres can't make sense of it says itself; or it could, with the types that a Parse gave.
  if (refusal && /^42/.test(refusal.get("C") ?? "") && !isOurs(refusal)) return undefined;
  if (!refusal) return lines ?? ["Throughline: no request"];
  const hint = refusal.get("H");
  return [
    `Throughline: no request: it would be refused (${refusal.get("C")}: ${refusal.get("M")})`,
    ...(hint === undefined ? [] : [`  Hint: ${hint}`]),
  ];
}

/** For a format that has no place for lines. */
function asNotice([first = "", ...more]: readonly string[]): { readonly message: string; readonly detail: string } {
  return { message: first.replace(/^T/, "t"), detail: more.map((line) => line.trim()).join("\n") };
}

function isOurs(error: Fields): boolean {
  return error.get("M")?.startsWith("throughline: ") === true;
}

function blanks(count: number): Buffer {
  return Buffer.alloc(count, " ");
}
