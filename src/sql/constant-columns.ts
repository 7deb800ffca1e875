// Which columns a statement sets to values that mention no column: what the row had before has no part in them.

import { fieldsOf, isNodeFields, listOf, type NodeFields, textOf, walk, wordsOf } from "./tree.js";

/** Returns the columns that each clause of this INSERT, UPDATE or MERGE which sets them sets to such a value. */
export function constantColumns(stmt: NodeFields): readonly string[] {
  const sources = constantSources(stmt);
  const constants = new Set<string>();
  const computed = new Set<string>();
  for (const { name, isWhole, value } of assignmentsOf(stmt))
    (isWhole && isConstant(value, sources) ? constants : computed).add(name);
  return [...constants].filter((name) => !computed.has(name));
}

interface Assignment {
  readonly name: string;
  /** False: a place within the value, such as `numbers[1]`; the rest stays. */
  readonly isWhole: boolean;
  readonly value: unknown;
}

/** Those to rows that there are: the values of an INSERT are of new ones. */
function assignmentsOf(stmt: NodeFields): readonly Assignment[] {
  const isInsert = "onConflictClause" in stmt || "cols" in stmt || "selectStmt" in stmt;
  const clauses = isInsert
    ? [fieldsOf(stmt, "onConflictClause")]
    : [stmt, ...listOf(stmt, "mergeWhenClauses").map((clause) => fieldsOf(clause, "MergeWhenClause"))];
  return clauses
    .filter((clause) => textOf(clause, "commandType") !== "CMD_INSERT")
    .flatMap((clause) => listOf(clause, "targetList"))
    .flatMap((element) => {
      const target = fieldsOf(element, "ResTarget");
      const name = textOf(target, "name");
      const isWhole = listOf(target, "indirection").length === 0;
      return target === undefined || name === undefined ? [] : [{ name, isWhole, value: target["val"] }];
    });
}

/** The names under which the statement has rows that come from no table: EXCLUDED, and parts of its FROM. */
function constantSources(stmt: NodeFields): ReadonlySet<string> {
  const sources = new Set<string>();
  if ("selectStmt" in stmt && !readsTable(stmt["selectStmt"])) sources.add("excluded");
  for (const item of [...listOf(stmt, "fromClause"), stmt["sourceRelation"]]) {
    const source = fieldsOf(item, "RangeSubselect") ?? fieldsOf(item, "RangeFunction");
    const alias = textOf(fieldsOf(source, "alias"), "aliasname");
    if (alias !== undefined && source?.["lateral"] !== true && !readsTable(source)) sources.add(alias);
  }
  return sources;
}

function readsTable(tree: unknown): boolean {
  let reads = false;
  walk(tree, (kind) => {
    reads ||= kind === "RangeVar";
  });
  return reads;
}

/** Values of a column flow by its name alone. */
function isConstant(value: unknown, sources: ReadonlySet<string>): boolean {
  let isFree = true;
  walk(value, (kind, fields) => {
    if (kind !== "ColumnRef") return;
    const [source, ...path] = wordsOf(fields, "fields");
    const hasStar = listOf(fields, "fields").some((field) => isNodeFields(field) && "A_Star" in field);
    isFree &&= source !== undefined && path.length === 1 && !hasStar && sources.has(source);
  });
  return isFree;
}
