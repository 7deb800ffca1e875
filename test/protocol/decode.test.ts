// The decoders of messages read what pg-protocol writes and Postgres sends, and refuse what is malformed.

import fc from "fast-check";
import { serialize } from "pg-protocol";
import { Parser } from "pg-protocol/dist/parser.js";
import { describe, expect, test } from "vitest";
import {
  readBind,
  readDataRow,
  readExecute,
  readParse,
  readQuery,
  readTag,
  readTarget,
} from "../../protocol/decode.js";

import { fromByteName, toByteName, writeName } from "../../protocol/text.js";

type Reader<T> = (chunk: Buffer, start: number, end: number) => T;

const seed = 20250102;
/** What a NUL-terminated string can hold. */
const anyText = fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => text.replaceAll("\0", ""));
const anyName = fc.string({ unit: "grapheme", maxLength: 8 }).map((text) => text.replaceAll("\0", "").slice(0, 60));
const anyValue = fc.option(
  fc.oneof(
    anyText,
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  ),
);
const anyKind = fc.constantFrom("S" as const, "P" as const);

describe("what pg-protocol writes is read back, wherever it lies in a chunk", () => {
  test("Query", () => {
    holds(anyText, (text) => {
      expect(within(serialize.query(text), readQuery)).toEqual(Buffer.from(text));
    });
  });

  test("Parse", () => {
    holds(fc.tuple(anyName, anyText, fc.array(fc.nat(), { maxLength: 4 })), ([name, text, types]) => {
      expect(within(serialize.parse({ name, text, types }), readParse)).toEqual({
        name: toByteName(name),
        text: Buffer.from(text),
      });
    });
  });

  test("Bind, whose formats and values are found but not read", () => {
    holds(fc.tuple(anyName, anyName, fc.array(anyValue, { maxLength: 4 })), ([portal, statement, values]) => {
      const bytes = serialize.bind({ portal, statement, values });
      const read = readBind(bytes, 0, bytes.length);
      expect(read).toMatchObject({ portal: toByteName(portal), statement: toByteName(statement) });
      expect(bytes.subarray(read?.valuesAt)).toEqual(serialize.bind({ values }).subarray(7));
    });
  });

  test("Execute", () => {
    holds(fc.tuple(anyName, fc.nat()), ([portal, rows]) => {
      expect(within(serialize.execute({ portal, rows }), readExecute)).toBe(toByteName(portal));
    });
  });

  test("Describe and Close", () => {
    holds(fc.tuple(anyKind, anyName), ([kind, name]) => {
      expect(within(serialize.describe({ type: kind, name }), readTarget)).toEqual({ kind, name: toByteName(name) });
      expect(within(serialize.close({ type: kind, name }), readTarget)).toEqual({ kind, name: toByteName(name) });
    });
  });
});

test("names of any bytes stay different, and are written as they were read", () => {
  holds(fc.uint8Array({ min: 1, maxLength: 20 }), (bytes) => {
    const named = message("C", "S", Buffer.from(bytes), "\0");
    expect(writeName(within(named, readTarget)?.name ?? "")).toEqual(Buffer.from([...bytes, 0]));
  });
  holds(anyName, (name) => {
    expect(fromByteName(toByteName(name))).toBe(Buffer.from(name).toString());
  });
});

describe("what Postgres sends is read as pg-protocol reads it", () => {
  test("DataRow, with NULL and the empty string told apart", () => {
    holds(fc.array(fc.option(anyText), { maxLength: 6 }), (columns) => {
      const fields = columns.map((column) =>
        column === null ? [int32(-1)] : [int32(Buffer.byteLength(column)), column],
      );
      const row = message("D", int16(columns.length), ...fields.flat());
      expect(within(row, readDataRow)).toEqual(columns);
      expect(judged(row)).toMatchObject({ name: "dataRow", fields: columns });
    });
  });

  test.each(["INSERT 0 1", "SELECT 18446744073709551615", "CREATE TABLE", ""])("the tag %j", (tag) => {
    const complete = message("C", tag, "\0");
    expect(within(complete, readTag)).toBe(tag);
    expect(judged(complete)).toMatchObject({ name: "commandComplete", text: tag });
  });
});

describe("a message that can't be read exactly is undefined", () => {
  const whole: Readonly<Record<string, readonly [Buffer, Reader<unknown>]>> = {
    Query: [serialize.query("select 1"), readQuery],
    Parse: [serialize.parse({ name: "s", text: "select $1", types: [23] }), readParse],
    Execute: [serialize.execute({ portal: "p", rows: 1 }), readExecute],
    "Describe of a statement": [serialize.describe({ type: "S", name: "s" }), readTarget],
    "Close of a portal": [serialize.close({ type: "P", name: "p" }), readTarget],
  };

  test.each(Object.entries(whole))("a %s with bytes behind its end", (_, [bytes, read]) => {
    expect(within(relengthed(Buffer.concat([bytes, Buffer.from("x\0")])), read)).toBeUndefined();
  });

  test.each(Object.entries(whole))("a %s cut short, at every byte", (_, [bytes, read]) => {
    for (let length = 5; length < bytes.length; length += 1) {
      expect(within(relengthed(bytes.subarray(0, length)), read), `${length} bytes`).toBeUndefined();
    }
  });

  test("a Bind that ends within its names", () => {
    const bytes = serialize.bind({ portal: "portal", statement: "statement" });
    const names = 5 + "portal\0statement\0".length;
    for (let length = 5; length < names; length += 1) {
      expect(within(relengthed(bytes.subarray(0, length)), readBind), `${length} bytes`).toBeUndefined();
    }
    expect(within(relengthed(bytes.subarray(0, names)), readBind)).toBeDefined();
  });

  test("a Describe of neither a statement nor a portal", () => {
    for (const kind of ["s", "p", "X", "\0"]) expect(within(message("D", kind, "name\0"), readTarget)).toBeUndefined();
  });
});

test("a NUL in the next message never ends a string of this one", () => {
  const query = message("Q", "select 1");
  const chunk = Buffer.concat([query, serialize.query("select 2")]);
  expect(readQuery(chunk, 0, query.length)).toBeUndefined();
  const tag = message("C", "SELECT 1");
  expect(readTag(Buffer.concat([tag, message("Z", "I\0")]), 0, tag.length)).toBe("SELECT 1");
});

/** Reads the message between others, so that no offset is taken for granted. */
function within<T>(bytes: Buffer, read: Reader<T>): T {
  const before = serialize.query("before");
  return read(Buffer.concat([before, bytes, serialize.query("after")]), before.length, before.length + bytes.length);
}

function holds<T>(values: fc.Arbitrary<T>, check: (value: T) => void): void {
  fc.assert(fc.property(values, check), { seed, numRuns: 200 });
}

function judged(bytes: Buffer): unknown {
  const messages: unknown[] = [];
  new Parser().parse(Buffer.from(bytes), (parsed) => messages.push(parsed));
  expect(messages).toHaveLength(1);
  return messages[0];
}

function message(type: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
  return relengthed(Buffer.concat([Buffer.from(type), Buffer.alloc(4), body]));
}

/** The same bytes, with a length that fits them. */
function relengthed(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeInt32BE(bytes.length - 1, 1);
  return copy;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
