// What a client hears of messages that no driver would send so: the same can be said of a mirror and of an ordinary table.

import { serialize } from "pg-protocol";
import { type Message, shown, WireClient } from "./wire.js";

/** Messages for one write, or the type of message to wait for. */
export type Step = readonly Buffer[] | string;

export const query = (text: string): Buffer[] => [serialize.query(text)];

/** Parse, Bind and Execute of the unnamed statement and portal. */
export const run = (text: string, rows = 0): Buffer[] => [
  serialize.parse({ text }),
  serialize.bind({}),
  serialize.execute({ rows }),
];

/** Its last words are those of a Query of its own, so that nothing that comes late is missed. */
export async function conversation(port: number, database: string, steps: readonly Step[]): Promise<string[]> {
  const wire = await WireClient.login(port, "app", database);
  const heard: Message[] = [];
  try {
    for (const step of steps) {
      if (typeof step === "string") heard.push(...(await wire.until(step)));
      else wire.send(...step);
    }
    wire.send(serialize.sync(), ...query("select 'the end'"));
    while (!shown(heard).includes("D the end")) heard.push(...(await wire.until("Z")));
    return shown(heard);
  } finally {
    wire.close();
  }
}
