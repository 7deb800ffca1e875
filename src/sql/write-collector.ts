// Collects from the parse tree of one statement what it writes to watched tables and which watched functions it calls.

import type { TableName, Write } from "./classification.js";
import { constantColumns } from "./constant-columns.js";
import { type Names, namesIn } from "./names.js";
import { copiesIn } from "./pieces.js";
import { fieldsOf, isNodeFields, listOf, type NodeFields, optionsOf, textOf, walk, wordsOf } from "./tree.js";

/** Returns the write that the statement is; undefined when it touches no watched name. */
export function writeOf(stmt: unknown, names: Names): Write | undefined {
  const collector = new WriteCollector(names);
  walk(stmt, (kind, fields) => collector.visit(kind, fields));
  return collector.write();
}

class WriteCollector {
  private readonly relations: TableName[] = [];
  private readonly functions: TableName[] = [];
  private readonly verbs = new Set<Write["verbs"][number]>();
  /** Each INSERT into a watched table, and each COPY as the INSERT that it amounts to. */
  private readonly inserts: NodeFields[] = [];
  /** Each UPDATE, DELETE and MERGE of a watched table. */
  private readonly changes: NodeFields[] = [];
  private parameters = false;
  private calls = false;
  private copies: Write["copies"] = null;

  constructor(private readonly names: Names) {}

  visit(kind: string, fields: NodeFields): void {
    switch (kind) {
      case "InsertStmt":
        this.insert(fields);
        break;
      case "UpdateStmt":
        this.change(fields, "update");
        break;
      case "DeleteStmt":
        this.change(fields, "delete");
        break;
      case "MergeStmt":
        this.change(fields, "insert", "update", "delete");
        break;
      case "CopyStmt":
        this.copy(fields);
        break;
      case "FuncCall":
      case "funccall":
        this.call(wordsOf(fields, "funcname"));
        break;
      case "DoStmt":
        this.runBlock(fields);
        break;
      case "ParamRef":
        this.parameters = true;
        break;
      default:
        break;
    }
  }

  write(): Write | undefined {
    const { relations, functions, verbs, parameters, calls, copies } = this;
    if (relations.length === 0 && functions.length === 0) return undefined;
    const insert = this.inserts.length === 1 ? this.inserts[0] : undefined;
    // The conflict of the one INSERT counts only when nothing else in the statement can change rows.
    const isAlone = this.changes.length === 0 && functions.length === 0;
    const [change, ...others] = [...this.inserts, ...this.changes];
    return {
      kind: "write",
      relations,
      functions,
      verbs: [...verbs],
      columns: insert ? insertColumns(insert) : null,
      conflict: insert && isAlone ? conflictOf(fieldsOf(insert, "onConflictClause")) : null,
      constants: change && others.length === 0 && functions.length === 0 ? constantColumns(change) : [],
      parameters,
      calls,
      explained: null,
      copies,
    };
  }

  private insert(fields: NodeFields): void {
    if (this.target(fields, "insert")) this.inserts.push(fields);
    if (fieldsOf(fields, "onConflictClause")) this.target(fields, "update");
  }

  private change(fields: NodeFields, ...verbs: readonly Write["verbs"][number][]): void {
    if (this.target(fields, ...verbs)) this.changes.push(fields);
  }

  private copy(fields: NodeFields): void {
    if (fields["is_from"] !== true || !this.target(fields, "insert")) return;
    if (copiesIn(fields)) this.copies = formatOf(fields);
    this.inserts.push({ cols: listOf(fields, "attlist").map((name) => ({ ResTarget: { name: copiedColumn(name) } })) });
  }

  private call(words: readonly string[]): void {
    this.calls = true;
    const name = words.at(-1) ?? "";
    const schema = words.at(-2) ?? null;
    if (this.names.isFunction(name, schema)) this.functions.push({ schema, table: name });
  }

  private runBlock(fields: NodeFields): void {
    this.calls = true;
    const { tables, functions } = namesIn(bodyOf(fields), this.names);
    this.relations.push(...tables);
    this.functions.push(...functions);
  }

  /** Notes the statement's target, and returns whether it is watched. */
  private target(fields: NodeFields, ...verbs: readonly Write["verbs"][number][]): boolean {
    const relation = fieldsOf(fields, "relation");
    const table = textOf(relation, "relname");
    if (table === undefined || !this.names.isTable(table)) return false;
    this.relations.push({ schema: textOf(relation, "schemaname") ?? null, table });
    for (const verb of verbs) this.verbs.add(verb);
    return true;
  }
}

/** Returns the body of a DO block. */
function bodyOf(block: NodeFields): string {
  const bodies = listOf(block, "args").map((argument) => fieldsOf(fieldsOf(argument, "DefElem"), "arg"));
  return bodies.map((body) => textOf(fieldsOf(body, "String"), "sval") ?? "").join("\n");
}

function copiedColumn(name: unknown): string | undefined {
  return textOf(fieldsOf(name, "String"), "sval");
}

/** Returns the columns that an INSERT gives a value; null when it names none. A column that is DEFAULT in every row gets no value. */
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
