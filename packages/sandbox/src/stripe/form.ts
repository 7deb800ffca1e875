// Reads a form-encoded body or query with nested brackets into a tree; a list is a branch whose names are its places.

export type Tree = string | Branch;

/** A map and no object, so that no name a caller sends means anything to the language. */
export type Branch = ReadonlyMap<string, Tree>;

/** Parameters as a test writes them down; null clears, as an empty string does. */
export interface Params {
  readonly [name: string]: string | number | boolean | null | Params | readonly (string | Params)[];
}

type GrowingBranch = Map<string, string | GrowingBranch>;

/** A name that comes again replaces what was there. */
export function readForm(text: string): Branch {
  const root: GrowingBranch = new Map();
  for (const [name, value] of new URLSearchParams(text)) {
    const path = pathOf(name);
    const last = path.pop() ?? name;
    let branch = root;
    for (const step of path) branch = grown(branch, step);
    branch.set(placeIn(branch, last), value);
  }
  return root;
}

export function branchOf(params: Params | readonly (string | Params)[]): Branch {
  return new Map(
    Object.entries(params).map(([name, value]): [string, Tree] => {
      if (value === null) return [name, ""];
      return [name, typeof value === "object" ? branchOf(value) : String(value)];
    }),
  );
}

/** The same text for the same parameters, whatever their order. */
export function fingerprint(tree: Tree): string {
  if (typeof tree === "string") return JSON.stringify(tree);
  const parts = [...tree].map(([name, below]) => `${JSON.stringify(name)}:${fingerprint(below)}`);
  return `{${parts.sort().join(",")}}`;
}

/** `a[b][c]` is a, b, c; what has no proper brackets is one name. */
function pathOf(name: string): string[] {
  const [, first, brackets = ""] = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name) ?? [];
  if (first === undefined) return [name];
  return [first, ...[...brackets.matchAll(/\[([^[\]]*)\]/g)].map(([, step = ""]) => step)];
}

function grown(branch: GrowingBranch, step: string): GrowingBranch {
  const place = placeIn(branch, step);
  const there = branch.get(place);
  if (there !== undefined && typeof there !== "string") return there;
  const below: GrowingBranch = new Map();
  branch.set(place, below);
  return below;
}

/** Empty brackets are the next place of a list. */
function placeIn(branch: GrowingBranch, step: string): string {
  return step === "" ? String(branch.size) : step;
}
