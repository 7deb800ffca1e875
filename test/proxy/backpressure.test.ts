// Backpressure: the proxy's memory stays bounded while one side reads slower than the other sends.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyData, copyDone, query } from "./build.js";
import { type DirectAndProxied, startDirectAndProxied } from "./direct-and-proxied.js";
import type { Raw } from "./raw.js";
import { login } from "./session.js";

const mib = 1024 * 1024;
/** What the sockets between two stalled ends may hold, in the kernel; nothing of it is the proxy's. */
const boundsOf = { proxied: 32 * mib, asleep: 4 * mib };
/** What the proxy may hold itself: a few chunks. */
const ownBound = 8 * mib;
/** 200 MB of rows, every one different. */
const copyOut = "copy (select i, repeat('x', 10000) from generate_series(1, 20000) i) to stdout";
const lock = 4711;

let both: DirectAndProxied;
let copiedDirectly: Promise<Copied>;
beforeAll(async () => {
  both = await startDirectAndProxied();
  const { admin } = both.stack;
  await admin.query("create table public.slow (s text); grant insert on public.slow to app");
  await admin.query("create sequence public.arrived; grant usage on public.arrived to app");
  await admin.query(
    `create function public.wait() returns trigger language plpgsql as
     $$ begin perform pg_advisory_xact_lock_shared(${lock}), nextval('public.arrived'); return null; end $$`,
  );
  await admin.query("create trigger wait before insert on public.slow for each row execute function public.wait()");
  copiedDirectly = login(both.direct, both.stack.database).then((raw) => {
    raw.send(query(copyOut));
    return received(raw);
  });
  await copiedDirectly;
});
afterAll(() => both.close());

describe.each(["proxied", "asleep"] as const)("P10: the proxy's memory stays bounded (%s)", (by) => {
  test("while a client does not read 200 MB of COPY OUT, and afterwards it gets every byte", async () => {
    const raw = await login(both[by], both.stack.database);
    const processId = processIdOf(raw);
    const before = memory();
    raw.socket.pause();
    raw.send(query(copyOut));
    const sent = await stalled(async () => {
      const { rows } = await both.stack.admin.query(
        "select bytes_processed::float8 as bytes from pg_stat_progress_copy where pid = $1",
        [processId],
      );
      return rows[0]?.bytes ?? 0;
    });
    expect(sent).toBeLessThan(boundsOf[by]);
    expect(memory() - before).toBeLessThan(ownBound);
    const copied = received(raw);
    raw.socket.resume();
    expect(await copied).toEqual(await copiedDirectly);
  });

  test("while Postgres does not read what a client sends into COPY IN, and afterwards it has every row", async () => {
    const { admin } = both.stack;
    await admin.query("alter sequence public.arrived restart");
    await admin.query("select pg_advisory_lock($1)", [lock]);
    const raw = await login(both[by], both.stack.database);
    raw.send(query("copy public.slow from stdin"));
    await raw.until("G");
    const before = memory();
    const row = copyData(`${"x".repeat(64 * 1024 - 1)}\n`);
    const rows = 1600;
    const pumping = pump(raw, row, rows);
    const taken = () => Promise.resolve(raw.socket.bytesWritten - raw.socket.writableLength);
    expect(await stalled(taken)).toBeLessThan(boundsOf[by]);
    expect(memory() - before).toBeLessThan(ownBound);
    await admin.query("select pg_advisory_unlock($1)", [lock]);
    await pumping;
    raw.send(copyDone);
    await raw.until("Z");
    expect((await admin.query("select last_value::int from public.arrived")).rows).toEqual([{ last_value: rows }]);
    raw.socket.destroy();
  });
});

interface Copied {
  readonly bytes: number;
  readonly sha256: string;
}

/** Everything up to ReadyForQuery; none of it is kept. */
async function received(raw: Raw): Promise<Copied> {
  const hash = createHash("sha256");
  let bytes = 0;
  raw.socket.removeAllListeners("data");
  const ready = Buffer.from("Z\0\0\0\x05I", "latin1");
  let tail: Buffer = Buffer.alloc(0);
  await new Promise<void>((resolve) => {
    raw.socket.on("data", (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
      tail = Buffer.concat([tail, chunk.subarray(-ready.length)]).subarray(-ready.length);
      if (tail.equals(ready)) resolve();
    });
  });
  raw.socket.destroy();
  return { bytes, sha256: hash.digest("hex") };
}

/** Sends as a client does that minds its own memory. */
async function pump(raw: Raw, bytes: Buffer, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) if (!raw.socket.write(bytes)) await once(raw.socket, "drain");
}

/** The value at which something that grew does not grow any more, though everything in this process had its turn. */
async function stalled(measure: () => Promise<number>): Promise<number> {
  let value = 0;
  for (let same = 0; same < 30; ) {
    // A round trip to Postgres in between.
    await both.stack.admin.query("select");
    const now = await measure();
    same = now > 0 && now === value ? same + 1 : 0;
    value = now;
  }
  return value;
}

/** Buffers; the heap holds none of the bytes. */
function memory(): number {
  return process.memoryUsage().arrayBuffers;
}

function processIdOf(raw: Raw): number {
  return raw.messages.find((bytes) => bytes[0] === 0x4b)?.readInt32BE(5) ?? 0;
}
