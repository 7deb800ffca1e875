// What a statement means for mirror tables: read from Postgres's own parser, never interpreted further.

import { loadModule, type Node, type ParseResult, parseSync, type RangeVar } from "libpg-query";

export interface TableName {
  /** Null: found by search_path. */
  readonly schema: string | null;
  readonly table: string;
}

export type Classified =
  /** No write on a mirror that we could see: Postgres has it as it is. */
  | { readonly kind: "other" }
  | {
      readonly kind: "write";
      readonly verb: "insert" | "update" | "delete";
      readonly target: TableName;
      /** The columns that an INSERT names and gives a value; null when it names none. */
      readonly columns: readonly string[] | null;
      /** Whether it holds $n, which a simple Query can't give a value. */
      readonly parameters: boolean;
    }
  /** A write on a mirror in a shape that is not offered. */
  | { readonly kind: "unsupported"; readonly target: TableName; readonly shape: string }
  /** Ends the session's transaction without committing it. */
  | { readonly kind: "prepareTransaction" };

const other: Classified = { kind: "other" };

/** The parser is WebAssembly: loaded once, before the first statement. */
export const loadParser = loadModule;

/** Classifies `text`; `isMirror` knows the mirrors' unqualified names. What can't be parsed is Postgres's to refuse. */
export function classify(text: string, isMirror: (table: string) => boolean): Classified {
  const parsed = tryParse(text);
  const statements = parsed?.stmts ?? [];
  const [first] = statements;
  const writes = statements.flatMap(({ stmt }) => (stmt ? writesOf(stmt) : []));
  const target = writes.find(({ table }) => isMirror(table));
  if (!target && statements.some(({ stmt }) => stmt && preparesTransaction(stmt)))
    return { kind: "prepareTransaction" };
  if (!target || !first?.stmt) return other;
  if (statements.length > 1) return { kind: "unsupported", target, shape: "several statements in one string" };
  const { stmt } = first;
  if ("SelectStmt" in stmt || writes.length > 1) {
    return { kind: "unsupported", target, shape: "a write inside WITH" };
  }
  const own = ownTarget(stmt);
  if (!own || own.table !== target.table || own.schema !== target.schema) {
    return { kind: "unsupported", target, shape: "a write inside WITH" };
  }
  const parameters = JSON.stringify(stmt).includes('"ParamRef"');
  if ("InsertStmt" in stmt) {
    if (stmt.InsertStmt.onConflictClause) return { kind: "unsupported", target, shape: "ON CONFLICT" };
    return { kind: "write", verb: "insert", target, columns: insertColumns(stmt), parameters };
  }
  return { kind: "write", verb: "UpdateStmt" in stmt ? "update" : "delete", target, columns: null, parameters };
}

function tryParse(text: string): ParseResult | undefined {
  try {
    return parseSync(text);
  } catch {
    return undefined;
  }
}

/** The tables that a statement, or a statement inside its WITH, writes to. */
function writesOf(stmt: Node): TableName[] {
  const own = ownTarget(stmt);
  const withClause =
    "InsertStmt" in stmt
      ? stmt.InsertStmt.withClause
      : "UpdateStmt" in stmt
        ? stmt.UpdateStmt.withClause
        : "DeleteStmt" in stmt
          ? stmt.DeleteStmt.withClause
          : "SelectStmt" in stmt
            ? stmt.SelectStmt.withClause
            : undefined;
  const inner = (withClause?.ctes ?? []).flatMap((cte) =>
    "CommonTableExpr" in cte && cte.CommonTableExpr.ctequery ? writesOf(cte.CommonTableExpr.ctequery) : [],
  );
  return own ? [own, ...inner] : inner;
}

function preparesTransaction(stmt: Node): boolean {
  return "TransactionStmt" in stmt && stmt.TransactionStmt.kind === "TRANS_STMT_PREPARE";
}

function ownTarget(stmt: Node): TableName | undefined {
  if ("InsertStmt" in stmt) return nameOf(stmt.InsertStmt.relation);
  if ("UpdateStmt" in stmt) return nameOf(stmt.UpdateStmt.relation);
  if ("DeleteStmt" in stmt) return nameOf(stmt.DeleteStmt.relation);
  return undefined;
}

function nameOf(relation: RangeVar | undefined): TableName | undefined {
  return relation?.relname === undefined ? undefined : { schema: relation.schemaname ?? null, table: relation.relname };
}

/** A column that is DEFAULT in every row is not given a value. */
function insertColumns(stmt: Extract<Node, { InsertStmt: unknown }>): string[] | null {
  const { cols, selectStmt } = stmt.InsertStmt;
  if (!cols) return selectStmt ? null : [];
  const lists = selectStmt && "SelectStmt" in selectStmt ? (selectStmt.SelectStmt.valuesLists ?? []) : [];
  const isDefault = (position: number) =>
    lists.length > 0 &&
    lists.every((list) => {
      const cell = "List" in list ? list.List.items?.[position] : undefined;
      return cell !== undefined && "SetToDefault" in cell;
    });
  return cols.flatMap((column, position) =>
    "ResTarget" in column && column.ResTarget.name !== undefined && !isDefault(position) ? [column.ResTarget.name] : [],
  );
}
