// Classifies a statement by what it means for mirror tables, from the tree of Postgres's own parser.

import { assertNever } from "../config/assert-never.js";
import { blankComments } from "./blanked-comments.js";
import { type Classification, type Definition, mostDefinitions } from "./classification.js";
import { explainedAt } from "./explained-at.js";
import type { Names } from "./names.js";
import { parse } from "./parser.js";
import { copiesIn, loneCommand, mostPieces, piecesOf, transactionOf } from "./pieces.js";
import { fieldsOf, type NodeFields, numberOf, optionsOf, textOf, wordsOf } from "./tree.js";
import { writeOf } from "./write-collector.js";

const other: Classification = { kind: "other", defines: [] };

/** Returns what `sql` means for the watched names, and the names that it would define. A text that can't be parsed is `other`. */
export async function classify(sql: string, names: Names): Promise<Classification> {
  const text = blankComments(sql);
  if (text === undefined) return other;
  return classifyAll(text, (await parse(text)) ?? [], names);
}

function classifyAll(text: string, statements: readonly unknown[], names: Names): Classification {
  const [first] = statements;
  if (statements.length <= 1) return first === undefined ? other : classifyOne(fieldsOf(first, "stmt"), names, text);
  const defines: Definition[] = [];
  let current = names;
  const parts = statements.map((statement) => {
    const stmt = fieldsOf(statement, "stmt");
    const classification = classifyOne(stmt, current, text);
    if (classification.kind === "other" && classification.defines.length > 0 && defines.length < mostDefinitions) {
      defines.push(...classification.defines);
      current = current.with(classification.defines);
    }
    return {
      at: numberOf(statement, "stmt_location"),
      length: numberOf(statement, "stmt_len"),
      classification,
      transaction: transactionOf(fieldsOf(stmt, "TransactionStmt")),
      copies: copiesIn(fieldsOf(stmt, "CopyStmt")),
      lone: loneCommand(stmt),
    };
  });
  const known = defines.slice(0, mostDefinitions);
  if (!parts.some(({ classification }) => concernsMirrors(classification))) return { kind: "other", defines: known };
  const pieces = piecesOf(Buffer.byteLength(text), parts);
  return {
    kind: "several",
    pieces: pieces.slice(0, mostPieces),
    isTooLong: pieces.length > mostPieces,
    defines: known,
  };
}

/** In a string of several statements, a PREPARE that writes to no mirror is left to Postgres. */
function concernsMirrors(classification: Classification): boolean {
  switch (classification.kind) {
    case "other":
      return false;
    case "prepare":
      return classification.statement !== null;
    case "write":
    case "prepareTransaction":
    case "execute":
    case "several":
      return true;
    default:
      return assertNever(classification);
  }
}

function classifyOne(stmt: NodeFields | undefined, names: Names, text: string): Classification {
  const [kind = ""] = Object.keys(stmt ?? {});
  const fields = fieldsOf(stmt, kind);
  switch (kind) {
    case "TransactionStmt":
      return textOf(fields, "kind") === "TRANS_STMT_PREPARE" ? { kind: "prepareTransaction" } : other;
    case "ExecuteStmt":
      return { kind: "execute", name: textOf(fields, "name") ?? "", explained: null };
    case "PrepareStmt": {
      const statement = writeOf(fieldsOf(fields, "query"), names) ?? null;
      return { kind: "prepare", name: textOf(fields, "name") ?? "", statement };
    }
    case "CreateFunctionStmt":
    case "ViewStmt":
    case "RenameStmt":
    case "RuleStmt":
      return { kind: "other", defines: definitionsOf(kind, fields, names) };
    case "ExplainStmt":
      return runs(fields) ? writeOrExecute(stmt, fields, names) : explainOf(fields, names, text);
    case "SelectStmt":
    case "InsertStmt":
    case "UpdateStmt":
    case "DeleteStmt":
    case "MergeStmt":
    case "CopyStmt":
    case "CallStmt":
    case "DoStmt":
    case "CreateTableAsStmt":
      return writeOrExecute(stmt, fields, names);
    default:
      return other;
  }
}

function definitionsOf(
  kind: "CreateFunctionStmt" | "ViewStmt" | "RenameStmt" | "RuleStmt",
  fields: NodeFields | undefined,
  names: Names,
): readonly Definition[] {
  const relation = tableOf(fieldsOf(fields, "relation"));
  switch (kind) {
    case "CreateFunctionStmt": {
      const [name = "", schema = null] = [...wordsOf(fields, "funcname")].reverse();
      return [{ kind: "function", schema, name }];
    }
    case "ViewStmt":
      return [{ kind: "table", ...tableOf(fieldsOf(fields, "view")) }];
    case "RenameStmt":
      return /^OBJECT_(VIEW|TABLE)$/.test(textOf(fields, "renameType") ?? "") && names.isTable(relation.name)
        ? [{ kind: "table", schema: relation.schema, name: textOf(fields, "newname") ?? "" }]
        : [];
    case "RuleStmt":
      return [{ kind: "table", ...relation }];
    default:
      return assertNever(kind);
  }
}

function tableOf(range: NodeFields | undefined): { readonly schema: string | null; readonly name: string } {
  return { schema: textOf(range, "schemaname") ?? null, name: textOf(range, "relname") ?? "" };
}

function writeOrExecute(stmt: NodeFields | undefined, fields: NodeFields | undefined, names: Names): Classification {
  return executeOf(fields) ?? writeOf(stmt, names) ?? other;
}

/** Returns the EXECUTE in EXPLAIN ANALYZE EXECUTE or CREATE TABLE … AS EXECUTE. */
function executeOf(around: NodeFields | undefined): Extract<Classification, { kind: "execute" }> | undefined {
  const execute = fieldsOf(fieldsOf(around, "query"), "ExecuteStmt");
  return execute && { kind: "execute", name: textOf(execute, "name") ?? "", explained: null };
}

function explainOf(explain: NodeFields | undefined, names: Names, text: string): Classification {
  const format = optionsOf(explain, "format").at(-1)?.toLowerCase() ?? "text";
  const statement = executeOf(explain) ?? writeOf(fieldsOf(explain, "query"), names);
  if (!statement) return other;
  return { ...statement, explained: { form: format === "text" ? "rows" : "notice", at: explainedAt(text) } };
}

/** Returns whether EXPLAIN runs its statement, as ANALYZE asks for. */
function runs(explain: NodeFields | undefined): boolean {
  return optionsOf(explain, "analyze").some((value) => !/^(?:false|off|0)$/i.test(value ?? ""));
}
