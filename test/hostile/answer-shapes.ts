// Answers of an API to a write that can be made as long as one likes, or come as slowly.

import type { ServerResponse } from "node:http";

export interface AnswerShape {
  readonly name: string;
  /** Answers with about so many bytes. Resolves when all is said, or nobody listens any more. */
  answer(outgoing: ServerResponse, bytes: number): Promise<void>;
  /** It is no use to make it longer. */
  readonly mostBytes?: number;
}

const json = { "content-type": "application/json" };

function whole(name: string, text: (bytes: number) => string, status = 200, mostBytes?: number): AnswerShape {
  const answer = async (outgoing: ServerResponse, bytes: number) => {
    outgoing.writeHead(status, json).end(text(bytes));
  };
  return { name, answer, ...(mostBytes !== undefined && { mostBytes }) };
}

const filled = (before: string, unit: string, after: string) => (bytes: number) =>
  before + unit.repeat(Math.max(1, Math.floor((bytes - before.length - after.length) / unit.length))) + after;
const nested = (open: string, core: string, close: string) => (bytes: number) => {
  const count = Math.max(1, Math.floor(bytes / (open.length + close.length)));
  return `{"records":${open.repeat(count)}${core}${close.repeat(count)}}`;
};
const record = '{"index":0,"origin":9,"target":"r1","label":"x","computed":"X"}';

/** Sends `pieces` one after the other, each in a turn of its own. */
async function inPieces(outgoing: ServerResponse, pieces: Iterable<string>): Promise<void> {
  for (const piece of pieces) {
    if (outgoing.destroyed || outgoing.socket?.destroyed !== false) return;
    await new Promise<void>((resolve) => {
      const goOn = () => setImmediate(resolve);
      if (outgoing.write(piece)) goOn();
      else for (const name of ["drain", "close"]) outgoing.once(name, goOn);
    });
  }
  outgoing.end();
}

function* repeated(text: string, count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield text;
}

export const answerShapes: readonly AnswerShape[] = [
  whole("lists in lists", nested("[", "1", "]")),
  whole("objects in objects", nested('{"a":', "1", "}")),
  whole("lists and objects that never end", (bytes) => '[{"a":'.repeat(bytes / 6)),
  whole("a long list", filled('{"records":[', "1,", "1]}")),
  whole("many records", filled('{"records":[', `${record},`, `${record}]}`)),
  whole("many names", (bytes) => {
    const names = Array.from({ length: Math.ceil(bytes / 14) }, (_, i) => `"n${i}":1`);
    return `{"records":[{${names.join(",")}}]}`;
  }),
  whole("a long text", filled('{"records":[{"index":0,"origin":9,"target":"r1","label":"', "x", '"}]}')),
  whole(
    "a long text of escapes",
    filled('{"records":[{"index":0,"origin":9,"target":"r1","label":"', "\\u0061", '"}]}'),
  ),
  whole("a long number", filled('{"records":[{"index":0,"origin":9,"target":"r1","amount":', "9", "}]}")),
  whole("white space", filled("", " \n", `{"records":[${record}]}`)),
  whole("many errors", filled('{"failed":[', '{"index":0,"code":"A","message":"no"},', '{"index":0}]}'), 207),
  whole("a long message", filled('{"message":"', "no ", '"}'), 400),
  whole("a long code", filled('{"code":"', "\\u001b[2J", '","message":"no"}'), 400),
  whole("a refusal in lists", nested("[", '"no"', "]"), 422),
  whole("a page of markup", filled("<html>", "<p>no</p>", "</html>"), 503),
  whole("no JSON at all", filled("", "\u0000\u202e", "")),
  {
    name: "a long header",
    answer: async (outgoing, bytes) => {
      outgoing.writeHead(400, { ...json, "x-request-id": "r".repeat(bytes) }).end('{"message":"no"}');
    },
  },
  {
    name: "many headers",
    answer: async (outgoing, bytes) => {
      for (let i = 0; i < bytes / 16; i++) outgoing.setHeader(`x-header-${i}`, "1");
      outgoing.writeHead(400, json).end('{"message":"no"}');
    },
  },
  {
    name: "a byte at a time",
    mostBytes: 16 << 10,
    answer: (outgoing, bytes) => {
      outgoing.writeHead(200, json);
      return inPieces(outgoing, filled(" ", " ", `{"records":[${record}]}`)(bytes));
    },
  },
  {
    name: "a body that never ends",
    answer: (outgoing, bytes) => {
      outgoing.writeHead(200, json);
      return inPieces(outgoing, repeated(" ".repeat(bytes), Number.POSITIVE_INFINITY));
    },
  },
];
