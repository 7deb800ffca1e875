// Reads a YAML file, or an object of its shape, against a schema. Every mistake comes back as one line with file, line, path and,
// for an unknown key, the nearest one there is. What follows from a mistake is not told beside it.

import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { ConfigError } from "./explained.js";
import { suggestion } from "./suggest.js";
import { aliasWithoutAnchor, offsetOf } from "./yaml-places.js";

export { ConfigError };

/** Says where the value at a path is: in words, and where it begins in the file. What aliases share is at one place. */
type Place = (path: readonly PropertyKey[]) => { readonly text: string; readonly offset: number | undefined };
/** Says where the value at a path is, for people. */
type PlaceText = (path: readonly PropertyKey[]) => string;

/** May replace strings of what was read before it is checked. */
export type Prepare = (value: unknown, at: PlaceText) => unknown;

/** Parses `text`; `file` is only named in messages. Throws ConfigError with one line for each mistake. */
export function readYaml<Schema extends z.ZodType>(
  file: string,
  text: string,
  schema: Schema,
  prepare?: Prepare,
): z.output<Schema> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true });
  // Behind the first slip of its syntax a file is read as something that nobody has written.
  const [error] = [...document.errors].sort((one, other) => one.pos[0] - other.pos[0]);
  if (error) throw new ConfigError([`${file}:${lines.linePos(error.pos[0]).line}: ${firstLine(error.message)}`]);

  const lost = aliasWithoutAnchor(document);
  if (lost)
    throw new ConfigError([
      `${file}:${lines.linePos(lost.offset).line}: no anchor &${lost.name} stands above the alias *${lost.name}`,
    ]);

  const at: Place = (path) => {
    const offset = offsetOf(document, path);
    const line = offset === undefined ? 1 : lines.linePos(offset).line;
    return { text: `${file}:${line}: ${path.map(String).join(".") || "the file"}`, offset };
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
  const at: Place = (path) => ({ text: `${name}: ${path.map(String).join(".") || "the object"}`, offset: undefined });
  return check(value, schema, at, prepare);
}

function check<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
  at: Place,
  prepare: Prepare = (raw) => raw,
): z.output<Schema> {
  const unreadable = unreadablePaths(value);
  if (unreadable.length > 0)
    throw new ConfigError(unreadable.map((path) => `${at(path).text}: is no name that can stand here`));
  const result = schema.safeParse(prepare(value, (path) => at(path).text));
  if (result.success) return result.data;
  throw new ConfigError(
    linesOf(
      result.error.issues.flatMap((issue) => describe(issue, schema)),
      at,
    ),
  );
}

/** A schema leaves out what is called `__proto__`, without a word. */
function unreadablePaths(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === "__proto__" ? [[...path, name]] : unreadablePaths(inner, [...path, name]),
  );
}

/** One mistake of a value, with its place. */
interface Mistake {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** So many equal mistakes are told one by one; more are one slip, such as a name that is used in many places. */
const mostEqual = 3;

/** Returns a line for each mistake: one for those that are at one place of the file, and one for many that are equal. */
function linesOf(mistakes: readonly Mistake[], at: Place): string[] {
  const places = new Map<string, { readonly text: string; readonly message: string }>();
  for (const { path, message } of mistakes.filter((mistake) => !isMisspelt(mistake, mistakes))) {
    const { text, offset } = at(path);
    const place = `${offset ?? text} ${message}`;
    if (!places.has(place)) places.set(place, { text, message });
  }
  const all = [...places.values()];
  return all.flatMap(({ text, message }, index) => {
    const equal = all.filter((other) => kernelOf(other.message) === kernelOf(message));
    if (equal.length <= mostEqual) return [`${text}: ${message}`];
    return equal[0] === all[index] ? [`${text}: ${message} (and so at ${equal.length - 1} other places)`] : [];
  });
}

/** What is wrong, without what could be meant, which is another at each place. */
function kernelOf(message: string): string {
  return message.split(";", 1)[0] ?? message;
}

/** A key that is missing because it is misspelt is told by the misspelt one. */
function isMisspelt({ path }: Mistake, mistakes: readonly Mistake[]): boolean {
  const [parent, name] = [path.slice(0, -1).join("."), String(path.at(-1))];
  return mistakes.some(
    (other) => other.path.slice(0, -1).join(".") === parent && other.message.endsWith(`; did you mean "${name}"?`),
  );
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType): Mistake[] {
  const { path } = issue;
  if (issue.code === "invalid_union") {
    const branch = meantBranch(issue.errors);
    const within = branch.map((inner) => ({ ...inner, path: [...path, ...inner.path] }));
    if (within.length > 0) return within.flatMap((inner) => describe(inner, schema));
  }
  if (issue.code === "invalid_key") return issue.issues.map(({ message }) => ({ path, message }));
  if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
  const names = knownKeys(schema, path);
  const [first = ""] = issue.keys;
  if (issue.keys.length > mostEqual) {
    const message = `${issue.keys.length} unknown keys, "${first}" the first: is the name above them missing, or are they indented wrongly?`;
    return [{ path: [...path, first], message }];
  }
  return issue.keys.map((key) => ({
    path: [...path, key],
    message: `unknown key "${key}"; ${suggestion(key, names)}`,
  }));
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
  for (const step of path) here = here.flatMap(open).flatMap((type) => childType(type, step));
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

function childType(type: z.core.$ZodType, step: PropertyKey): z.core.$ZodType[] {
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
