// A relay between a client and Postgres that writes down what the client says. What is passed on is not changed, but for
// SSLRequest and GSSENCRequest, which are answered here: no.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { readMessage, readRow, readSqlstate, readStartup, readTag } from "./messages.mjs";
import { Names } from "./names.mjs";

/** @typedef {import("node:net").Socket} Socket */
/** @typedef {import("./messages.mjs").Message} Message */
/** @typedef {{ shape: string, conversation: Message[] }} Captured */
/** A message whose answer is awaited; `at` is its place in the conversation. @typedef {{ message: Message, at: number, rows: number }} Awaited */
/** What is being written down; a conversation is of one connection. @typedef {Captured & { names: Names, by: object | undefined }} Open */

const sslRequest = 80877103;
const gssRequest = 80877104;

export class Recorder {
  /** @type {Open | undefined} */
  open;
  /** @type {Record<string, string>} */
  startup = {};
  /** What went wrong in a listener. @type {unknown} */
  failure;
  #server = createServer({ noDelay: true }, (client) => this.#accept(client));
  #postgresPort;
  #known;
  /** @type {Map<string, string>} */
  #numbered = new Map();

  /** @param {number} postgresPort @param {readonly string[]} known the ids that are known */
  constructor(postgresPort, known) {
    this.#postgresPort = postgresPort;
    this.#known = known;
  }

  /** @returns {Promise<number>} the port for clients */
  async listen() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** From here on it is this shape. @param {string} shape */
  begin(shape) {
    // What a connection has prepared while it was opened has its name for good.
    if (shape === "connect") this.#numbered = new Map();
    this.open = { shape, conversation: [], names: new Names(this.#known, this.#numbered), by: undefined };
  }

  /** What a message of this connection belongs to. @param {object} link */
  openFor(link) {
    if (!this.open || this.open.by === link) return this.open;
    // Some clients look at the server on one connection and then open the one that they use.
    if (this.open.shape === "connect") this.begin("connect");
    else if (this.open.by !== undefined) throw new Error(`${this.open.shape}: a second connection`);
    this.open.by = link;
    return this.open;
  }

  /** @returns {Captured} */
  end() {
    if (this.failure !== undefined) throw this.failure;
    if (!this.open) throw new Error("there is no open conversation");
    const { shape, conversation } = this.open;
    this.open = undefined;
    mustStandAlone(shape, conversation);
    return { shape, conversation };
  }

  close() {
    this.#server.close();
  }

  /** @param {Socket} client */
  #accept(client) {
    const postgres = connect({ port: this.#postgresPort, host: "127.0.0.1", noDelay: true });
    const link = new Link(this);
    /** @param {Socket} from @param {Socket} to @param {(chunk: Buffer) => Buffer} read */
    const pass = (from, to, read) => {
      from.on("data", (chunk) => {
        try {
          to.write(read(chunk));
        } catch (cause) {
          this.failure ??= cause;
          from.destroy();
        }
      });
      from.on("error", () => to.destroy());
      from.on("close", () => to.end());
    };
    pass(client, postgres, (chunk) => link.fromClient(chunk, (answer) => client.write(answer)));
    pass(postgres, client, (chunk) => link.fromPostgres(chunk));
  }
}

/** One connection. */
class Link {
  #recorder;
  #started = false;
  #client = Buffer.alloc(0);
  #postgres = Buffer.alloc(0);
  /** Sent and not answered in full. @type {Awaited[]} */
  #awaited = [];
  /** Postgres skips all up to the next Sync. */
  #failed = false;
  /** The next message of the client begins anew: nothing stands before it but a Sync or a Query. */
  #fresh = true;

  /** @param {Recorder} recorder */
  constructor(recorder) {
    this.#recorder = recorder;
  }

  /** @param {Buffer} chunk @param {(answer: string) => void} reply @returns {Buffer} what goes on to Postgres */
  fromClient(chunk, reply) {
    this.#client = Buffer.concat([this.#client, chunk]);
    /** @type {Buffer[]} */
    const on = [];
    for (;;) {
      const head = this.#started ? 1 : 0;
      if (this.#client.length < head + 4) break;
      const length = head + this.#client.readInt32BE(head);
      if (this.#client.length < length) break;
      const bytes = this.#client.subarray(0, length);
      this.#client = this.#client.subarray(length);
      if (this.#started) {
        this.#note(bytes);
        on.push(bytes);
      } else if (bytes.readInt32BE(4) === sslRequest || bytes.readInt32BE(4) === gssRequest) {
        reply("N");
      } else {
        this.#started = true;
        this.#recorder.startup = readStartup(bytes);
        on.push(bytes);
      }
    }
    return Buffer.concat(on);
  }

  /** @param {Buffer} bytes */
  #note(bytes) {
    const open = this.#recorder.openFor(this);
    const names = open?.names ?? new Names([], new Map());
    const message = readMessage(bytes, (text) => names.withRefs(text));
    if (!message) return;
    if ("statement" in message) message.statement = names.statement(message.statement);
    if ("name" in message) message.name = names.statement(message.name);
    const ahead = this.#fresh && this.#awaited.some((awaited) => endsCycle(awaited.message));
    this.#fresh = endsCycle(message);
    const at = open?.conversation.length ?? 0;
    if (open) {
      open.conversation.push(ahead ? { ...message, ahead } : message);
    }
    const kept = open?.conversation.at(-1) ?? message;
    if (kept.type === "Sync" || kept.type === "Query" || (kept.type === "Execute" && !this.#failed)) {
      this.#awaited.push({ message: kept, at, rows: 0 });
    }
  }

  /** @param {Buffer} chunk */
  fromPostgres(chunk) {
    this.#postgres = Buffer.concat([this.#postgres, chunk]);
    while (this.#postgres.length >= 5) {
      const length = 1 + this.#postgres.readInt32BE(1);
      if (this.#postgres.length < length) break;
      this.#answer(this.#postgres.subarray(0, length));
      this.#postgres = this.#postgres.subarray(length);
    }
    return chunk;
  }

  /** @param {Buffer} bytes */
  #answer(bytes) {
    const [first] = this.#awaited;
    const tag = (/** @type {string} */ text) => {
      if (first && "tags" in first.message) first.message.tags.push(text);
      if (first?.message.type === "Execute") this.#awaited.shift();
    };
    switch (String.fromCharCode(bytes[0] ?? 0)) {
      case "D":
        if (!first) return;
        this.#recorder.open?.names.keepRow(readRow(bytes), first.at, first.rows);
        first.rows += 1;
        return;
      case "C":
        return tag(readTag(bytes));
      case "I":
        return tag("empty");
      case "s":
        return tag("suspended");
      case "E":
        tag(`ERROR ${readSqlstate(bytes)}`);
        if (first?.message.type === "Query") return;
        while (this.#awaited[0]?.message.type === "Execute") this.#awaited.shift();
        this.#failed = this.#awaited.length === 0;
        return;
      case "Z":
        // At the start of a connection nothing is awaited.
        this.#awaited.shift();
        this.#failed = false;
        return;
    }
  }
}

/** @param {Message} message */
function endsCycle(message) {
  return message.type === "Sync" || message.type === "Query";
}

/** A conversation that uses what another one has prepared could not be replayed. @param {string} shape @param {readonly Message[]} conversation */
function mustStandAlone(shape, conversation) {
  /** @type {Set<string>} */
  const parsed = new Set();
  for (const message of conversation) {
    if (message.type === "Parse") parsed.add(message.name);
    if (message.type === "Bind" && !parsed.has(message.statement)) {
      throw new Error(`${shape}: the statement ${message.statement} was prepared before`);
    }
  }
  if (conversation.length === 0) throw new Error(`${shape}: nothing was sent`);
}
