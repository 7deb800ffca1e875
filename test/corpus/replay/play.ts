// Says one side of a captured conversation, message by message, and keeps what each message was answered with.

import { readDataRow } from "../../../protocol/decode.js";
import * as build from "../../proxy/build.js";
import type { WireClient, Message as WireMessage } from "../../support/wire.js";
import type { Message, Ref, Text, Value } from "../messages.mjs";

/** What came back, by the place of the message that it answers. */
export type Answers = readonly (readonly WireMessage[])[];

/** Stands for the end of a connection that nobody asked to end. */
export const lost: WireMessage = { type: "the connection is lost", bytes: Buffer.alloc(0) };

/** How it is sent: each message in a write of its own, or all that the client says before it reads in one. */
export type Cut = "message by message" | "in one write";

/** Reads where the client did: see the head of capture.mjs. */
export async function play(wire: WireClient, conversation: readonly Message[], cut: Cut): Promise<Answers> {
  const replies = new Replies(conversation.length);
  const unsent: Buffer[] = [];
  for (const [at, message] of conversation.entries()) {
    unsent.push(bytesOf(message, (ref) => replies.found(ref)));
    replies.owe(at, message);
    const reads = message.type === "Flush" || (endsCycle(message) && !conversation[at + 1]?.ahead);
    if (reads || cut === "message by message") wire.send(...unsent.splice(0));
    while (reads && replies.owed) {
      const answer = await wire.next();
      if (!answer) return replies.lose();
      replies.take(answer);
    }
  }
  if (replies.owed) throw new Error("the conversation ends before it has read its answers");
  return replies.answers;
}

/** What Postgres owes, message by message. */
class Replies {
  readonly answers: WireMessage[][];
  private readonly queue: { at: number; type: Message["type"] }[] = [];
  /** After an error Postgres skips all up to the next Sync. */
  private skipping = false;

  constructor(length: number) {
    this.answers = Array.from({ length }, () => []);
  }

  get owed(): boolean {
    return this.queue.length > 0;
  }

  owe(at: number, { type }: Message): void {
    if (type === "Flush" || (this.skipping && type !== "Sync")) return;
    this.queue.push({ at, type });
  }

  take(answer: WireMessage): void {
    const [first] = this.queue;
    if (!first) throw new Error(`an answer to nothing: ${answer.type}`);
    this.answers[first.at]?.push(answer);
    if (answer.type === "E" && first.type !== "Query") {
      while (this.queue[0] && this.queue[0].type !== "Sync") this.queue.shift();
      this.skipping = this.queue.length === 0;
    } else if (endings[first.type].includes(answer.type)) {
      this.queue.shift();
      if (first.type === "Sync") this.skipping = false;
    }
  }

  lose(): Answers {
    this.answers[this.queue[0]?.at ?? 0]?.push(lost);
    return this.answers;
  }

  /** The text of a field that came earlier; a name that nothing has when the row did not come. */
  found({ ref }: Ref): string {
    const [message = 0, row = 0, column = 0] = ref.split(".").map(Number);
    const rows = (this.answers[message] ?? [])
      .filter(({ type }) => type === "D")
      .map(({ bytes }) => readDataRow(bytes, 0));
    return rows[row]?.[column] ?? "there is no such row";
  }
}

/** Which answers are the last to a message. */
const endings: Readonly<Record<Message["type"], string>> = {
  Query: "Z",
  Parse: "1",
  Bind: "2",
  Describe: "Tn",
  Execute: "CIs",
  Close: "3",
  Flush: "",
  Sync: "Z",
};

function endsCycle({ type }: Message): boolean {
  return type === "Query" || type === "Sync";
}

function bytesOf(message: Message, found: (ref: Ref) => string): Buffer {
  const textOf = (text: Text): string => {
    if (typeof text === "string") return text;
    return Array.isArray(text) ? text.map(textOf).join("") : found(text);
  };
  const bound = (value: Value): build.Value => {
    if (value !== null && typeof value === "object" && "base64" in value) return Buffer.from(value.base64, "base64");
    return value === null ? null : textOf(value);
  };
  switch (message.type) {
    case "Query":
      return build.query(textOf(message.sql));
    case "Parse":
      return build.parse(textOf(message.sql), message.name, message.types);
    case "Bind": {
      const { portal, statement, formats, values, resultFormats: results } = message;
      return build.bind({ portal, statement, formats, values: values.map(bound), results });
    }
    case "Describe":
      return build.describe(message.what === "statement" ? "S" : "P", message.name);
    case "Execute":
      return build.execute(message.portal, message.limit);
    case "Close":
      return build.close(message.what === "statement" ? "S" : "P", message.name);
    case "Flush":
      return build.flush;
    case "Sync":
      return build.sync;
  }
}
