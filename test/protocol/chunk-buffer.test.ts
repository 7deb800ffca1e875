// The chunk buffer: bytes come back in order and in one piece, copied as seldom as can be.

import { expect, test } from "vitest";
import { ChunkBuffer } from "../../protocol/chunk-buffer.js";

test("what was appended comes back in order and in one piece, once", () => {
  const kept = new ChunkBuffer();
  kept.append(Buffer.from("ab"));
  kept.append(Buffer.from("c"));
  kept.append(Buffer.from("def"));
  expect(kept.length).toBe(6);
  expect(kept.take().toString()).toBe("abcdef");
  expect(kept.length).toBe(0);
  expect(kept.take()).toHaveLength(0);
});

test("a single chunk is handed over as it is, uncopied", () => {
  const kept = new ChunkBuffer();
  const chunk = Buffer.from("whole");
  kept.append(chunk);
  expect(kept.take()).toBe(chunk);
});

test("an empty chunk leaves no trace: the one beside it is still uncopied", () => {
  const kept = new ChunkBuffer();
  const chunk = Buffer.from("whole");
  kept.append(Buffer.alloc(0));
  kept.append(chunk);
  kept.append(Buffer.alloc(0));
  expect(kept.length).toBe(5);
  expect(kept.take()).toBe(chunk);
});

test("chunks are not copied while they wait: one copy is made when they are asked for", () => {
  const kept = new ChunkBuffer();
  const first = Buffer.from("ab");
  kept.append(first);
  kept.append(Buffer.from("cd"));
  first[0] = 0x78;
  const whole = kept.take();
  first[1] = 0x79;
  expect(whole.toString()).toBe("xbcd");
});

test("what is put back after a take comes before what is appended later", () => {
  const kept = new ChunkBuffer();
  kept.append(Buffer.from("abc"));
  kept.append(Buffer.from("def"));
  kept.append(kept.take().subarray(2));
  kept.append(Buffer.from("ghi"));
  expect(kept.take().toString()).toBe("cdefghi");
});

test("P15: bytes that come one by one take the place of bytes, not of objects", () => {
  const kept = new ChunkBuffer();
  const before = process.memoryUsage();
  const count = 200_000;
  for (let i = 0; i < count; i += 1) kept.append(Buffer.from([i & 0xff]));
  const after = process.memoryUsage();
  expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(100 * count);
  expect(kept.take()).toEqual(Buffer.from(Uint8Array.from({ length: count }, (_, i) => i)));
});
