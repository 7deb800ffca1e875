// A shelf of books, as a headless CMS serves it: a bearer token, uuids, an array wherever one may stand, pages by number, errors
// with a code and a field, and a 403 for what is gone.

import { isRecord } from "../../../src/config/json.js";
import { type Answer, type Asked, type ForeignServer, type Rate, startForeign, steadyClock } from "./http.js";
import { Books, type Fields, type Kept, type Problem, payloadProblem } from "./shelf-books.js";
import { listBooks } from "./shelf-query.js";

interface ShelfOptions {
  /** The one token that is let in. */
  readonly token?: string;
  /** Who can have written a book, by uuid. */
  readonly authors?: readonly string[];
  readonly rate?: Rate;
  /** For `date_updated`; absent: a second later with each call that writes. */
  readonly nowMs?: () => number;
  /** Decides the ids. */
  readonly seed?: number;
}

export interface Shelf extends ForeignServer {
  readonly authors: readonly string[];
  /** All that is stored, in the order of creation. */
  records(): readonly Fields[];
  /** Creates books unseen by the log, as an editor would; returns their ids. */
  seed(rows: readonly Fields[]): readonly string[];
  edit(id: string, fields: Fields): void;
  remove(id: string): void;
}

const someAuthors = ["5f1c7a52-0c4e-4b7e-9d0a-6f3b5c2e8a11", "c2d9e0b4-77a1-4f5d-8e62-1b9a4d7c3f22"];

export async function startShelf(options: ShelfOptions = {}): Promise<Shelf> {
  const { token = "shelf-token", authors = someAuthors, nowMs = steadyClock(), seed = 0 } = options;
  const books = new Books({ authors, nowMs, seed });
  const server = await startForeign(
    {
      collection: "/items/books",
      refuse: ({ headers }) =>
        headers.authorization === `Bearer ${token}`
          ? undefined
          : refusal(401, problem("INVALID_CREDENTIALS", "Invalid user credentials.")),
      serve: (asked) => serve(books, asked),
      tooMany: (waitMs) => ({
        ...refusal(429, problem("REQUESTS_EXCEEDED", `Too many requests, retry after ${waitMs}ms.`)),
        headers: { "X-Retry-After-Ms": String(waitMs) },
      }),
      broken: () => refusal(500, problem("INTERNAL_SERVER_ERROR", "An unexpected error occurred.")),
      headers: () => ({}),
    },
    options.rate ?? { calls: 1000, perMs: 1000 },
  );
  return {
    ...server,
    authors,
    records: () => books.all(),
    seed: (rows) => kept(books.create(rows)).map(({ id }) => String(id)),
    edit: (id, written) => {
      if (kept(books.update([{ id, written }])).length === 0) throw new Error(`there is no book ${id}`);
    },
    remove: (id) => {
      if (!books.get(id)) throw new Error(`there is no book ${id}`);
      books.remove([id]);
    },
  };
}

function serve(books: Books, { route, id, query, bodyText }: Asked): Answer {
  const book = books.get(id);
  if (route.endsWith("/{id}") && !book) return refusal(403, forbidden);
  const body = parsed(bodyText);
  switch (route) {
    case "GET /items/books": {
      const page = listBooks(books.all(), query);
      if (page.kind === "invalid") return refusal(400, problem("INVALID_QUERY", "Invalid query."));
      return said({ data: page.books, meta: { total_count: page.matching } });
    }
    case "GET /items/books/{id}":
      return said({ data: book });
    case "POST /items/books":
      if (Array.isArray(body) && body.every(isRecord)) return all(books.create(body));
      return isRecord(body) ? one(books.create([body])) : refusal(400, unreadable);
    case "PATCH /items/books":
      return Array.isArray(body) && body.every(hasId)
        ? all(books.update(body.map((written) => ({ id: written.id, written }))))
        : refusal(400, unreadable);
    case "PATCH /items/books/{id}":
      return isRecord(body) ? one(books.update([{ id, written: body }])) : refusal(400, unreadable);
    case "DELETE /items/books":
      if (!Array.isArray(body) || !body.every(isText)) return refusal(400, unreadable);
      books.remove(body);
      return { status: 204 };
    case "DELETE /items/books/{id}":
      books.remove([id]);
      return { status: 204 };
    default:
      return refusal(404, problem("ROUTE_NOT_FOUND", `Route ${route} doesn't exist.`));
  }
}

const forbidden = problem("FORBIDDEN", "You don't have permission to access this.");
const unreadable = payloadProblem("It is not what this route takes");

function all(outcome: Kept): Answer {
  return outcome.kind === "kept" ? said({ data: outcome.books }) : refusal(400, ...outcome.problems);
}

function one(outcome: Kept): Answer {
  return outcome.kind === "kept" ? said({ data: outcome.books[0] }) : refusal(400, ...outcome.problems);
}

function said(body: Fields): Answer {
  return { status: 200, bodyText: JSON.stringify(body) };
}

function refusal(status: number, ...errors: readonly Problem[]): Answer {
  return { status, bodyText: JSON.stringify({ errors }) };
}

function problem(code: string, message: string): Problem {
  return { message, extensions: { code } };
}

function kept(outcome: Kept): readonly Fields[] {
  if (outcome.kind === "refused") throw new Error(outcome.problems.map(({ message }) => message).join(" "));
  return outcome.books;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function hasId(value: unknown): value is Fields & { readonly id: string } {
  return isRecord(value) && typeof value["id"] === "string";
}
