// What an operation is given: the request, the table its path names, and the portal around it.

import { assertNever } from "../never.js";
import { type Answer, badRequest } from "./answer.js";
import type { Input } from "./body.js";
import type { ObjectTable } from "./object-table.js";
import type { Portal } from "./portal.js";
import type { ApiRequest } from "./request.js";

export interface Call {
  readonly portal: Portal;
  readonly table: ObjectTable;
  readonly request: ApiRequest;
}

/** What an operation on associations is given: the tables of both ends, as its path names them. */
export interface PairCall {
  readonly portal: Portal;
  readonly from: ObjectTable;
  readonly to: ObjectTable;
  readonly request: ApiRequest;
}

/** What is done at a path, by verb. */
export type Verbs<C> = ReadonlyMap<string, (call: C) => Answer>;

/** An operation that needs a body, and refuses one that it can't read. */
export function withBody<C extends { readonly request: ApiRequest }, T>(
  read: (body: unknown) => Input<T>,
  run: (call: C, input: T) => Answer,
): (call: C) => Answer {
  return (call) => {
    const { body } = call.request;
    switch (body.kind) {
      case "none":
        return badRequest("Invalid input JSON: the request has no body");
      case "broken":
        return badRequest("Invalid input JSON on line 1, column 1: Unexpected value");
      case "json": {
        const decoded = read(body.value);
        return decoded.kind === "input" ? run(call, decoded.input) : badRequest(decoded.message);
      }
      default:
        return assertNever(body);
    }
  };
}

/** The names in a query parameter, whether it is repeated or separated by commas. */
export function namesIn(query: URLSearchParams, parameter: string): readonly string[] {
  return query
    .getAll(parameter)
    .flatMap((names) => names.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

export function wantsArchived(query: URLSearchParams): boolean {
  return query.get("archived") === "true";
}

export interface Page {
  readonly limit: number;
  readonly after: number;
}

/** Which page is asked for; undefined when it can't be had. */
export function pageOf(limit: string | null, after: string | null, most: number): Page | undefined {
  const page = { limit: Number(limit ?? "10"), after: Number(after ?? "0") };
  const possible = Number.isInteger(page.limit) && page.limit >= 1 && page.limit <= most;
  return possible && Number.isInteger(page.after) && page.after >= 0 ? page : undefined;
}
