// What a statement means for mirror tables: read from Postgres's own parser, never interpreted further.

import { parse } from "./parser.js";
import { type Fields, fieldsOf, isFields, listOf, textOf, walk, wordsOf } from "./tree.js";

export interface TableName {
  /** Null: found by search_path. */
  readonly schema: string | null;
  readonly table: string;
}

export interface Write {
  readonly kind: "write";
  /** What it writes to, of those that are watched: mirrors, or views over them. */
  readonly relations: readonly TableName[];
  /** It may write to a mirror that it does not name as its target: by a function, or in a DO block. */
  readonly hidden: boolean;
  readonly verbs: readonly ("insert" | "update" | "delete")[];
  /** The columns that its one INSERT names and gives a value; null when it names none. */
  readonly columns: readonly string[] | null;
  /** Whether it holds $n, which a simple Query can't give a value. */
  readonly parameters: boolean;
  /** COPY … FROM STDIN: its rows come after it, in this format. */
  readonly copies: "text" | "binary" | null;
}

/** One statement of a string of several. */
export interface Piece {
  /** Behind as many blanks as the string has before it: positions in errors are those of the string. */
  readonly text: string;
  readonly classified: Classified;
  readonly transaction: TransactionCommand | null;
  /** COPY … FROM STDIN, into whatever table. */
  readonly copies: boolean;
}

/** `end`: any COMMIT or ROLLBACK of the whole. */
type TransactionCommand =
  | "BEGIN"
  | "START TRANSACTION"
  | "SAVEPOINT"
  | "RELEASE SAVEPOINT"
  | "ROLLBACK TO SAVEPOINT"
  | "end";

export type Classified =
  /** No write on a mirror that we could see: Postgres has it as it is. */
  | { readonly kind: "other" }
  | Write
  /** Ends the session's transaction without committing it. */
  | { readonly kind: "prepareTransaction" }
  /** SQL-level PREPARE of a write, and EXECUTE of whatever has that name. */
  | { readonly kind: "prepare"; readonly name: string; readonly statement: Write }
  | { readonly kind: "execute"; readonly name: string }
  /** Several statements in one string, one of which is not `other`. */
  | { readonly kind: "several"; readonly pieces: readonly Piece[] };

/** Which names are watched; what a statement defines is told. */
export interface Names {
  /** Whether this text, as latin1, mentions one of them. */
  suspects(latin1: string): boolean;
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
  const bytes = Buffer.from(text, "utf8");
  const pieces = statements.map((statement): Piece => {
    const start = numberOf(statement, "stmt_location");
    const length = numberOf(statement, "stmt_len");
    const stmt = fieldsOf(statement, "stmt");
    return {
      text: `${" ".repeat([...bytes.toString("utf8", 0, start)].length)}${bytes.toString("utf8", start, length === 0 ? bytes.length : start + length)}`,
      classified: classifyOne(stmt, names),
      transaction: transactionOf(fieldsOf(stmt, "TransactionStmt")),
      copies: copiesIn(fieldsOf(stmt, "CopyStmt")),
    };
  });
  return pieces.some(({ classified }) => classified.kind !== "other") ? { kind: "several", pieces } : other;
}

function classifyOne(stmt: Fields | undefined, names: Names): Classified {
  const [kind] = Object.keys(stmt ?? {});
  const fields = kind === undefined ? undefined : fieldsOf(stmt, kind);
  switch (kind) {
    case "TransactionStmt":
      return textOf(fields, "kind") === "TRANS_STMT_PREPARE" ? { kind: "prepareTransaction" } : other;
    case "ExecuteStmt":
      return { kind: "execute", name: textOf(fields, "name") ?? "" };
    case "PrepareStmt": {
      const statement = writeOf(fieldsOf(fields, "query"), names);
      return statement ? { kind: "prepare", name: textOf(fields, "name") ?? "", statement } : other;
    }
    case "CreateFunctionStmt":
      names.define("functions", wordsOf(fields, "funcname").at(-1) ?? "");
      return other;
    case "ViewStmt":
      names.define("tables", textOf(fieldsOf(fields, "view"), "relname") ?? "");
      return other;
    case "RuleStmt":
      names.define("tables", textOf(fieldsOf(fields, "relation"), "relname") ?? "");
      return other;
    case "ExplainStmt":
      return explains(fields) ? (writeOf(stmt, names) ?? other) : other;
    case "SelectStmt":
    case "InsertStmt":
    case "UpdateStmt":
    case "DeleteStmt":
    case "MergeStmt":
    case "CopyStmt":
    case "CallStmt":
    case "DoStmt":
    case "CreateTableAsStmt":
      return writeOf(stmt, names) ?? other;
    default:
      return other;
  }
}

/** EXPLAIN ANALYZE runs its statement. */
function explains(explain: Fields | undefined): boolean {
  return listOf(explain, "options").some((option) => {
    const element = fieldsOf(option, "DefElem");
    const off = /^(?:false|off|0)$/i.test(textOf(fieldsOf(fieldsOf(element, "arg"), "String"), "sval") ?? "");
    return textOf(element, "defname") === "analyze" && !off;
  });
}

function writeOf(stmt: unknown, names: Names): Write | undefined {
  const relations: TableName[] = [];
  const inserts: Fields[] = [];
  const verbs = new Set<Write["verbs"][number]>();
  let [hidden, parameters] = [false, false];
  let copies: Write["copies"] = null;
  const target = (fields: Fields, ...does: readonly Write["verbs"][number][]): boolean => {
    const relation = fieldsOf(fields, "relation");
    const table = textOf(relation, "relname");
    if (table === undefined || !names.isTable(table)) return false;
    relations.push({ schema: textOf(relation, "schemaname") ?? null, table });
    for (const verb of does) verbs.add(verb);
    return true;
  };
  walk(stmt, (key, fields) => {
    switch (key) {
      case "InsertStmt":
        if (target(fields, "insert")) inserts.push(fields);
        if (fieldsOf(fields, "onConflictClause")) target(fields, "update");
        break;
      case "UpdateStmt":
        target(fields, "update");
        break;
      case "DeleteStmt":
        target(fields, "delete");
        break;
      case "MergeStmt":
        target(fields, "insert", "update", "delete");
        break;
      case "CopyStmt":
        if (fields["is_from"] === true && target(fields, "insert")) {
          if (copiesIn(fields)) copies = isBinary(fields) ? "binary" : "text";
          inserts.push({ cols: listOf(fields, "attlist").map((name) => ({ ResTarget: { name: copied(name) } })) });
        }
        break;
      case "FuncCall":
      case "funccall":
        hidden ||= names.isFunction(wordsOf(fields, "funcname").at(-1) ?? "");
        break;
      case "DoStmt":
        hidden ||= listOf(fields, "args").some((argument) => mentions(argument, names));
        break;
      case "ParamRef":
        parameters = true;
        break;
      default:
        break;
    }
  });
  if (relations.length === 0 && !hidden) return undefined;
  const [insert] = inserts;
  const columns = insert && inserts.length === 1 ? insertColumns(insert) : null;
  return { kind: "write", relations, hidden, verbs: [...verbs], columns, parameters, copies };
}

/** The body of a DO block. */
function mentions(argument: unknown, names: Names): boolean {
  const body = textOf(fieldsOf(fieldsOf(fieldsOf(argument, "DefElem"), "arg"), "String"), "sval") ?? "";
  return names.suspects(Buffer.from(body, "utf8").toString("latin1"));
}

function copied(name: unknown): string | undefined {
  return textOf(fieldsOf(name, "String"), "sval");
}

/** A column that is DEFAULT in every row is not given a value. */
function insertColumns(insert: Fields): string[] | null {
  const columns = listOf(insert, "cols");
  const source = fieldsOf(insert, "selectStmt");
  if (columns.length === 0) return source || !("relation" in insert) ? null : [];
  const lists = listOf(fieldsOf(source, "SelectStmt"), "valuesLists");
  const isDefault = (position: number) =>
    lists.length > 0 &&
    lists.every((list) => {
      const cell = listOf(fieldsOf(list, "List"), "items")[position];
      return isFields(cell) && "SetToDefault" in cell;
    });
  return columns.flatMap((column, position) => {
    const name = textOf(fieldsOf(column, "ResTarget"), "name");
    return name === undefined || isDefault(position) ? [] : [name];
  });
}

function copiesIn(copy: Fields | undefined): boolean {
  return copy?.["is_from"] === true && copy["is_program"] !== true && copy["filename"] === undefined;
}

function isBinary(copy: Fields): boolean {
  return listOf(copy, "options").some((option) => {
    const element = fieldsOf(option, "DefElem");
    return (
      textOf(element, "defname") === "format" &&
      textOf(fieldsOf(fieldsOf(element, "arg"), "String"), "sval") === "binary"
    );
  });
}

function transactionOf(transaction: Fields | undefined): TransactionCommand | null {
  const kind = textOf(transaction, "kind");
  switch (kind) {
    case undefined:
      return null;
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
    default:
      return "end";
  }
}

function numberOf(value: unknown, key: string): number {
  const found = isFields(value) ? value[key] : undefined;
  return typeof found === "number" ? found : 0;
}
