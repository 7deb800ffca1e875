// The names of an SQL text that Postgres would look for by the search_path, read from Postgres's own parse tree.

import { parse } from "../../src/sql/parser.js";
import { isNodeFields, listOf, type NodeFields, textOf, wordsOf } from "../../src/sql/tree.js";

/** Returns what is not qualified: operators, also those that Postgres puts in itself, functions, types, collations and relations. */
export async function unqualifiedNames(sql: string): Promise<readonly string[]> {
  const statements = await parse(sql);
  if (!statements) throw new Error(`not parsed: ${sql}`);
  const nodes = [...nodesIn(statements)];
  const queryNames = nodes.flatMap(({ kind, fields }) =>
    kind === "CommonTableExpr" ? [textOf(fields, "ctename")] : [],
  );
  return nodes.flatMap(({ kind, fields }) => unqualifiedIn(kind, fields, queryNames));
}

interface Node {
  readonly kind: string;
  readonly fields: NodeFields;
}

/** Each object of the tree, by the key under which it stands: a node by its kind, and a part of one by its role. */
function* nodesIn(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* nodesIn(item);
  if (!isNodeFields(value)) return;
  for (const [kind, fields] of Object.entries(value)) {
    if (isNodeFields(fields)) yield { kind, fields };
    yield* nodesIn(fields);
  }
}

function unqualifiedIn(kind: string, fields: NodeFields, queryNames: readonly (string | undefined)[]): string[] {
  const named = (key: string, what: string) => {
    const words = wordsOf(fields, key);
    return words.length > 1 ? [] : [`${what} ${words[0] ?? "="}`];
  };
  switch (kind) {
    case "A_Expr":
      return named("name", "operator");
    case "FuncCall":
      return named("funcname", "function");
    case "TypeName":
    case "typeName":
      return named("names", "type");
    case "CollateClause":
      return named("collname", "collation");
    case "SubLink":
      return fields["testexpr"] === undefined ? [] : named("operName", "operator");
    case "JoinExpr":
      return listOf(fields, "usingClause").length > 0 || fields["isNatural"] === true ? ["operator = of a join"] : [];
    case "CaseExpr":
      return fields["arg"] === undefined ? [] : ["operator = of a case"];
    case "SortBy":
      return fields["useOp"] === undefined ? [] : named("useOp", "operator");
    case "RangeVar":
      return fields["schemaname"] !== undefined || queryNames.includes(textOf(fields, "relname"))
        ? []
        : [`relation ${textOf(fields, "relname")}`];
    default:
      return [];
  }
}
