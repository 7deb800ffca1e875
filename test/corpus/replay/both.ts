// One conversation on both tables, and the first thing in which they differ: an answer, or the rows that they hold at the end.

import { terminate } from "../../proxy/build.js";
import type { Message } from "../messages.mjs";
import type { CapturedClient } from "./captured.js";
import { differingLine, firstDifference, isRollbackWarning, Side } from "./compare.js";
import { type Answers, type Cut, lost, play } from "./play.js";
import type { Table, Tables } from "./tables.js";

export interface Difference {
  readonly at: string;
  readonly postgres: string;
  readonly throughline: string;
}

/** `cuts`: how it is said to the mirror, once each; an ordinary table answers the same to both. */
export async function replay(
  { ordinary, mirror }: Tables,
  opening: Opening,
  messages: readonly Message[],
  cuts: readonly Cut[],
): Promise<Difference | undefined> {
  const answers = await converse(ordinary, opening, messages, "message by message");
  const rows = await ordinary.rows();
  for (const cut of cuts) {
    const ours = await converse(mirror, opening, messages, cut);
    const sides = [new Side("ordinary"), new Side("mirror")] as const;
    const answered = firstDifference(answers, ours, sides);
    if (answered)
      return { ...answered, at: `${cut}, at message ${answered.at}, ${JSON.stringify(messages[answered.at])}` };
    // What a rollback did not undo is there on one side only.
    if (ours.flat().some(isRollbackWarning)) continue;
    const kept = differingLine(
      rows.map((row) => sides[0].numbered(row)),
      (await mirror.rows()).map((row) => sides[1].numbered(row)),
    );
    if (kept) return { ...kept, at: `${cut}, the rows at the end` };
  }
  return undefined;
}

type Opening = Pick<CapturedClient, "startup" | "connect">;

/** On a connection of its own. What it says first is about types and settings, whose oids and names are the database's own. */
async function converse(
  table: Table,
  { startup, connect }: Opening,
  messages: readonly Message[],
  cut: Cut,
): Promise<Answers> {
  await table.reset();
  const wire = await table.login(startup);
  try {
    const connected = await play(wire, connect, cut);
    if (connected.flat().includes(lost)) throw new Error("the connection was lost while it was opened");
    const answers = await play(wire, messages, cut);
    wire.send(terminate);
    await wire.untilEnd();
    return answers;
  } finally {
    wire.close();
  }
}
