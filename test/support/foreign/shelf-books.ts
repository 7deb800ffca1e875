// The books of the shelf: what their fields take, what is said against them, and where they are kept, all of a call or nothing.

import { createHash } from "node:crypto";
import { isRecord } from "../../../src/config/json.js";

export type Fields = Readonly<Record<string, unknown>>;

export interface Problem {
  readonly message: string;
  readonly extensions: Fields & { readonly code: string };
}

export type Kept =
  | { readonly kind: "kept"; readonly books: readonly Fields[] }
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

const writable = ["title", "isbn", "author", "format", "pages", "price", "published", "tags", "meta"];
const readOnly = ["id", "date_updated"];
export const fieldNames: readonly string[] = ["id", ...writable, "date_updated"];

const formats: readonly unknown[] = ["paperback", "hardcover", "ebook"];
const longestTitle = 255;
const longestIsbn = 17;

interface BookRules {
  readonly authors: readonly string[];
  readonly nowMs: () => number;
  /** Decides the ids. */
  readonly seed: number;
}

export class Books {
  readonly #rules: BookRules;
  #stored: ReadonlyMap<string, Fields> = new Map();
  #assigned = 0;

  constructor(rules: BookRules) {
    this.#rules = rules;
  }

  /** In the order of their creation. */
  all(): readonly Fields[] {
    return [...this.#stored.values()];
  }

  get(id: string): Fields | undefined {
    return this.#stored.get(id);
  }

  create(rows: readonly Fields[]): Kept {
    const blank = Object.fromEntries(writable.map((name) => [name, name === "title" ? undefined : null]));
    return this.#keep(
      rows.map((written) => {
        this.#assigned += 1;
        return { id: uuid(`${this.#rules.seed}:${this.#assigned}`), before: blank, written };
      }),
    );
  }

  /** The books that there are no more are left out, and nothing is said of them. */
  update(rows: readonly { readonly id: string; readonly written: Fields }[]): Kept {
    return this.#keep(
      rows.flatMap(({ id, written }) => {
        const before = this.#stored.get(id);
        return before ? [{ id, before, written }] : [];
      }),
    );
  }

  remove(ids: readonly string[]): void {
    const left = new Map(this.#stored);
    for (const id of ids) left.delete(id);
    this.#stored = left;
  }

  #keep(rows: readonly { readonly id: string; readonly before: Fields; readonly written: Fields }[]): Kept {
    const draft = new Map(this.#stored);
    const date_updated = new Date(this.#rules.nowMs()).toISOString();
    for (const { id, before, written } of rows) {
      const taken = Object.entries(written).filter(([name]) => !readOnly.includes(name));
      const book = { id, ...(draft.get(id) ?? before), ...Object.fromEntries(taken), date_updated };
      const invalid = invalidities(book);
      const [broken] = invalid.length > 0 ? [] : violations(book, [...draft.values()], this.#rules.authors);
      const problems = broken ? [broken] : invalid;
      if (problems.length > 0) return { kind: "refused", problems };
      draft.set(id, book);
    }
    this.#stored = draft;
    const books = rows.map(({ id }) => draft.get(id)).filter((book) => book !== undefined);
    return { kind: "kept", books };
  }
}

export function payloadProblem(said: string, field?: string): Problem {
  return { message: `Invalid payload. ${said}.`, extensions: { code: "INVALID_PAYLOAD", field } };
}

/** What is seen in the book alone: all of it is told. */
function invalidities(book: Fields): Problem[] {
  const { title, isbn, format } = book;
  const validation = (field: string, type: string, said: string): Problem => ({
    message: `Validation failed for field "${field}". ${said}.`,
    extensions: { code: "FAILED_VALIDATION", field, type },
  });
  const unfit = Object.entries(book).flatMap(([name, value]) => {
    if (!fieldNames.includes(name)) return [payloadProblem(`There is no field "${name}"`, name)];
    if (value === null || value === undefined || fits(name, value)) return [];
    return [payloadProblem(`"${name}" is of another type`, name)];
  });
  return [
    ...unfit,
    ...(title === undefined ? [validation("title", "required", "Value is required")] : []),
    ...(title === "" ? [validation("title", "length", "Value is too short")] : []),
    ...(lengthOf(isbn) > longestIsbn ? [validation("isbn", "length", "Value is too long")] : []),
    ...(typeof format === "string" && !formats.includes(format)
      ? [validation("format", "enum", `Value has to be one of ${formats.join(", ")}`)]
      : []),
  ];
}

/** What only the database sees, with the other books at hand: it tells the first. */
function violations(book: Fields, others: readonly Fields[], authors: readonly string[]): Problem[] {
  const { id, title, isbn, author } = book;
  const violation = (code: string, field: string, said: string): Problem => ({
    message: `Value for field "${field}" in collection "books" ${said}.`,
    extensions: { code, field, collection: "books" },
  });
  const isTaken = others.some((other) => other["id"] !== id && other["isbn"] === isbn);
  return [
    ...(title === null ? [violation("NOT_NULL_VIOLATION", "title", "can't be null")] : []),
    ...(lengthOf(title) > longestTitle ? [violation("VALUE_TOO_LONG", "title", "is too long")] : []),
    ...(typeof author === "string" && !authors.includes(author)
      ? [violation("INVALID_FOREIGN_KEY", "author", "refers to nothing")]
      : []),
    ...(typeof isbn === "string" && isTaken ? [violation("RECORD_NOT_UNIQUE", "isbn", "has to be unique")] : []),
  ];
}

function fits(name: string, value: unknown): boolean {
  switch (name) {
    case "pages":
      return Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31;
    case "price":
      return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value);
    case "published":
      return typeof value === "string" && isDate(value);
    case "tags":
      return Array.isArray(value) && value.every((tag) => typeof tag === "string");
    case "meta":
      return isRecord(value);
    default:
      return typeof value === "string";
  }
}

function isDate(text: string): boolean {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** In characters, as a database counts them. */
function lengthOf(value: unknown): number {
  return typeof value === "string" ? [...value].length : 0;
}

/** In no order, and the same for the same name. */
function uuid(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
