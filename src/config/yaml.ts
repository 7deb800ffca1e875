// Reads a YAML file, or an object of its shape, against a schema. Every mistake comes back as one line with file, line, path and,
// for an unknown key, the nearest one there is.

import { isMap, isNode, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { ConfigError } from "./explained.js";
import { suggestion } from "./suggest.js";

export { ConfigError };

/** Says where the value at a path is, for people. */
type Place = (path: readonly PropertyKey[]) => string;

/** May replace strings of what was read before it is checked. */
export type Prepare = (value: unknown, at: Place) => unknown;

/** Parses `text`; `file` is only named in messages. Throws ConfigError with one line for each mistake. */
export function readYaml<Schema extends z.ZodType>(
  file: string,
  text: string,
  schema: Schema,
  prepare?: Prepare,
): z.output<Schema> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true });
  const errors = document.errors.map(
    (error) => `${file}:${lines.linePos(error.pos[0]).line}: ${firstLine(error.message)}`,
  );
  if (errors.length > 0) throw new ConfigError(errors);

  const at: Place = (path) => {
    for (let depth = path.length; depth > 0; depth -= 1) {
      const parent: unknown = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
      const pair = isMap(parent)
        ? parent.items.find((item) => String(item.key) === String(path[depth - 1]))
        : undefined;
      const node: unknown = pair?.key ?? document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range)
        return `${file}:${lines.linePos(node.range[0]).line}: ${path.map(String).join(".")}`;
    }
    return `${file}:1: ${path.map(String).join(".") || "the file"}`;
  };
  return check(document.toJS(), schema, at, prepare);
}

/** Checks a value of a program; `name` is what messages call it. Throws ConfigError with one line for each mistake. */
export function readObject<Schema extends z.ZodType>(
  name: string,
  value: unknown,
  schema: Schema,
  prepare?: Prepare,
): z.output<Schema> {
  return check(value, schema, (path) => `${name}: ${path.map(String).join(".") || "the object"}`, prepare);
}

function check<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
  at: Place,
  prepare: Prepare = (raw) => raw,
): z.output<Schema> {
  const unreadable = unreadablePaths(value);
  if (unreadable.length > 0)
    throw new ConfigError(unreadable.map((path) => `${at(path)}: is no name that can stand here`));
  const result = schema.safeParse(prepare(value, at));
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.flatMap((issue) => describe(issue, schema, at)));
}

/** A schema leaves out what is called `__proto__`, without a word. */
function unreadablePaths(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === "__proto__" ? [[...path, name]] : unreadablePaths(inner, [...path, name]),
  );
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType, at: Place): string[] {
  if (issue.code === "invalid_union") {
    const branch = meantBranch(issue.errors);
    const within = branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
    if (within.length > 0) return within.flatMap((inner) => describe(inner, schema, at));
  }
  if (issue.code === "invalid_key") return issue.issues.map(({ message }) => `${at(issue.path)}: ${message}`);
  if (issue.code !== "unrecognized_keys") return [`${at(issue.path)}: ${issue.message}`];
  const names = knownKeys(schema, issue.path);
  return issue.keys.map((key) => `${at([...issue.path, key])}: unknown key "${key}"; ${suggestion(key, names)}`);
}

/** Of a union, the branch whose kind of value it is, and whose keys it has: its mistakes are within. */
function meantBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  const isOther = (issue: z.core.$ZodIssue) => issue.path.length === 0 && issue.code === "invalid_type";
  const sameKind = branches.filter((issues) => !issues.some(isOther));
  const strange = (issues: readonly z.core.$ZodIssue[]) =>
    issues.flatMap((issue) => (issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys : [])).length;
  const ranking = [...(sameKind.length > 0 ? sameKind : branches)].sort(
    (one, other) => strange(one) - strange(other) || one.length - other.length,
  );
  return ranking[0] ?? [];
}

/** The keys that the schema allows at `path`, over all branches of its unions. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let here: z.core.$ZodType[] = [schema];
  for (const step of path) here = here.flatMap(open).flatMap((type) => child(type, step));
  return here.flatMap(open).flatMap((type) => (type instanceof z.ZodObject ? Object.keys(type.shape) : []));
}

function open(type: z.core.$ZodType): z.core.$ZodType[] {
  if (type instanceof z.ZodOptional || type instanceof z.ZodDefault || type instanceof z.ZodNullable) {
    return open(type.unwrap());
  }
  if (type instanceof z.ZodPipe) return open(type.in);
  if (type instanceof z.ZodUnion) return type.options.flatMap(open);
  return [type];
}

function child(type: z.core.$ZodType, step: PropertyKey): z.core.$ZodType[] {
  if (type instanceof z.ZodObject) {
    const member: unknown = Object.getOwnPropertyDescriptor(type.shape, step)?.value;
    return member instanceof z.ZodType ? [member] : [];
  }
  if (type instanceof z.ZodRecord) return [type.valueType];
  if (type instanceof z.ZodArray) return [type.element];
  return [];
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
