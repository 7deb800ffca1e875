// Checks the parameters of a request against their spec, in Stripe's order: unknown names, then values, then what is missing.

import { assertNever } from "../never.js";
import type { Branch, Tree } from "./form.js";
import type { Holds, Param, Spec } from "./param.js";
import { type Checked, emptyParam, good, invalid, missingParam, refused, unknownParams } from "./refusal.js";
import { type HoldsText, readRange, readText } from "./value.js";
import type { Written, WrittenValue } from "./written.js";

/** `below`: the parameter whose keys these are. */
export function checkParams(spec: Spec, params: Branch, below?: string): Checked<Written> {
  const pathTo = (name: string) => (below === undefined ? name : `${below}[${name}]`);
  const unknown = [...params.keys()].filter((name) => !spec.has(name));
  if (unknown.length > 0) return refused(unknownParams(unknown.map(pathTo)));
  const written = new Map<string, WrittenValue>();
  for (const [name, param] of spec) {
    const tree = params.get(name);
    if (tree === undefined) continue;
    const checked = checkParam(param, tree, pathTo(name));
    if (checked.kind === "refused") return checked;
    written.set(name, checked.value);
  }
  const missing = [...spec].find(([name, { required }]) => required && !written.has(name));
  return missing ? refused(missingParam(pathTo(missing[0]))) : good(written);
}

function checkParam({ holds, cleared }: Param, tree: Tree, path: string): Checked<WrittenValue> {
  if (tree !== "") return checkTree(holds, tree, path);
  return cleared === undefined ? refused(emptyParam(path)) : good({ kind: "value", value: cleared });
}

function checkTree(holds: Holds, tree: Tree, path: string): Checked<WrittenValue> {
  switch (holds.kind) {
    case "expand":
      return refused(invalid(`This property cannot be expanded (${listed(tree)[0] ?? ""}).`, "expand[0]"));
    case "range":
      return readRange(tree, path);
    case "metadata":
      return typeof tree === "string" ? refused(invalid("Invalid object", path)) : checkMetadata(tree);
    case "hash":
      return checkHash(holds, tree, path);
    case "texts":
      return checkTexts(holds, tree, path);
    case "text":
    case "email":
    case "boolean":
    case "integer":
    case "amount":
    case "decimal":
    case "number":
    case "choice":
    case "currency":
      return checkText(holds, tree, path);
    default:
      return assertNever(holds);
  }
}

type HoldsBy<Kind extends Holds["kind"]> = Extract<Holds, { readonly kind: Kind }>;

function checkHash({ spec, empty }: HoldsBy<"hash">, tree: Tree, path: string): Checked<WrittenValue> {
  if (typeof tree === "string") return refused(invalid("Invalid object", path));
  const fields = checkParams(spec, tree, path);
  return fields.kind === "refused" ? fields : good({ kind: "hash", fields: fields.value, empty });
}

function checkTexts({ most }: HoldsBy<"texts">, tree: Tree, path: string): Checked<WrittenValue> {
  if (typeof tree === "string") return refused(invalid("Invalid array", path));
  const texts = listed(tree);
  const tooMany = `Array ${path} exceeded maximum ${most} allowed elements.`;
  return texts.length > most ? refused(invalid(tooMany, path)) : good({ kind: "value", value: texts });
}

function checkText(holds: HoldsText, tree: Tree, path: string): Checked<WrittenValue> {
  if (typeof tree !== "string") return refused(invalid(`Invalid string: ${plain(tree)}`, path));
  const value = readText(holds, tree, path);
  return value.kind === "refused" ? value : good({ kind: "value", value: value.value });
}

function checkMetadata(tree: Branch): Checked<WrittenValue> {
  const entries = new Map<string, string | null>();
  for (const [key, value] of tree) {
    if (typeof value !== "string") return refused(invalid(`Invalid string: ${plain(value)}`, `metadata[${key}]`));
    const [keyLength, valueLength] = [[...key].length, [...value].length];
    if (keyLength > 40) {
      const message = `Metadata keys can have up to 40 characters, but you passed in a key that is ${keyLength} characters. Invalid key: ${key}`;
      return refused(invalid(message, "metadata"));
    }
    if (valueLength > 500) {
      const message = `Metadata values can have up to 500 characters, but you passed in a value that is ${valueLength} characters. Invalid value: ${value}`;
      return refused(invalid(message, "metadata"));
    }
    entries.set(key, value === "" ? null : value);
  }
  return good({ kind: "metadata", entries });
}

function listed(tree: Tree): readonly string[] {
  return typeof tree === "string" ? [tree] : [...tree.values()].map(plain);
}

function plain(tree: Tree): string {
  if (typeof tree === "string") return tree;
  return JSON.stringify(Object.fromEntries([...tree].map(([name, below]) => [name, plain(below)])));
}
