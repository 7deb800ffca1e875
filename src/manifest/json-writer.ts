// Writes a value as JSON without recursion and in slices. A LosslessNumber is written as it was read.

import type { Portions } from "../../protocol/portions.js";
import { isRecord } from "../config/json.js";
import { addingChanged, LongText } from "../config/long-text.js";
import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import { numberText } from "./json-number.js";

/** What becomes of texts and numbers on their way: the place that takes the JSON may not hold all of them. */
export interface JsonChange {
  /** For names as well. A long text comes in parts, of which none ends within a pair of surrogates. */
  text(part: string): string;
  /** Null: the number becomes null. */
  number(text: string): string | null;
  /** Whether the names of an object stand in the order of their letters, and not as they were read. */
  readonly hasSortedNames?: boolean;
}

const unchanged: JsonChange = { text: (text) => text, number: (text) => text };

/** Returns the JSON text of a value, as JSON.stringify does. Throws RangeError when the value contains itself. */
export function* writingJson(value: unknown, change: JsonChange = unchanged): Slices<string> {
  return (yield* writing(value, change)).end();
}

/** Does what `writingJson` does, for a text that may be long and is only passed on. */
export function* writingUtf8Json(value: unknown): Slices<Portions> {
  return yield* (yield* writing(value, unchanged)).endAsUtf8();
}

function* writing(value: unknown, change: JsonChange): Slices<LongText> {
  const writer = new JsonWriter(change);
  for (let next: Member | undefined = { name: null, value: plain(value) }; next; next = writer.nextMember()) {
    if (writer.isDue()) yield;
    yield* writer.write(next);
  }
  return writer.text;
}

/** A value with its name, when it is in an object. */
interface Member {
  readonly name: string | null;
  readonly value: unknown;
}

/** A list or an object that has been begun. */
interface Container {
  readonly end: "]" | "}";
  readonly members: Iterator<Member>;
  isEmpty: boolean;
}

/** Nothing is nested deeper but a list that contains itself, which would have no end. */
const deepest = 100_000;

/** How many members are written between two yields. */
const stride = 256;

class JsonWriter {
  private readonly open: Container[] = [];
  private members = 0;
  readonly text = new LongText();

  constructor(private readonly change: JsonChange) {}

  /** Returns from time to time that others should have their turn. */
  isDue(): boolean {
    this.members += 1;
    return this.members % stride === 0;
  }

  /** Returns the next member of the innermost container that has one, and ends those that have none; undefined at the end of all. */
  nextMember(): Member | undefined {
    for (let container = this.open.at(-1); container; container = this.open.at(-1)) {
      const next = container.members.next();
      if (!next.done) return next.value;
      this.text.add(container.end);
      this.open.pop();
    }
    return undefined;
  }

  /** Writes a member: the beginning of a list or an object, and any other value as a whole. */
  *write({ name, value }: Member): Slices<void> {
    const container = this.open.at(-1);
    if (container && !container.isEmpty) this.text.add(",");
    if (container) container.isEmpty = false;
    if (name !== null) {
      yield* this.writeText(name);
      this.text.add(":");
    }
    const number = numberText(value);
    if (typeof value === "string") yield* this.writeText(value);
    else if (number !== undefined) this.text.add(this.numberOf(value, number));
    else if (Array.isArray(value)) this.begin("[", "]", elementsOf(value));
    else if (isRecord(value)) this.begin("{", "}", membersOf(value, this.change.hasSortedNames === true));
    else this.text.add(typeof value === "boolean" || typeof value === "bigint" ? String(value) : "null");
  }

  private begin(bracket: "[" | "{", end: Container["end"], members: Iterator<Member>): void {
    if (this.open.length === deepest) throw new RangeError("a value is nested too deep to be written as JSON");
    this.text.add(bracket);
    this.open.push({ end, members, isEmpty: true });
  }

  private *writeText(text: string): Slices<void> {
    this.text.add('"');
    yield* addingChanged(this.text, text, (part) => JSON.stringify(this.change.text(part)).slice(1, -1));
    this.text.add('"');
  }

  /** JSON has neither NaN nor infinity. */
  private numberOf(value: unknown, text: string): string {
    const hasForm = typeof value !== "number" || Number.isFinite(value);
    return (hasForm ? this.change.number(text) : null) ?? "null";
  }
}

function* elementsOf(list: readonly unknown[]): Generator<Member, undefined> {
  for (const value of list) yield { name: null, value: plain(value) };
  return undefined;
}

/** Leaves out what has no form in JSON. */
function* membersOf(object: Readonly<Record<string, unknown>>, hasSortedNames: boolean): Generator<Member, undefined> {
  const names = Object.keys(object);
  for (const name of hasSortedNames ? names.sort() : names) {
    const value = plain(memberOf(object, name));
    if (value !== undefined && typeof value !== "function" && typeof value !== "symbol") yield { name, value };
  }
  return undefined;
}

/** Returns what stands for a value in JSON: a date, say, says so itself. */
function plain(value: unknown): unknown {
  return isRecord(value) && typeof value["toJSON"] === "function" && !Object.hasOwn(value, "toJSON")
    ? value["toJSON"]()
    : value;
}
