// A string of several statements, cut where they end.

import type { Piece, TransactionCommand } from "./classified.js";
import { fieldsOf, listOf, type NodeFields, textOf } from "./tree.js";

export type { Piece } from "./classified.js";

export interface Judged extends Omit<Piece, "text"> {
  readonly at: number;
  readonly length: number;
}

/** Neighbours that are Postgres's own, and leave the transaction alone, stay together. */
export function piecesOf(text: string, judged: readonly Judged[]): Piece[] {
  const bytes = Buffer.from(text, "utf8");
  const pieces: Piece[] = [];
  let blanks = 0;
  let counted = 0;
  for (let i = 0; i < judged.length; ) {
    const first = judged[i];
    if (!first) break;
    let last = first;
    i += 1;
    for (let next = judged[i]; isPlain(first) && next && isPlain(next); next = judged[i]) {
      last = next;
      i += 1;
    }
    blanks += [...bytes.toString("utf8", counted, first.at)].length;
    counted = first.at;
    const end = last.length === 0 ? bytes.length : last.at + last.length;
    const { at: _at, length: _length, ...judgement } = first;
    pieces.push({ text: " ".repeat(blanks) + bytes.toString("utf8", first.at, end), ...judgement });
  }
  return pieces;
}

function isPlain({ classified, transaction, copies, lone }: Judged): boolean {
  return classified.kind === "other" && transaction === null && !copies && lone === null;
}

/** The best known of what Postgres refuses in a transaction block, and so in a string (`PreventInTransactionBlock`). */
export function loneCommand(stmt: NodeFields | undefined): string | null {
  const [kind = ""] = Object.keys(stmt ?? {});
  const fields = fieldsOf(stmt, kind);
  switch (kind) {
    case "VacuumStmt":
      return fields?.["is_vacuumcmd"] === true ? "VACUUM" : null;
    case "DiscardStmt":
      return (textOf(fields, "target") ?? "DISCARD_ALL") === "DISCARD_ALL" ? "DISCARD ALL" : null;
    case "IndexStmt":
      return fields?.["concurrent"] === true ? "CREATE INDEX CONCURRENTLY" : null;
    case "DropStmt":
      return fields?.["concurrent"] === true ? "DROP INDEX CONCURRENTLY" : null;
    case "ClusterStmt":
      return fields?.["relation"] === undefined ? "CLUSTER" : null;
    case "ReindexStmt":
      return loneReindex(fields);
    case "TransactionStmt":
      return loneEnds[textOf(fields, "kind") ?? ""] ?? null;
    default:
      return loneCommands[kind] ?? null;
  }
}

function loneReindex(reindex: NodeFields | undefined): string | null {
  const options = listOf(reindex, "params").map((option) => textOf(fieldsOf(option, "DefElem"), "defname"));
  if (options.includes("concurrently")) return "REINDEX CONCURRENTLY";
  const [, many] = /^REINDEX_OBJECT_(SCHEMA|SYSTEM|DATABASE)$/.exec(textOf(reindex, "kind") ?? "") ?? [];
  return many === undefined ? null : `REINDEX ${many}`;
}

const loneEnds: Readonly<Record<string, string>> = {
  TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED",
  TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
};

const loneCommands: Readonly<Record<string, string>> = {
  CreatedbStmt: "CREATE DATABASE",
  DropdbStmt: "DROP DATABASE",
  CreateTableSpaceStmt: "CREATE TABLESPACE",
  DropTableSpaceStmt: "DROP TABLESPACE",
  AlterSystemStmt: "ALTER SYSTEM",
};

export function copiesIn(copy: NodeFields | undefined): boolean {
  return copy?.["is_from"] === true && copy["is_program"] !== true && copy["filename"] === undefined;
}

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
