// How the shelf reads a list's query: which books, in which order, which page of them, and which of their fields.

import { type Fields, fieldNames } from "./shelf-books.js";

interface Page {
  readonly kind: "page";
  readonly books: readonly Fields[];
  readonly matching: number;
}

interface Filter {
  readonly field: string;
  readonly operator: string;
  readonly value: string;
}

const largestPage = 100;

/** The total is of all that match. */
export function listBooks(all: readonly Fields[], query: URLSearchParams): Page | { readonly kind: "invalid" } {
  const limit = Math.min(largestPage, Number(query.get("limit") ?? largestPage));
  const page = Number(query.get("page") ?? 1);
  const sort = words(query.get("sort") ?? "id").map((word) => ({
    name: word.replace(/^-/, ""),
    down: word[0] === "-",
  }));
  const wanted = words(query.get("fields") ?? "*").flatMap((word) => (word === "*" ? fieldNames : word));
  const filters = [...query]
    .filter(([name]) => name.startsWith("filter"))
    .map(([name, value]) => {
      const [, field = "", operator = ""] = /^filter\[(\w+)\]\[_(eq|neq|gt|gte|lt|lte|in|null)\]$/.exec(name) ?? [];
      return { field, operator, value };
    });
  const named = [...sort.map(({ name }) => name), ...wanted, ...filters.map(({ field }) => field)];
  const isValid = [limit, page].every((count) => Number.isInteger(count) && count > 0);
  if (!isValid || named.some((name) => !fieldNames.includes(name))) return { kind: "invalid" };
  const matching = all.filter((book) => filters.every((filter) => matches(book[filter.field], filter)));
  const ordered = matching.toSorted((a, b) => {
    const orders = sort.map(({ name, down }) => (down ? order(name, b[name], a[name]) : order(name, a[name], b[name])));
    return orders.find((found) => found !== 0) ?? order("id", a["id"], b["id"]);
  });
  const books = ordered
    .slice((page - 1) * limit, page * limit)
    .map((book) => Object.fromEntries(wanted.map((name) => [name, book[name]])));
  return { kind: "page", books, matching: matching.length };
}

/** Nothing is equal to null, more or less: only `_null` finds it. */
function matches(stored: unknown, { field, operator, value }: Filter): boolean {
  if (operator === "null") return (stored === null) === (value !== "false");
  if (stored === null) return false;
  const found = order(field, stored, value);
  switch (operator) {
    case "eq":
      return found === 0;
    case "neq":
      return found !== 0;
    case "gt":
      return found > 0;
    case "gte":
      return found >= 0;
    case "lt":
      return found < 0;
    case "lte":
      return found <= 0;
    default:
      return words(value).some((word) => order(field, stored, word) === 0);
  }
}

/** Null comes last. */
function order(field: string, a: unknown, b: unknown): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const [left = "", right = ""] = [a, b].map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  if (field === "pages" || field === "price") return Number(left) - Number(right);
  if (field === "published" || field === "date_updated") return Date.parse(left) - Date.parse(right);
  return Number(left > right) - Number(left < right);
}

function words(text: string): string[] {
  return text.split(",");
}
