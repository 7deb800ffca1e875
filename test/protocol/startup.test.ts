// The first packet of a connection: read at every cut, with the limits that Postgres has.

import { serialize } from "pg-protocol";
import { describe, expect, test } from "vitest";
import { readOpening } from "../../protocol/startup.js";

const protocol30 = 3 << 16;
const protocol32 = (3 << 16) | 2;
const parameters = { user: "ann", database: "shop", application_name: "psql" };
const startup = opener(protocol30, cstrings(...Object.entries(parameters).flat(), ""));

describe.each([
  ["an SSLRequest", serialize.requestSsl(), { at: "ssl", length: 8 }],
  ["a GSSENCRequest", opener(80877104), { at: "gss", length: 8 }],
  ["a CancelRequest", serialize.cancel(4711, 12345), { at: "cancel", length: 16 }],
  [
    "a CancelRequest with the long key of protocol 3.2",
    opener(80877102, Buffer.alloc(4 + 32, 7)),
    { at: "cancel", length: 44 },
  ],
  [
    "a startup packet",
    startup,
    { at: "startup", length: startup.length, parameters: new Map(Object.entries(parameters)) },
  ],
] as const)("%s", (_, packet, expected) => {
  test("is incomplete at every cut, and read with its last byte", () => {
    for (let length = 0; length < packet.length; length += 1) {
      expect(readOpening(packet.subarray(0, length)), `${length} bytes`).toEqual({ at: "incomplete" });
    }
    expect(readOpening(packet)).toEqual(expected);
  });

  test("is read the same whatever follows it", () => {
    expect(readOpening(Buffer.concat([packet, Buffer.from("Q\0\0\0\x05\0user\0x\0", "latin1")]))).toEqual(expected);
  });
});

test("the driver's own startup packet is read with all its parameters", () => {
  const opening = readOpening(serialize.startup({ user: "zoë", options: "-c search_path=a\\ b", empty: "" }));
  expect(opening).toMatchObject({
    at: "startup",
    parameters: new Map([
      ["user", "zoë"],
      ["options", "-c search_path=a\\ b"],
      ["empty", ""],
      ["client_encoding", "UTF8"],
    ]),
  });
});

test.each([protocol32, (3 << 16) | 9999, 4 << 16, 2 << 16, 0])(
  "version code %i is a startup packet, for Postgres to judge",
  (code) => {
    expect(readOpening(opener(code, cstrings("user", "ann", "")))).toMatchObject({
      at: "startup",
      parameters: new Map([["user", "ann"]]),
    });
  },
);

describe("a length", () => {
  test.each([0, 4, 7, 10_005, 0x7fff_ffff, -1, -2_147_483_648])(
    "of %i is refused as soon as its four bytes are there",
    (length) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(length);
      for (let cut = 0; cut < 4; cut += 1) expect(readOpening(bytes.subarray(0, cut))).toEqual({ at: "incomplete" });
      expect(readOpening(bytes)).toEqual({ at: "refused" });
    },
  );

  test.each([8, 9, 10_004])("of %i is taken", (length) => {
    const packet = Buffer.alloc(length);
    packet.writeInt32BE(length);
    packet.writeInt32BE(protocol30, 4);
    expect(readOpening(packet)).toEqual({ at: "startup", length, parameters: new Map() });
  });

  test.each([80877103, 80877104])("beyond the code of request %i is waited for, as Postgres waits for it", (code) => {
    const packet = opener(code, Buffer.alloc(4));
    expect(readOpening(packet.subarray(0, 8))).toEqual({ at: "incomplete" });
    expect(readOpening(packet)).toMatchObject({ length: 12 });
  });
});

test.each([
  ["a TLS ClientHello", Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc])],
  ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
])("%s is refused", (_, bytes) => {
  expect(readOpening(bytes)).toEqual({ at: "refused" });
});

describe("parameters that are malformed stop the reading, and the packet stays whole for Postgres", () => {
  test.each([
    ["without the last NUL", cstrings("user", "ann"), [["user", "ann"]]],
    [
      "with a value that does not end",
      Buffer.concat([cstrings("user", "ann"), Buffer.from("database\0shop")]),
      [["user", "ann"]],
    ],
    [
      "with a name that does not end",
      Buffer.concat([cstrings("user", "ann"), Buffer.from("database")]),
      [["user", "ann"]],
    ],
    ["with bytes behind the end", cstrings("user", "ann", "", "x"), [["user", "ann"]]],
    ["without any", Buffer.alloc(0), []],
  ] as const)("%s", (_, body, read) => {
    const packet = opener(protocol30, body);
    expect(readOpening(Buffer.concat([packet, cstrings("beyond", "the packet", "")]))).toEqual({
      at: "startup",
      length: packet.length,
      parameters: new Map(read),
    });
  });
});

test("of a parameter that is given twice the last counts, as in Postgres", () => {
  const opening = readOpening(opener(protocol30, cstrings("database", "first", "database", "last", "")));
  expect(opening).toMatchObject({ parameters: new Map([["database", "last"]]) });
});

function opener(code: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(8);
  header.writeInt32BE(8 + body.length);
  header.writeInt32BE(code, 4);
  return Buffer.concat([header, body]);
}

function cstrings(...texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\0`).join(""), "utf8");
}
