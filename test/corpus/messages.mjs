// What a client says on the wire, message by message, as the corpus stores it (protocol 3, "Message Formats").

/**
 * Text that may name ids which the client got earlier in the same conversation. `ref` is "<message>.<row>.<column>", all
 * counted from 0: the message of this conversation that was answered with the row, the row among all that it was answered
 * with, and the column in it. A list is put together without anything between its parts.
 * @typedef {{ ref: string }} Ref
 * @typedef {string | Ref | (string | Ref)[]} Text
 */
/**
 * A parameter: null, text format as Text, binary format as base64 of its bytes.
 * @typedef {Text | { base64: string } | null} Value
 */
/**
 * `ahead`: sent before the client had read the ReadyForQuery of what it sent before.
 * `tags`: what Postgres answered when it was captured: a command tag, "ERROR <SQLSTATE>", "suspended" or "empty".
 * `formats`, `resultFormats`: as in the message: none for text, one for all, or one each; 0 is text, 1 binary.
 * @typedef {{ ahead?: true } & (
 *   | { type: "Query", sql: Text, tags: string[] }
 *   | { type: "Parse", name: string, sql: Text, types: number[] }
 *   | { type: "Bind", portal: string, statement: string, formats: number[], values: Value[], resultFormats: number[] }
 *   | { type: "Describe", what: "statement" | "portal", name: string }
 *   | { type: "Execute", portal: string, limit: number, tags: string[] }
 *   | { type: "Close", what: "statement" | "portal", name: string }
 *   | { type: "Flush" }
 *   | { type: "Sync" }
 * )} Message
 */

/**
 * One whole message, its type and length included; undefined for Terminate, which ends the conversation.
 * @param {Buffer} bytes @param {(text: string) => Text} withRefs @returns {Message | undefined}
 */
export function readMessage(bytes, withRefs) {
  const read = new Reader(bytes);
  const type = String.fromCharCode(bytes[0] ?? 0);
  switch (type) {
    case "Q":
      return { type: "Query", sql: withRefs(read.cstring()), tags: [] };
    case "P":
      return {
        type: "Parse",
        name: read.cstring(),
        sql: withRefs(read.cstring()),
        types: read.list(() => read.int32()),
      };
    case "B":
      return readBind(read, withRefs);
    case "D":
      return { type: "Describe", what: read.what(), name: read.cstring() };
    case "E":
      return { type: "Execute", portal: read.cstring(), limit: read.int32(), tags: [] };
    case "C":
      return { type: "Close", what: read.what(), name: read.cstring() };
    case "H":
      return { type: "Flush" };
    case "S":
      return { type: "Sync" };
    case "X":
      return undefined;
    default:
      throw new Error(`a message of type ${type} has no place in the corpus`);
  }
}

/** @param {Reader} read @param {(text: string) => Text} withRefs @returns {Message} */
function readBind(read, withRefs) {
  const portal = read.cstring();
  const statement = read.cstring();
  const formats = read.list(() => read.int16());
  const bytes = read.list(() => read.field());
  const resultFormats = read.list(() => read.int16());
  const values = bytes.map((field, at) => {
    if (field === null) return null;
    const format = formats.length === 1 ? formats[0] : (formats[at] ?? 0);
    return format === 0 ? withRefs(field.toString("utf8")) : readBinary(field, withRefs);
  });
  return { type: "Bind", portal, statement, formats, values, resultFormats };
}

/** An id is text, whose binary format is the text. @param {Buffer} field @param {(text: string) => Text} withRefs @returns {Value} */
function readBinary(field, withRefs) {
  const text = withRefs(field.toString("utf8"));
  return typeof text === "object" && "ref" in text ? text : { base64: field.toString("base64") };
}

/** The fields of a DataRow. @param {Buffer} bytes @returns {(Buffer | null)[]} */
export function readRow(bytes) {
  const read = new Reader(bytes);
  return read.list(() => read.field());
}

/** The command tag of a CommandComplete. @param {Buffer} bytes @returns {string} */
export function readTag(bytes) {
  return new Reader(bytes).cstring();
}

/** The SQLSTATE of an ErrorResponse. @param {Buffer} bytes @returns {string} */
export function readSqlstate(bytes) {
  return /\0C([0-9A-Z]{5})\0/.exec(bytes.toString("latin1"))?.[1] ?? "?????";
}

/** The parameters of a StartupMessage, which has no type, without the names that a run makes up. @param {Buffer} bytes */
export function readStartup(bytes) {
  const [, ...words] = bytes.toString("utf8", 7).split("\0");
  /** @type {Record<string, string>} */
  const parameters = {};
  for (let at = 0; at + 1 < words.length && words[at] !== ""; at += 2)
    parameters[words[at] ?? ""] = words[at + 1] ?? "";
  const { user: _user, database: _database, ...others } = parameters;
  return others;
}

class Reader {
  #at = 5;
  #bytes;

  /** @param {Buffer} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
  }

  int16() {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32() {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  cstring() {
    const end = this.#bytes.indexOf(0, this.#at);
    const text = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end + 1;
    return text;
  }

  field() {
    const length = this.int32();
    if (length < 0) return null;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** @returns {"statement" | "portal"} */
  what() {
    this.#at += 1;
    return this.#bytes[this.#at - 1] === 0x53 ? "statement" : "portal";
  }

  /** @template T @param {() => T} item @returns {T[]} */
  list(item) {
    return Array.from({ length: this.int16() }, item);
  }
}
