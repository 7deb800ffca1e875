// Sessions of raw bytes: how one is opened, and how a script is sent into it.

import type { NetConnectOpts } from "node:net";
import { startup, terminate } from "./build.js";
import { Raw } from "./raw.js";
import type { Script } from "./scripts/script.js";

/** How a script's bytes are sent: in one write, waiting for nothing; or step by step, whole or in pieces of so many bytes. */
export type Cut = "in one write" | "step by step" | number;

/** A session that has been told that it is ready. */
export async function login(
  target: NetConnectOpts,
  database: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Raw> {
  const raw = new Raw(target);
  raw.send(startup(Object.entries({ user: "app", database, ...more })));
  await raw.until("Z");
  return raw;
}

/** Sends a script, and Terminate unless Postgres ends the session, and returns all that was said until the end. */
export async function play(raw: Raw, script: Pick<Script, "steps" | "ended">, cut: Cut): Promise<readonly Buffer[]> {
  const before = raw.messages.length;
  for (const step of stepsOf(script, cut === "in one write")) {
    if (step === "FIN") raw.socket.end();
    else if (typeof step === "string") await raw.until(step);
    else if (typeof cut === "number") await raw.sendCut(step, cut);
    else raw.send(step);
  }
  await raw.untilEnd();
  return raw.messages.slice(before);
}

/** What is sent between two waits is one piece. */
function stepsOf({ steps, ended }: Pick<Script, "steps" | "ended">, whole: boolean): (Buffer | string)[] {
  const joined: (Buffer | string)[] = [];
  for (const step of ended ? steps : [...steps, terminate]) {
    const last = joined.at(-1);
    if (typeof step === "string") {
      if (!whole || step === "FIN") joined.push(step);
    } else if (last instanceof Buffer) joined.splice(-1, 1, Buffer.concat([last, step]));
    else joined.push(step);
  }
  return joined;
}
