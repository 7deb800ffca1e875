// Runs of messages that can be made as long as one likes: what a proxy notes, counts or looks at for each message.

import {
  bind,
  close,
  copyData,
  copyDone,
  copyFail,
  describe,
  execute,
  flush,
  functionCall,
  parse,
  query,
  sync,
} from "../proxy/build.js";

export interface MessageShape {
  readonly name: string;
  /** About so many bytes. The last is a Sync or a Query, so that it ends with ReadyForQuery. */
  messages(bytes: number): Buffer;
  readonly mostBytes?: number;
}

const write = "update things.things set label = $1 where false";
const copy = "copy things.things (origin, target, label) from stdin";

function grown(
  name: string,
  before: readonly Buffer[],
  unit: (i: number) => Buffer,
  after: readonly Buffer[],
  mostBytes?: number,
): MessageShape {
  const messages = (bytes: number) => {
    const units: Buffer[] = [];
    for (let length = 0; length < bytes; length += units.at(-1)?.length ?? 1) units.push(unit(units.length));
    return Buffer.concat([...before, ...units, ...after]);
  };
  return { name, messages, ...(mostBytes !== undefined && { mostBytes }) };
}

/** Postgres has a lot to do for each. */
const someKilobytes = 16 << 10;
const quarterMegabyte = 256 << 10;

export const messageShapes: readonly MessageShape[] = [
  grown(
    "many Binds of a write",
    [parse(write, "w")],
    () => bind({ statement: "w", values: ["x"] }),
    [sync],
    quarterMegabyte,
  ),
  grown(
    "many portals of a write",
    [parse(write, "w")],
    (i) => bind({ portal: `p${i}`, statement: "w", values: ["x"] }),
    [sync],
    quarterMegabyte,
  ),
  grown(
    "many runs of a write that changes nothing",
    [parse(write, "w")],
    () => Buffer.concat([bind({ statement: "w", values: ["x"] }), execute()]),
    [sync],
    someKilobytes,
  ),
  grown("many Parses of writes", [], (i) => parse(write, `s${i}`), [sync], quarterMegabyte),
  grown("many Parses of queries", [], (i) => parse("select 1", `s${i}`), [sync], quarterMegabyte),
  grown(
    "many Parses under one name",
    [],
    () => Buffer.concat([close("S", "s"), parse(write, "s")]),
    [sync],
    quarterMegabyte,
  ),
  grown("many Describes", [parse(write, "w")], () => describe("S", "w"), [sync], quarterMegabyte),
  grown("many Closes", [], (i) => close(i % 2 === 0 ? "S" : "P", `n${i}`), [sync]),
  grown("many Syncs", [], () => sync, [query("select 1")], quarterMegabyte),
  grown("many Flushes", [], () => flush, [sync]),
  grown("many Queries", [], () => query("select 1"), [], quarterMegabyte),
  grown("many empty Queries", [], () => query(""), [], quarterMegabyte),
  grown(
    "many Queries of writes",
    [],
    () => query("update things.things set label = 'x' where false"),
    [],
    someKilobytes,
  ),
  grown(
    "many messages behind an error",
    [parse("selekt")],
    () => Buffer.concat([parse(write, "s"), bind(), execute()]),
    [sync],
  ),
  grown("many values of a Bind", [], () => Buffer.alloc(0), [sync], 1),
  grown("a long value", [], () => Buffer.alloc(0), [sync], 1),
  grown("many FunctionCalls", [], () => functionCall(177, "1", "2"), [], someKilobytes),
  grown("rows of no COPY", [], () => copyData("1\tx\n"), [sync]),
  grown("many short rows into a mirror", [query(copy)], (i) => copyData(`8\tc${i}\tx\n`), [copyFail("enough")]),
  grown("a byte of a row at a time", [query(copy)], () => copyData("x"), [copyFail("enough")], quarterMegabyte),
  grown("a row without an end", [query(copy)], () => copyData("x".repeat(1000)), [copyDone]),
  grown("a COPY again and again", [], () => Buffer.concat([query(copy), copyFail("no")]), [], someKilobytes),
].map(withValues);

/** Two of them are one message that grows. */
function withValues(shape: MessageShape): MessageShape {
  if (shape.name === "many values of a Bind") {
    const messages = (bytes: number) => {
      const values = Array.from({ length: Math.min(32_000, Math.ceil(bytes / 5)) }, () => "1");
      const text = `${write.replace("$1", "'x'")} and 1 in (${values.map((_, i) => `$${i + 1}::int`).join(",")})`;
      return Buffer.concat([parse(text), bind({ values }), execute(), sync]);
    };
    return { name: shape.name, messages, mostBytes: quarterMegabyte };
  }
  if (shape.name === "a long value") {
    const messages = (bytes: number) =>
      Buffer.concat([parse(write), bind({ values: ["x".repeat(bytes)] }), execute(), sync]);
    return { name: shape.name, messages };
  }
  return shape;
}
