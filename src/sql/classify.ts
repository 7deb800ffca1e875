// What a statement means for mirror tables: read from Postgres's own parser, never interpreted further.

import type { Classified, TableName, Write } from "./classified.js";
import { parse } from "./parser.js";
import { copiesIn, loneCommand, piecesOf, transactionOf } from "./pieces.js";
import { fieldsOf, isNodeFields, listOf, type NodeFields, numberOf, textOf, walk, wordsOf } from "./tree.js";

export type { Classified, Write } from "./classified.js";

/** Which names are watched; what a statement defines is told. */
export interface Names {
  /** What the body of a DO block writes to and calls, of them. */
  mentioned(body: string): { readonly tables: readonly TableName[]; readonly functions: readonly TableName[] };
  isTable(name: string): boolean;
  isFunction(name: string): boolean;
  define(kind: "tables" | "functions", name: string): void;
}

const other: Classified = { kind: "other" };

/** What can't be parsed is `other`. */
export function classify(text: string, names: Names): Classified {
  const statements = parse(text) ?? [];
  const [first] = statements;
  if (statements.length <= 1) return first === undefined ? other : classifyOne(fieldsOf(first, "stmt"), names);
  const judged = statements.map((statement) => {
    const stmt = fieldsOf(statement, "stmt");
    return {
      at: numberOf(statement, "stmt_location"),
      length: numberOf(statement, "stmt_len"),
      classified: classifyOne(stmt, names),
      transaction: transactionOf(fieldsOf(stmt, "TransactionStmt")),
      copies: copiesIn(fieldsOf(stmt, "CopyStmt")),
      lone: loneCommand(stmt),
    };
  });
  if (judged.every(({ classified }) => classified.kind === "other" || isNoWrite(classified))) return other;
  return { kind: "several", pieces: piecesOf(text, judged) };
}

/** A PREPARE of something else is only of interest to who keeps names. */
function isNoWrite(classified: Classified): boolean {
  return classified.kind === "prepare" && classified.statement === null;
}

function classifyOne(stmt: NodeFields | undefined, names: Names): Classified {
  const [kind] = Object.keys(stmt ?? {});
  const fields = kind === undefined ? undefined : fieldsOf(stmt, kind);
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
      names.define("functions", wordsOf(fields, "funcname").at(-1) ?? "");
      return other;
    case "ViewStmt":
      names.define("tables", textOf(fieldsOf(fields, "view"), "relname") ?? "");
      return other;
    case "RenameStmt":
      if (
        /^OBJECT_(VIEW|TABLE)$/.test(textOf(fields, "renameType") ?? "") &&
        names.isTable(textOf(fieldsOf(fields, "relation"), "relname") ?? "")
      )
        names.define("tables", textOf(fields, "newname") ?? "");
      return other;
    case "RuleStmt":
      names.define("tables", textOf(fieldsOf(fields, "relation"), "relname") ?? "");
      return other;
    case "ExplainStmt":
      return runs(fields) ? (executeOf(fields) ?? writeOf(stmt, names) ?? other) : explainedOf(fields, names);
    case "SelectStmt":
    case "InsertStmt":
    case "UpdateStmt":
    case "DeleteStmt":
    case "MergeStmt":
    case "CopyStmt":
    case "CallStmt":
    case "DoStmt":
    case "CreateTableAsStmt":
      return executeOf(fields) ?? writeOf(stmt, names) ?? other;
    default:
      return other;
  }
}

/** EXPLAIN ANALYZE EXECUTE, CREATE TABLE … AS EXECUTE. */
function executeOf(around: NodeFields | undefined): Extract<Classified, { kind: "execute" }> | undefined {
  const execute = fieldsOf(fieldsOf(around, "query"), "ExecuteStmt");
  return execute && { kind: "execute", name: textOf(execute, "name") ?? "", explained: null };
}

function explainedOf(explain: NodeFields | undefined, names: Names): Classified {
  const format = optionsOf(explain, "format").at(-1)?.toLowerCase() ?? "text";
  const found = executeOf(explain) ?? writeOf(fieldsOf(explain, "query"), names);
  return found ? { ...found, explained: format === "text" ? "rows" : "notice" } : other;
}

/** EXPLAIN ANALYZE runs its statement. */
function runs(explain: NodeFields | undefined): boolean {
  return optionsOf(explain, "analyze").some((value) => !/^(?:false|off|0)$/i.test(value ?? ""));
}

function writeOf(stmt: unknown, names: Names): Write | undefined {
  const relations: TableName[] = [];
  const inserts: NodeFields[] = [];
  const verbs = new Set<Write["verbs"][number]>();
  const functions: TableName[] = [];
  let [parameters, calls, others] = [false, false, false];
  let copies: Write["copies"] = null;
  const target = (fields: NodeFields, ...does: readonly Write["verbs"][number][]): boolean => {
    const relation = fieldsOf(fields, "relation");
    const table = textOf(relation, "relname");
    if (table === undefined || !names.isTable(table)) return false;
    relations.push({ schema: textOf(relation, "schemaname") ?? null, table });
    for (const verb of does) verbs.add(verb);
    return true;
  };
  const called = (words: readonly string[]) => {
    const name = words.at(-1) ?? "";
    if (names.isFunction(name)) functions.push({ schema: words.at(-2) ?? null, table: name });
  };
  walk(stmt, (key, fields) => {
    switch (key) {
      case "InsertStmt":
        if (target(fields, "insert")) inserts.push(fields);
        if (fieldsOf(fields, "onConflictClause")) target(fields, "update");
        break;
      case "UpdateStmt":
        others = target(fields, "update") || others;
        break;
      case "DeleteStmt":
        others = target(fields, "delete") || others;
        break;
      case "MergeStmt":
        others = target(fields, "insert", "update", "delete") || others;
        break;
      case "CopyStmt":
        if (fields["is_from"] === true && target(fields, "insert")) {
          if (copiesIn(fields)) copies = formatOf(fields);
          inserts.push({ cols: listOf(fields, "attlist").map((name) => ({ ResTarget: { name: copied(name) } })) });
        }
        break;
      case "FuncCall":
      case "funccall":
        calls = true;
        called(wordsOf(fields, "funcname"));
        break;
      case "DoStmt": {
        calls = true;
        const mentioned = names.mentioned(bodyOf(fields));
        relations.push(...mentioned.tables);
        functions.push(...mentioned.functions);
        break;
      }
      case "ParamRef":
        parameters = true;
        break;
      default:
        break;
    }
  });
  if (relations.length === 0 && functions.length === 0) return undefined;
  const [insert] = inserts;
  const columns = insert && inserts.length === 1 ? insertColumns(insert) : null;
  // Only of what that INSERT does can its conflict tell.
  const alone = inserts.length === 1 && !others && functions.length === 0;
  const conflict = insert && alone ? conflictOf(fieldsOf(insert, "onConflictClause")) : null;
  return {
    kind: "write",
    relations,
    functions,
    verbs: [...verbs],
    columns,
    conflict,
    parameters,
    calls,
    explained: null,
    copies,
  };
}

/** The body of a DO block. */
function bodyOf(block: NodeFields): string {
  const bodies = listOf(block, "args").map((argument) => fieldsOf(fieldsOf(argument, "DefElem"), "arg"));
  return bodies.map((body) => textOf(fieldsOf(body, "String"), "sval") ?? "").join("\n");
}

function copied(name: unknown): string | undefined {
  return textOf(fieldsOf(name, "String"), "sval");
}

/** A column that is DEFAULT in every row is not given a value. */
function insertColumns(insert: NodeFields): string[] | null {
  const columns = listOf(insert, "cols");
  const source = fieldsOf(insert, "selectStmt");
  if (columns.length === 0) return source || !("relation" in insert) ? null : [];
  const lists = listOf(fieldsOf(source, "SelectStmt"), "valuesLists");
  const isDefault = (position: number) =>
    lists.length > 0 &&
    lists.every((list) => {
      const cell = listOf(fieldsOf(list, "List"), "items")[position];
      return isNodeFields(cell) && "SetToDefault" in cell;
    });
  return columns.flatMap((column, position) => {
    const name = textOf(fieldsOf(column, "ResTarget"), "name");
    return name === undefined || isDefault(position) ? [] : [name];
  });
}

function conflictOf(clause: NodeFields | undefined): Write["conflict"] {
  if (textOf(clause, "action") !== "ONCONFLICT_UPDATE") return null;
  const infer = fieldsOf(clause, "infer");
  const constraint = textOf(infer, "conname");
  if (constraint) return { constraint };
  const columns = listOf(infer, "indexElems").map((element) => textOf(fieldsOf(element, "IndexElem"), "name"));
  return columns.length > 0 && columns.every((name) => name !== undefined) ? { columns } : null;
}

function formatOf(copy: NodeFields): Write["copies"] {
  if (optionsOf(copy, "header").at(-1)?.toLowerCase() === "match") return "match";
  return optionsOf(copy, "format").at(-1)?.toLowerCase() === "binary" ? "binary" : "text";
}

/** The words given to an option, in their order; undefined for one that is only named. */
function optionsOf(stmt: NodeFields | undefined, name: string): readonly (string | undefined)[] {
  return listOf(stmt, "options")
    .map((option) => fieldsOf(option, "DefElem"))
    .filter((element) => textOf(element, "defname") === name)
    .map((element) => {
      const given = fieldsOf(element, "arg");
      const number = fieldsOf(given, "Integer");
      return number ? String(numberOf(number, "ival")) : textOf(fieldsOf(given, "String"), "sval");
    });
}
