// The captured conversations as they are stored, and those of them that the short form replays.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Message } from "../messages.mjs";

interface Conversation {
  readonly shape: string;
  readonly messages: readonly Message[];
}

export interface CapturedClient {
  readonly client: string;
  /** Parameters of its StartupMessage. */
  readonly startup: Readonly<Record<string, string>>;
  /** What it says before it is of use. */
  readonly connect: readonly Message[];
  readonly conversations: readonly Conversation[];
}

interface Stored {
  readonly client: string;
  readonly startup: Readonly<Record<string, string>>;
  readonly shapes: readonly { readonly shape: string; readonly conversation: readonly Message[] }[];
}

/** The short form takes every ninth, of each client others. */
const stride = 9;

/** By name of the client. `all`: every conversation. */
export function capturedClients(all: boolean): readonly CapturedClient[] {
  const folder = fileURLToPath(new URL("../captured/", import.meta.url));
  return readdirSync(folder)
    .sort()
    .map((name, nth) => {
      const { client, startup, shapes }: Stored = JSON.parse(readFileSync(`${folder}${name}`, "utf8"));
      const said = shapes.map(({ shape, conversation }) => ({ shape, messages: conversation }));
      const [connect, ...others] = said;
      if (connect?.shape !== "connect") throw new Error(`${name}: its first shape is not "connect"`);
      const conversations = all ? others : others.filter((_, at) => at % stride === nth % stride);
      return { client, startup, connect: connect.messages, conversations };
    });
}
