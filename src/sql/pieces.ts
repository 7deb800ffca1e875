// A string of several statements, cut where they end.

import { memberOf } from "../config/member.js";
import type { Piece, TransactionCommand } from "./classification.js";
import { fieldsOf, listOf, type NodeFields, textOf } from "./tree.js";

/** A string of more pieces is refused: each costs messages of its own. */
export const mostPieces = 10_000;

/** A statement of a string, with its place in bytes; a length of 0 reaches to the end of the string. */
export interface LocatedStatement extends Omit<Piece, "from" | "to"> {
  readonly at: number;
  readonly length: number;
}

/** Returns the pieces of a string of `size` bytes. Neighbours that write to no mirror and leave the transaction alone stay one piece. */
export function piecesOf(size: number, statements: readonly LocatedStatement[]): Piece[] {
  const pieces: Piece[] = [];
  for (let i = 0; i < statements.length; ) {
    const first = statements[i];
    if (!first) break;
    let last = first;
    i += 1;
    for (let next = statements[i]; isPlain(first) && next && isPlain(next); next = statements[i]) {
      last = next;
      i += 1;
    }
    const { at: from, length: _length, ...rest } = first;
    pieces.push({ from, to: last.length === 0 ? size : last.at + last.length, ...rest });
  }
  return pieces;
}

function isPlain({ classification, transaction, copies, lone }: LocatedStatement): boolean {
  return classification.kind === "other" && transaction === null && !copies && lone === null;
}

/**
 * Returns the name of a command that Postgres refuses in a transaction block and so in a string of several statements
 * (`PreventInTransactionBlock`), such as VACUUM; null for any other statement. The list has the best-known commands.
 */
export function loneCommand(stmt: NodeFields | undefined): string | null {
  const [kind = ""] = Object.keys(stmt ?? {});
  return memberOf(loneCommands, kind)?.(fieldsOf(stmt, kind)) ?? null;
}

type CommandOf = (fields: NodeFields | undefined) => string | null | undefined;

const loneCommands: Readonly<Record<string, CommandOf>> = {
  VacuumStmt: (fields) => (fields?.["is_vacuumcmd"] === true ? "VACUUM" : null),
  DiscardStmt: (fields) => ((textOf(fields, "target") ?? "DISCARD_ALL") === "DISCARD_ALL" ? "DISCARD ALL" : null),
  IndexStmt: (fields) => (fields?.["concurrent"] === true ? "CREATE INDEX CONCURRENTLY" : null),
  DropStmt: (fields) => (fields?.["concurrent"] === true ? "DROP INDEX CONCURRENTLY" : null),
  ClusterStmt: (fields) => (fields?.["relation"] === undefined ? "CLUSTER" : null),
  ReindexStmt: loneReindex,
  TransactionStmt: (fields) => memberOf(loneEnds, textOf(fields, "kind") ?? ""),
  CreatedbStmt: () => "CREATE DATABASE",
  DropdbStmt: () => "DROP DATABASE",
  CreateTableSpaceStmt: () => "CREATE TABLESPACE",
  DropTableSpaceStmt: () => "DROP TABLESPACE",
  AlterSystemStmt: () => "ALTER SYSTEM",
};

const loneEnds: Readonly<Record<string, string>> = {
  TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED",
  TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
};

function loneReindex(reindex: NodeFields | undefined): string | null {
  const options = listOf(reindex, "params").map((option) => textOf(fieldsOf(option, "DefElem"), "defname"));
  if (options.includes("concurrently")) return "REINDEX CONCURRENTLY";
  const [, many] = /^REINDEX_OBJECT_(SCHEMA|SYSTEM|DATABASE)$/.exec(textOf(reindex, "kind") ?? "") ?? [];
  return many === undefined ? null : `REINDEX ${many}`;
}

/** Returns whether COPY reads its rows from the client. */
export function copiesIn(copy: NodeFields | undefined): boolean {
  return copy?.["is_from"] === true && copy["is_program"] !== true && copy["filename"] === undefined;
}

/** Returns what a statement does to the transaction; null when it is no such command. */
export function transactionOf(transaction: NodeFields | undefined): TransactionCommand | null {
  switch (textOf(transaction, "kind")) {
    case "TRANS_STMT_BEGIN":
      return "BEGIN";
    case "TRANS_STMT_START":
      return "START TRANSACTION";
    case "TRANS_STMT_SAVEPOINT":
      return "SAVEPOINT";
    case "TRANS_STMT_RELEASE":
      return "RELEASE SAVEPOINT";
    case "TRANS_STMT_ROLLBACK_TO":
      return "ROLLBACK TO SAVEPOINT";
    case "TRANS_STMT_COMMIT":
    case "TRANS_STMT_ROLLBACK":
      return transaction?.["chain"] === true ? "chain" : "end";
    default:
      return null;
  }
}
