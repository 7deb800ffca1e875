// The frame reader finds the same messages wherever the stream is cut, and copies nothing.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkBuffer } from "../../protocol/chunk-buffer.js";
import { FrameReader, type FrameSink, MalformedFrame } from "../../protocol/frames.js";

/** Type, then length: whole messages, empty ones, and one longer than most pieces. */
const stream = Buffer.concat([
  message("Q", "select 1\0"),
  message("S", ""),
  message("d", "x".repeat(40)),
  message("H", ""),
  message("P", "s\0select $1\0\0\0"),
  message("X", ""),
  message("d", "yz"),
]);
const messages = ["Q 9", "S 0", "d 40", "H 0", "P 14", "X 0", "d 2"];
const sizes = [1, 2, 3, 4, 5, 7, 11, 64, 1000];
const wishes: Readonly<Record<string, (type: number) => boolean>> = {
  "that streams everything": () => false,
  "that wants everything whole": () => true,
  "that wants some messages whole": (type) => type === 0x50 || type === 0x48,
};

describe.each(Object.entries(wishes))("a sink %s", (_, wantsWhole) => {
  test.each(sizes)("is given the same messages when the stream comes in pieces of %i bytes", (size) => {
    expect(walk(cutBy(stream, size), wantsWhole)).toEqual({ messages, kept: 0 });
  });

  test("is given the same messages wherever the stream is cut in two", () => {
    for (let at = 0; at <= stream.length; at += 1) {
      const pieces = [stream.subarray(0, at), stream.subarray(at)];
      expect(walk(pieces, wantsWhole), `cut at ${at}`).toEqual({ messages, kept: 0 });
    }
  });
});

test("any messages, in any pieces, to a sink with any wishes, come out as they went in", () => {
  const anyType = fc.integer({ min: 0, max: 255 });
  const anyMessage = fc.tuple(anyType, fc.integer({ min: 0, max: 60 }));
  const property = fc.property(
    fc.array(anyMessage, { maxLength: 30 }),
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
    fc.uniqueArray(anyType, { minLength: 60, maxLength: 200 }),
    (drawn, pieceSizes, whole) => {
      const bytes = Buffer.concat(drawn.map(([type, length]) => message(type, "b".repeat(length))));
      const expected = drawn.map(([type, length]) => `${String.fromCharCode(type)} ${length}`);
      const walked = walk(cutInto(bytes, pieceSizes), (type) => whole.includes(type));
      expect(walked).toEqual({ messages: expected, kept: 0 });
    },
  );
  fc.assert(property, { seed: 20250101, numRuns: 300 });
});

test("a message that is not wanted whole is presented at its header, and its rest is passed over", () => {
  const seen: { start: number; end: number; size: number }[] = [];
  const reader = new FrameReader(
    sink({ message: (_, chunk, start, end) => seen.push({ start, end, size: chunk.length }) > 0 }),
  );
  const whole = message("d", "x".repeat(20));
  expect(reader.push(whole.subarray(0, 8))).toBe(8);
  expect(seen).toEqual([{ start: 0, end: 25, size: 8 }]);
  expect(reader.push(whole.subarray(8, 20))).toBe(12);
  expect(reader.push(Buffer.concat([whole.subarray(20), message("S", "")]))).toBe(10);
  expect(seen.slice(1)).toEqual([{ start: 5, end: 10, size: 10 }]);
});

test("a message that is wanted whole is presented only with its last byte, and until then nothing of it is consumed", () => {
  const seen: number[] = [];
  const reader = new FrameReader(sink({ wantsWhole: () => true, message: (type) => seen.push(type) > 0 }));
  const whole = message("P", "s\0select 1\0\0\0");
  for (let length = 0; length < whole.length; length += 1) expect(reader.push(whole.subarray(0, length))).toBe(0);
  expect(seen).toEqual([]);
  expect(reader.push(whole)).toBe(whole.length);
  expect(seen).toEqual([0x50]);
});

test("a sink is asked about wholeness only for what has not arrived whole, with the length that the message claims", () => {
  const asked: [number, number][] = [];
  const reader = new FrameReader(sink({ wantsWhole: (type, length) => asked.push([type, length]) > 0 }));
  reader.push(Buffer.concat([message("Q", "select 1\0"), message("P", "abc").subarray(0, 6)]));
  expect(asked).toEqual([[0x50, 7]]);
});

test("fewer bytes than a header are left where they are, and no sink hears of them", () => {
  const reader = new FrameReader(sink({ wantsWhole: fail, message: fail }));
  for (let length = 0; length < 5; length += 1) expect(reader.push(message("S", "").subarray(0, length))).toBe(0);
});

test("`needed` is a header at rest, the whole message while one is awaited, and one byte while one streams", () => {
  const reader = new FrameReader(sink({ wantsWhole: (type) => type === 0x50 }));
  expect(reader.needed).toBe(5);
  reader.push(message("P", "abcdef").subarray(0, 7));
  expect(reader.needed).toBe(11);
  reader.push(message("P", "abcdef"));
  expect(reader.needed).toBe(5);
  const streamed = message("d", "abcdef");
  reader.push(streamed.subarray(0, 7));
  expect(reader.needed).toBe(1);
  reader.push(streamed.subarray(7, 8));
  expect(reader.needed).toBe(1);
  reader.push(streamed.subarray(8));
  expect(reader.needed).toBe(5);
});

describe("a sink that stops", () => {
  test("is not given what follows, and is presented the same message again", () => {
    const seen: number[] = [];
    let stopped = true;
    const reader = new FrameReader(
      sink({
        message: (type) => {
          seen.push(type);
          return type !== 0x51 || !stopped;
        },
      }),
    );
    const bytes = Buffer.concat([message("S", ""), message("Q", "x\0"), message("H", "")]);
    expect(reader.push(bytes)).toBe(5);
    expect(reader.needed).toBe(5);
    expect(reader.push(bytes.subarray(5))).toBe(0);
    stopped = false;
    expect(reader.push(bytes.subarray(5))).toBe(bytes.length - 5);
    expect(seen).toEqual([0x53, 0x51, 0x51, 0x51, 0x48]);
  });

  test("in front of a message that has only begun finds it again at its header", () => {
    const seen: number[] = [];
    const reader = new FrameReader(sink({ message: (type) => seen.push(type) > 1 }));
    const bytes = message("d", "x".repeat(20));
    expect(reader.push(bytes.subarray(0, 9))).toBe(0);
    expect(reader.push(bytes)).toBe(bytes.length);
    expect(seen).toEqual([0x64, 0x64]);
  });

  test("may stop at the first message behind one that streamed", () => {
    const reader = new FrameReader(sink({ message: (type) => type === 0x64 }));
    const bytes = Buffer.concat([message("d", "abcdef"), message("Q", "x\0")]);
    expect(reader.push(bytes.subarray(0, 6))).toBe(6);
    expect(reader.push(bytes.subarray(6))).toBe(5);
  });
});

describe("a length", () => {
  test.each([0, 1, 2, 3, -1, -2_147_483_648])(
    "of %i is malformed, and what came before it has been presented",
    (length) => {
      const seen: number[] = [];
      const reader = new FrameReader(sink({ message: (type) => seen.push(type) > 0 }));
      const bytes = Buffer.concat([message("S", ""), message("Q", "x\0")]);
      bytes.writeInt32BE(length, 6);
      expect(() => reader.push(bytes)).toThrow(MalformedFrame);
      expect(seen).toEqual([0x53]);
    },
  );

  test.each([4, 5, 0x7fff_ffff])("of %i is not", (length) => {
    const bytes = message("Q", "");
    bytes.writeInt32BE(length, 1);
    const ends: number[] = [];
    const reader = new FrameReader(sink({ message: (_, _chunk, _start, end) => ends.push(end) > 0 }));
    expect(reader.push(bytes)).toBe(5);
    expect(ends).toEqual([length + 1]);
  });

  test("is judged at every cut only once the header is there", () => {
    const bytes = message("Q", "x\0");
    bytes.writeInt32BE(3, 1);
    for (let cut = 0; cut < 5; cut += 1) {
      const reader = new FrameReader(sink({}));
      expect(reader.push(bytes.subarray(0, cut))).toBe(0);
      expect(() => reader.push(bytes)).toThrow(MalformedFrame);
    }
  });
});

test("nothing is copied: the sink is handed the very buffer that was pushed", () => {
  const chunks: Buffer[] = [];
  const reader = new FrameReader(sink({ message: (_, chunk) => chunks.push(chunk) > 0 }));
  const first = Buffer.concat([message("Q", "x\0"), message("d", "abcdef").subarray(0, 6)]);
  const second = Buffer.concat([message("d", "abcdef").subarray(6), message("S", "")]);
  reader.push(first);
  reader.push(second);
  expect(chunks.map((chunk) => (chunk === first ? 1 : chunk === second ? 2 : 0))).toEqual([1, 1, 2]);
});

/** What a caller does: keeps what was not consumed, and pushes again when it holds as much as is needed. */
function walk(pieces: readonly Buffer[], wantsWhole: (type: number) => boolean) {
  const seen: string[] = [];
  const reader = new FrameReader({
    wantsWhole,
    message(type, chunk, start, end) {
      expect({ whole: end <= chunk.length || !wantsWhole(type) }).toEqual({ whole: true });
      expect(chunk[start]).toBe(type);
      seen.push(`${String.fromCharCode(type)} ${end - start - 5}`);
      return true;
    },
  });
  const kept = new ChunkBuffer();
  for (const piece of pieces) {
    kept.append(piece);
    if (kept.length < reader.needed) continue;
    const bytes = kept.take();
    kept.append(bytes.subarray(reader.push(bytes)));
  }
  return { messages: seen, kept: kept.length };
}

function message(type: string | number, body: string): Buffer {
  const header = Buffer.alloc(5);
  header[0] = typeof type === "string" ? type.charCodeAt(0) : type;
  header.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([header, Buffer.from(body, "latin1")]);
}

function cutBy(bytes: Buffer, size: number): Buffer[] {
  return cutInto(bytes, [size]);
}

/** Pieces of the given sizes, over and over. */
function cutInto(bytes: Buffer, pieceSizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 1) {
    pieces.push(bytes.subarray(at, at + (pieceSizes[pieces.length % pieceSizes.length] ?? 1)));
  }
  return pieces;
}

function sink(parts: Partial<FrameSink>): FrameSink {
  return { wantsWhole: () => false, message: () => true, ...parts };
}

function fail(): never {
  throw new Error("the sink should not have been asked");
}
