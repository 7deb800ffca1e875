// Scripts of messages that touch no mirror pass byte for byte, in every way of sending them.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, sync } from "./build.js";
import { type DirectAndProxied, startDirectAndProxied } from "./direct-and-proxied.js";
import { copyExtendedScripts } from "./scripts/copy-extended.js";
import { copySimpleScripts } from "./scripts/copy-simple.js";
import { extendedScripts } from "./scripts/extended.js";
import { malformedScripts } from "./scripts/malformed.js";
import type { Script } from "./scripts/script.js";
import { shadowScripts } from "./scripts/shadow.js";
import { simpleScripts } from "./scripts/simple.js";
import { type Cut, login, play } from "./session.js";
import { transcript } from "./transcript.js";

interface Delivery {
  readonly by: "direct" | "proxied" | "asleep";
  readonly cut: Cut;
  /** A statement that writes to a mirror is prepared first, so that every name is followed from then on. */
  readonly tracked?: boolean;
}

const kinds: readonly (readonly [string, readonly Script[]])[] = [
  ["simple queries", simpleScripts],
  ["extended messages", extendedScripts],
  ["malformed messages", malformedScripts],
  ["COPY by Queries", copySimpleScripts],
  ["COPY by extended messages", copyExtendedScripts],
  ["writes that only look like a mirror's", shadowScripts],
];
const deliveries: readonly (readonly [string, Delivery])[] = [
  ["step by step", { by: "proxied", cut: "step by step" }],
  ["in one write", { by: "proxied", cut: "in one write" }],
  ...[1, 2, 3, 7].map((cut) => [`in pieces of ${cut} bytes`, { by: "proxied", cut }] as const),
  ["in pieces of 3 bytes, with a mirror's statement prepared", { by: "proxied", cut: 3, tracked: true }],
  ["in pieces of 3 bytes, with nothing looked at", { by: "asleep", cut: 3 }],
];
const judged = new Map<Script, Promise<readonly string[]>>();

let both: DirectAndProxied;
beforeAll(async () => {
  both = await startDirectAndProxied();
});
afterAll(() => both.close());

describe.each(kinds)(
  "P10: %s are answered as Postgres answers them, however they are sent",
  { timeout: 5_000 },
  (_, scripts) => {
    const named = scripts.map((script) => [script.name, script] as const);

    test.concurrent.each(named)("do in Postgres itself what the script says: %s", async (_name, script) => {
      expect(lettersOf(await judge(script))).toBe(script.answers);
    });

    describe.each(deliveries)("%s: byte for byte the same", (_how, delivery) => {
      const sendable = named.filter(([, { uncut }]) => !uncut || typeof delivery.cut !== "number");
      test.concurrent.each(sendable)("%s", async (_name, script) => {
        expect(await run(script, delivery)).toEqual(await judge(script));
      });
    });
  },
);

/** What Postgres itself says, asked once. */
function judge(script: Script): Promise<readonly string[]> {
  const said = judged.get(script) ?? run(script, { by: "direct", cut: "step by step" });
  judged.set(script, said);
  return said;
}

/** Runs a script in a session of its own and returns all that was said after the first ReadyForQuery. */
async function run(script: Script, { by, cut, tracked }: Delivery): Promise<readonly string[]> {
  const raw = await login(both[by], both.stack.database);
  if (tracked) {
    raw.send(Buffer.concat([parse("insert into hubspot.contacts (email) values ($1)", "mirror"), sync]));
    await raw.until("Z");
  }
  return transcript(await play(raw, script, cut));
}

function lettersOf(said: readonly string[]): string {
  return said.map((line) => line[0]).join(" ");
}
