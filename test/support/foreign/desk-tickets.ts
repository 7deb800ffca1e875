// The tickets of the help desk: what their fields take, what is said against them, and where they are kept.

import { digitsOf, isObject } from "./json.js";

export type Fields = Readonly<Record<string, unknown>>;

interface Ticket {
  readonly id: number;
  readonly fields: Fields;
  readonly created_at: string;
  readonly updated_at: string;
}

export type Kept =
  | { readonly kind: "kept"; readonly ticket: Ticket }
  | { readonly kind: "refused"; readonly status: 404 | 409 | 422; readonly errors: readonly string[] };

const statuses: readonly unknown[] = ["open", "pending", "solved"];

/** All that can be written, as it is in a ticket of which nothing is known. */
const blank: Fields = {
  title: "",
  owner: "",
  status: "open",
  priority: null,
  reference: "",
  due_on: null,
  spent_hours: null,
  external_no: null,
  tags: null,
  custom: null,
};

export class Tickets {
  readonly #agents: readonly string[];
  readonly #nowMs: () => number;
  readonly #stored = new Map<number, Ticket>();
  #assigned = 0;

  constructor(agents: readonly string[], nowMs: () => number) {
    this.#agents = agents;
    this.#nowMs = nowMs;
  }

  /** In the order of their ids. */
  all(): readonly Ticket[] {
    return [...this.#stored.values()];
  }

  get(id: number): Kept {
    const ticket = this.#stored.get(id);
    return ticket ? { kind: "kept", ticket } : missing;
  }

  create(written: Fields): Kept {
    return this.#keep({ ...blank, ...taken(written) }, undefined);
  }

  /** What is left out stays as it is. */
  update(id: number, written: Fields): Kept {
    const before = this.#stored.get(id);
    return before ? this.#keep({ ...before.fields, ...taken(written) }, before) : missing;
  }

  remove(id: number): Kept {
    const found = this.get(id);
    this.#stored.delete(id);
    return found;
  }

  #keep(fields: Fields, before: Ticket | undefined): Kept {
    const errors = complaints(fields, this.#agents);
    if (errors.length > 0) return { kind: "refused", status: 422, errors };
    const reference = fields["reference"];
    const holder = this.all().find((other) => other.id !== before?.id && other.fields["reference"] === reference);
    if (reference !== "" && holder)
      return { kind: "refused", status: 409, errors: [`Reference has already been taken by ticket ${holder.id}`] };
    const now = new Date(this.#nowMs()).toISOString();
    if (!before) this.#assigned += 1;
    const id = before?.id ?? this.#assigned;
    const ticket = { id, fields, created_at: before?.created_at ?? now, updated_at: now };
    this.#stored.set(id, ticket);
    return { kind: "kept", ticket };
  }
}

/** As it is answered. */
export function ticketFields({ id, fields, created_at, updated_at }: Ticket): Fields {
  return { id, ...fields, created_at, updated_at };
}

const missing: Kept = { kind: "refused", status: 404, errors: ["Ticket not found"] };

/** A text that is cleared is empty; an unknown status is the default, without a word; what nobody may write is passed over. */
function taken(written: Fields): Fields {
  const names = Object.keys(blank).filter((name) => written[name] !== undefined);
  const cleared = new Set(["title", "owner", "reference"]);
  return Object.fromEntries(
    names.map((name) => {
      const value = written[name];
      if (name === "status") return [name, statuses.includes(value) ? value : "open"];
      return [name, value === null && cleared.has(name) ? "" : value];
    }),
  );
}

function complaints(fields: Fields, agents: readonly string[]): string[] {
  const { title, owner, priority, reference, due_on, spent_hours, external_no, tags, custom } = fields;
  const isBlank = (value: unknown) => typeof value !== "string" || value.trim() === "";
  const isTags = Array.isArray(tags) && tags.every((tag) => typeof tag === "string");
  const found: readonly (readonly [wrong: boolean, said: string])[] = [
    [isBlank(title), "Title cannot be blank"],
    [isBlank(owner), "Owner cannot be blank"],
    [typeof owner === "string" && !isBlank(owner) && !agents.includes(owner), "Owner is invalid"],
    [priority !== null && !/^[1-5]$/.test(digitsOf(priority) ?? ""), "Priority must be between 1 and 5"],
    [typeof reference !== "string", "Reference is invalid"],
    [due_on !== null && !isDate(due_on), "Due on is invalid"],
    [spent_hours !== null && digitsOf(spent_hours) === undefined, "Spent hours is not a number"],
    [external_no !== null && !isInt64(external_no), "External no is not a number"],
    [tags !== null && !isTags, "Tags is invalid"],
    [custom !== null && !isObject(custom), "Custom is invalid"],
  ];
  return found.flatMap(([wrong, said]) => (wrong ? [said] : []));
}

function isDate(value: unknown): boolean {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const ms = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(value);
}

function isInt64(value: unknown): boolean {
  const written = digitsOf(value) ?? "";
  return /^-?\d+$/.test(written) && BigInt.asIntN(64, BigInt(written)) === BigInt(written);
}
