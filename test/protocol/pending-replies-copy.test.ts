// The queue of pending replies during COPY FROM STDIN, where Postgres answers no Sync.

import { describe, expect, test } from "vitest";
import { Backend } from "../../protocol/messages.js";
import { PendingReplies, RequestKind } from "../../protocol/pending-replies.js";

/** Messages sent (`>`) and replies (`<`), in the order in which they pass the proxy. */
type Step = `>${keyof typeof RequestKind}` | `<${keyof typeof Backend}`;

const extended: readonly Step[] = ["<parseComplete", "<bindComplete", "<copyInResponse"];

describe.each<[string, readonly Step[]]>([
  ["a Sync sent before Postgres asked for the rows", [">execute", ">sync", "<copyInResponse"]],
  ["a Sync sent while the rows are sent", [">execute", "<copyInResponse", ">sync", ">sync"]],
  ["Syncs before and after it asked", [">execute", ">sync", "<copyInResponse", ">sync"]],
])("inside COPY FROM STDIN %s gets no reply", (_, steps) => {
  test("and the one behind the end gets the only one", () => {
    follows([...steps, ">copyEnd", ">sync", "<commandComplete", "<readyForQuery"]);
  });

  test("also when the end and the next Sync have been sent before Postgres read any of it", () => {
    const sent = steps.filter((step) => step.startsWith(">"));
    follows([...sent, ">copyEnd", ">sync", "<copyInResponse", "<commandComplete", "<readyForQuery"]);
  });

  test("also when CopyFail ends it", () => {
    follows([...steps, ">copyEnd", ">sync", "<errorResponse", "<readyForQuery"]);
  });
});

describe("a COPY by a simple Query", () => {
  test("has one ReadyForQuery, and what follows it is told apart", () => {
    follows([">query", "<copyInResponse", ">copyEnd", ">parse", ">sync"]);
    follows(
      [">query", "<copyInResponse", ">copyEnd", ...done, ">parse", ">sync", "<parseComplete", "<readyForQuery"],
      true,
    );
  });

  test("that fails while rows are on their way is ready at once, and the late end counts for nothing", () => {
    follows([">query", "<copyInResponse", "<errorResponse", "<readyForQuery", ">copyEnd"], true);
    follows([">query", "<copyInResponse", ">copyEnd", "<errorResponse", "<readyForQuery"], true);
  });

  test("reads the Syncs sent within it", () => {
    follows([">query", "<copyInResponse", ">sync", ">copyEnd", ...done], true);
  });

  test("and another in the same Query: a Sync within the second is the second's", () => {
    const first: readonly Step[] = [">query", "<copyInResponse", ">copyEnd", "<commandComplete"];
    follows([...first, "<copyInResponse", ">sync", ">copyEnd", ...done], true);
  });
});

describe("a COPY by extended messages", () => {
  test("that fails while rows are on their way skips to the Sync behind the late end", () => {
    follows(
      [">parse", ">bind", ">execute", ...extended, "<errorResponse", ">copyEnd", ">sync", "<readyForQuery"],
      true,
    );
    follows(
      [">parse", ">bind", ">execute", ...extended, ">copyEnd", "<errorResponse", ">sync", "<readyForQuery"],
      true,
    );
    follows(
      [">parse", ">bind", ">execute", ...extended, ">copyEnd", ">sync", "<errorResponse", "<readyForQuery"],
      true,
    );
  });

  test("that is refused before it asks for rows leaves its Sync a Sync", () => {
    follows([">execute", ">sync", ">copyEnd", ">sync", "<errorResponse", "<readyForQuery", "<readyForQuery"], true);
  });

  test("that is refused after it asked for rows, with none read, leaves its Sync a Sync", () => {
    follows([">parse", ">bind", ">execute", ">sync", ...extended, "<errorResponse", "<readyForQuery"], true);
  });

  test("that fails at a row leaves the Sync behind that row a Sync", () => {
    const rows: readonly Step[] = [">execute", "<copyInResponse", ">sync", ">copyEnd", ">sync"];
    follows([...rows, "<errorResponse", "<readyForQuery", "<readyForQuery"], true);
  });
});

test("an end of rows outside any COPY is ignored, as Postgres ignores it", () => {
  follows([">copyEnd"], true);
  follows([">copyEnd", ">query", ">copyEnd", ">sync", "<readyForQuery", "<readyForQuery", ">copyEnd"], true);
  follows([">parse", ">copyEnd", ">copyEnd", ">sync", "<parseComplete", "<readyForQuery"], true);
});

const done: readonly Step[] = ["<commandComplete", "<readyForQuery"];

/** No reply is one too many, and at the end none is still to come exactly when `settled`. */
function follows(steps: readonly Step[], settled = steps.at(-1) === "<readyForQuery"): void {
  const owed = new PendingReplies({ confirmed: () => undefined, discarded: () => undefined });
  for (const step of steps) {
    const name = step.slice(1);
    if (step.startsWith(">")) owed.push(kindOf(RequestKind, name));
    else owed.answer(kindOf(Backend, name));
  }
  expect(owed.empty).toBe(settled);
}

function kindOf<T extends number>(kinds: Readonly<Record<string, T>>, name: string): T {
  const kind = kinds[name];
  if (kind === undefined) throw new Error(`no message is called ${name}`);
  return kind;
}
