// Who is not let in yet can do no harm: the order of an opening's packets and its end are the stranger's to choose.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Random } from "../faults/random.js";
import { gssRequest, opener, parse, query, sslRequest, startup, terminate } from "../proxy/build.js";
import { HostileClient } from "./hostile-client.js";
import { type HostileStack, startHostileStack } from "./hostile-stack.js";
import { randomFor, seed } from "./seed.js";

const strangers = 600;
const together = 20;

let stack: HostileStack;
beforeAll(async () => {
  stack = await startHostileStack();
});
afterAll(() => stack.close());

test(`P15: no order of opening, nonsense and reset by strangers ends the program (SEED=${seed})`, async () => {
  const random = randomFor("openings");
  const packets: readonly [Buffer, ...Buffer[]] = [
    sslRequest,
    gssRequest,
    startup([["user", "locked"]]),
    startup([
      ["user", "locked"],
      ["database", stack.database],
    ]),
    startup([
      ["user", "throughline"],
      ["database", stack.database],
    ]),
    startup([["user", "locked"]], (3 << 16) + 9),
    opener(80877102, Buffer.alloc(8)),
    opener(80877102, Buffer.alloc(300)),
    opener(1),
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.from([0, 0, 0, 8]),
    Buffer.from([0, 0, 0x27, 0x10, 0, 3, 0, 0]),
    query("select 1"),
    parse("update things.things set label = 'x'"),
    terminate,
  ];
  let begun = 0;
  const strange = async () => {
    while (begun < strangers && stack.program.ended() === undefined) {
      begun += 1;
      await openAndEnd(
        random,
        Array.from({ length: 1 + random.below(4) }, () => random.pick(packets)),
      );
    }
  };
  await Promise.all(Array.from({ length: together }, strange));
  expect(stack.program.ended(), "the program has ended").toBeUndefined();
  await expect.poll(() => stack.program.metric("throughline_connections"), { timeout: 20_000 }).toBe(0);
  expect(stack.program.complaints()).toEqual([]);
});

async function openAndEnd(random: Random, packets: readonly Buffer[]): Promise<void> {
  const client = new HostileClient(stack.program.port);
  for (const piece of random.below(2) === 0 ? [Buffer.concat(packets)] : packets) {
    client.send(piece);
    if (random.below(3) === 0) await client.until(() => client.receivedBytes > 0, 5);
  }
  const { socket } = client;
  const end = random.pick<() => void>([
    () => void socket.end(),
    () => void socket.destroy(),
    () => void socket.resetAndDestroy(),
    () => void socket.write(Buffer.alloc(0), () => socket.resetAndDestroy()),
  ]);
  end();
  await client.until(() => false, 20);
  socket.destroy();
}
