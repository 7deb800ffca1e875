// Reads the body of a function with BEGIN ATOMIC, which Postgres keeps as a tree: the relations that it writes to and the functions that
// it calls, by their oids. Postgres can show the body as text, but takes a lock on each of its tables for that, and may wait for it.

export interface TreeMentions {
  /** The oids of the relations that the body inserts into, updates, deletes from or merges into. */
  readonly writes: ReadonlySet<number>;
  /** The oids of the functions that the body calls. */
  readonly calls: ReadonlySet<number>;
}

/** A node that is open. Only a query and the entries of its range table say anything here. */
interface OpenNode {
  readonly type: string;
  /** The field whose value is being read. */
  field: string;
  command: string;
  /** The number of the range table's entry that a query writes to, from 1. */
  result: number;
  /** The relation of each entry of a query's range table; 0 for one that is none. */
  readonly relations: number[];
  relation: number;
}

/** What 14 and 15 call it, and what later versions do. */
const rangeTableEntries: ReadonlySet<string> = new Set(["RTE", "RANGETBLENTRY"]);

const select = "1";
const utility = "6";

/** Reads a value of pg_node_tree (outfuncs.c), such as `({QUERY :commandType 3 … :rtable ({RANGETBLENTRY … :relid 16385 …}) …})`. */
export function readTree(tree: string): TreeMentions {
  const writes = new Set<number>();
  const calls = new Set<number>();
  const open: OpenNode[] = [];
  let at = 0;
  while (at < tree.length) {
    const end = wordEnd(tree, at);
    const word = tree.slice(at, end);
    const node = open.at(-1);
    at = end;
    if (word === "{") {
      const typeEnd = wordEnd(tree, at);
      open.push({ type: tree.slice(at, typeEnd), field: "", command: select, result: 0, relations: [], relation: 0 });
      at = typeEnd;
    } else if (word === "}") {
      open.pop();
      if (node) closeNode(node, open.at(-1), writes);
    } else if (node && word.startsWith(":")) node.field = word;
    else if (node && !isBlank(word)) readField(node, word, calls);
  }
  return { writes, calls };
}

function readField(node: OpenNode, word: string, calls: Set<number>): void {
  switch (node.field) {
    case ":commandType":
      node.command = word;
      break;
    case ":resultRelation":
      node.result = Number(word);
      break;
    case ":relid":
      node.relation = Number(word);
      break;
    case ":funcid":
      calls.add(Number(word));
      break;
    default:
      break;
  }
}

function closeNode(node: OpenNode, around: OpenNode | undefined, writes: Set<number>): void {
  if (rangeTableEntries.has(node.type) && around?.type === "QUERY" && around.field === ":rtable")
    around.relations.push(node.relation);
  if (node.type !== "QUERY" || node.command === select || node.command === utility) return;
  const relation = node.relations[node.result - 1];
  if (relation !== undefined && relation !== 0) writes.add(relation);
}

/** Returns the index behind the word at `at`: a bracket, a run of blanks, or anything up to one of them that no backslash escapes. */
function wordEnd(tree: string, at: number): number {
  if (isBracket(tree.charCodeAt(at))) return at + 1;
  const blanks = isBlank(tree.charAt(at));
  let end = at;
  while (end < tree.length && isBlank(tree.charAt(end)) === blanks && !isBracket(tree.charCodeAt(end)))
    end += tree.charAt(end) === "\\" ? 2 : 1;
  return end;
}

function isBlank(word: string): boolean {
  return word.startsWith(" ") || word.startsWith("\n");
}

/** ( ) { } */
function isBracket(code: number): boolean {
  return code === 0x28 || code === 0x29 || code === 0x7b || code === 0x7d;
}
