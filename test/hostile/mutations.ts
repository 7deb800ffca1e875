// What a hostile client makes of a right conversation: bytes flipped, cut, doubled, left out, in another order, with other lengths.

import type { Random } from "../faults/random.js";
import { bind, close, copyData, copyDone, describe, execute, flush, parse, query, sync } from "../proxy/build.js";
import { copyExtendedScripts } from "../proxy/scripts/copy-extended.js";
import { copySimpleScripts } from "../proxy/scripts/copy-simple.js";
import { extendedScripts } from "../proxy/scripts/extended.js";
import { malformedScripts } from "../proxy/scripts/malformed.js";
import { shadowScripts } from "../proxy/scripts/shadow.js";
import { simpleScripts } from "../proxy/scripts/simple.js";

const write = (i: number) => `update things.things set label = 'fuzz' where target = 'r${20 + i}'`;

/** Conversations with mirrors; those of the other scripts have none. */
const withMirrors: readonly (readonly Buffer[])[] = [
  [query(write(1)), query("select 1")],
  [query("begin"), query(write(2)), query("commit")],
  [parse(write(3)), bind(), describe("P"), execute(), sync],
  [
    parse("update things.things set label = $1 where target = 'r24'", "w"),
    bind({ statement: "w", values: ["a"] }),
    execute(),
    bind({ statement: "w", values: ["b"] }),
    execute(),
    close("S", "w"),
    sync,
  ],
  [query(`${write(5)}; select 1; ${write(6)}`)],
  [query("copy things.things (origin, target, label) from stdin"), copyData("8\tfuzz\tx\n"), copyDone],
  [
    parse("copy things.things (origin, target, label) from stdin"),
    bind(),
    execute(),
    copyData("8\tfuzz\tx\n"),
    copyDone,
    sync,
  ],
  [query(`explain ${write(7)}`), query("delete from things.things where false returning *")],
  [query("insert into things.things (origin, target, label) values (8, 'fuzz', 'é') returning *"), flush],
];

const scripted = [
  ...simpleScripts,
  ...extendedScripts,
  ...copySimpleScripts,
  ...copyExtendedScripts,
  ...shadowScripts,
  ...malformedScripts,
].map(({ steps }) => steps.flatMap((step) => (typeof step === "string" ? [] : [step])));

/** The messages of a right conversation behind the login. Very long ones are left out. */
export function conversation(random: Random): readonly Buffer[] {
  const from = random.below(2) === 0 ? withMirrors : scripted;
  return (from[random.below(from.length)] ?? []).filter(({ length }) => length < 100_000);
}

/** Between none and four changes. */
export function mutated(messages: readonly Buffer[], random: Random): Buffer {
  const mixed = [...messages];
  for (let left = random.below(3); left > 0; left--) mixOnce(mixed, random);
  let bytes: Buffer = Buffer.concat(mixed);
  for (let left = random.below(3); left > 0 && bytes.length > 0; left--) bytes = changeOnce(bytes, random);
  return bytes;
}

/** Whole messages: their order, their number. */
function mixOnce(messages: Buffer[], random: Random): void {
  const at = random.below(Math.max(1, messages.length));
  const other = conversation(random);
  switch (random.below(4)) {
    case 0:
      messages.splice(at, 1);
      return;
    case 1:
      messages.splice(at, 0, ...messages.slice(at, at + 1 + random.below(3)));
      return;
    case 2:
      messages.splice(at, 0, ...other);
      return;
    default:
      messages.splice(random.below(messages.length + 1), 0, ...messages.splice(at, 1));
  }
}

function changeOnce(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length);
  const until = Math.min(bytes.length, at + 1 + random.below(16));
  switch (random.below(6)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      return flipped;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, until), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(until)]);
    case 4: {
      const noise = Buffer.from(Array.from({ length: 1 + random.below(40) }, () => random.below(256)));
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    }
    default:
      return withOtherLength(bytes, random);
  }
}

/** Of the first message. */
function withOtherLength(bytes: Buffer, random: Random): Buffer {
  if (bytes.length < 5) return bytes;
  const changed = Buffer.from(bytes);
  const length = changed.readInt32BE(1);
  changed.writeInt32BE(
    random.pick([0, -1, 3, 4, length - 1, length + 1, length + 100, 1 << 20, 0x7fffffff, -0x80000000]),
    1,
  );
  return changed;
}
