// A client that begins something and ends: what it begins, how far it gets, and how it ends are chosen by the seed.

import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../faults/random.js";
import { bind, copyData, execute, flush, parse, query, sslRequest, startup, sync, terminate } from "../proxy/build.js";
import { HostileClient } from "./hostile-client.js";
import { recordCount } from "./hostile-stack.js";

/** The record whose row somebody has locked. */
export const lockedTarget = "r0";

const sent = (text: string) => Buffer.concat([parse(text), bind(), execute(), sync]);
const change = (target: string, table = "things") =>
  `update ${table}.things set label = 'end' where target = '${target}'`;
const insert = (n: number) =>
  `insert into things.things (origin, target, label) values (7, 'made${n}', 'x') returning target`;

/** What a client can be at when it ends. */
const begun: Readonly<Record<string, (target: string, n: number) => Buffer>> = {
  nothing: () => Buffer.alloc(0),
  "a query": () => query("select 1"),
  "a long query": () => query("select pg_sleep(0.1)"),
  "a large answer": () => query("select repeat('x', 1000) from generate_series(1, 20000)"),
  "a transaction": () => query("begin; insert into notes values (2)"),
  "a COPY into a mirror": () =>
    Buffer.concat([query("copy things.things (origin, target, label) from stdin"), copyData("8\tcopied\tx\n")]),
  "a COPY into a mirror without a row": () => query("copy things.things (origin, target, label) from stdin"),
  "a COPY into a mirror, extended": () =>
    Buffer.concat([sent("copy things.things (origin, target, label) from stdin"), copyData("8\tcopied\tx\n")]),
  "a COPY into a table": () => Buffer.concat([query("copy notes from stdin"), copyData("3\tx\n")]),
  "a batch without Sync": (target) => Buffer.concat([parse(change(target)), bind(), execute(), flush]),
  "a batch of writes": (target) =>
    Buffer.concat([
      parse(change(target), "s"),
      ...[1, 2, 3].flatMap(() => [bind({ statement: "s" }), execute()]),
      sync,
    ]),
  "a write": (target) => query(change(target)),
  "a write, extended": (target) => sent(change(target)),
  "an insert": (_, n) => query(insert(n)),
  "a write in a transaction": (target) => query(`begin; ${change(target)}`),
  "a write behind BEGIN": (target) => Buffer.concat([query("begin"), query(change(target)), query("select 1")]),
  "a write that waits for the rate": (target) => query(change(target, "metered")),
  "a write that waits for a lock": () => query(change(lockedTarget)),
  "an advisory lock and a write": (target) =>
    Buffer.concat([query("select pg_advisory_lock(5)"), query(change(target))]),
  "several statements": (target) => query(`${change(target)}; select pg_sleep(0.02); ${change(target)}; select 1`),
  "a write that is refused": (target) => query(`update things.things set label = 'bad' where target = '${target}'`),
  "a LISTEN and a cursor": () =>
    query("listen n; begin; declare c cursor for select * from things.things; fetch 3 from c"),
  "an EXPLAIN of a write": (target) => query(`explain analyze ${change(target)}`),
};

type Depth = "before the startup" | "within the startup" | "behind the startup" | "in one piece" | "logged in";
const depths: readonly [Depth, ...Depth[]] = [
  "before the startup",
  "within the startup",
  "behind the startup",
  "in one piece",
  "logged in",
  "logged in",
  "logged in",
  "logged in",
  "logged in",
  "logged in",
];

/** The ways to end. Each comes back when the client has nothing more to do. */
const ends: Readonly<Record<string, (client: HostileClient, random: Random) => Promise<void>>> = {
  FIN: async ({ socket }) => {
    socket.end();
    socket.resume();
  },
  RST: async ({ socket }) => void socket.resetAndDestroy(),
  "close without reading": async ({ socket }) => void socket.destroy(),
  Terminate: async (client) => {
    client.send(terminate);
    client.socket.end();
  },
  "half-close and read on": async (client) => {
    client.socket.end();
    await client.until(() => false, patienceMs);
  },
  "half a message": async (client, random) => {
    const message = query("select 'never whole'");
    client.send(message.subarray(0, 1 + random.below(message.length - 1)));
    client.socket.end();
  },
  "half a message and RST": async (client, random) => {
    const message = parse("update things.things set label = 'never whole'");
    client.socket.write(message.subarray(0, 1 + random.below(message.length - 1)), () =>
      client.socket.resetAndDestroy(),
    );
  },
  "stop reading": async ({ socket }, random) => {
    socket.pause();
    await delay(200 + random.below(400));
    socket.destroy();
  },
  "end, and a little later RST": async ({ socket }, random) => {
    socket.end();
    await delay(random.below(30));
    socket.resetAndDestroy();
  },
};

/** Who hears nothing for so long is left waiting: that is found out by what is left. */
const patienceMs = 15_000;

/** Begins and ends one. What it is up to is its application_name, for who looks for a culprit. */
export async function endAtRandom(port: number, database: string, random: Random, n: number): Promise<void> {
  const target = `r${1 + random.below(recordCount - 1)}`;
  const what = pickName(begun, random);
  const how = pickName(ends, random);
  const depth = random.pick(depths);
  const momentMs = random.below(2) === 0 ? 0 : random.below(60);
  const client = new HostileClient(port);
  const opening = startup([
    ["user", "eve"],
    ["database", database],
    ["application_name", `${how}: ${what}, ${depth}`],
  ]);
  await begin(client, depth, opening, begun[what]?.(target, n) ?? Buffer.alloc(0), random);
  if (momentMs > 0) await delay(momentMs);
  await ends[how]?.(client, random);
  if (how !== "stop reading") await client.until(() => false, 50);
  client.socket.destroy();
}

async function begin(
  client: HostileClient,
  depth: Depth,
  opening: Buffer,
  bytes: Buffer,
  random: Random,
): Promise<void> {
  switch (depth) {
    case "before the startup":
      return client.send(random.below(2) === 0 ? sslRequest : Buffer.alloc(0));
    case "within the startup":
      return client.send(opening.subarray(0, random.below(opening.length)));
    case "behind the startup":
      return client.send(opening);
    case "in one piece":
      return client.send(Buffer.concat([opening, bytes]));
    case "logged in":
      client.send(opening);
      await client.untilReady(1, patienceMs);
      return client.send(bytes);
  }
}

function pickName(from: Readonly<Record<string, unknown>>, random: Random): string {
  const names = Object.keys(from);
  return names[random.below(names.length)] ?? "";
}
