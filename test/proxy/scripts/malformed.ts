// Messages whose bodies can't be read: Postgres refuses each, and skips to the Sync where it does.

import { bind, execute, message, parse, query, sync } from "../build.js";
import { type Script, script } from "./script.js";

export const malformedScripts: readonly Script[] = [
  ...malformed("Parse", "P", ["", "s", "s\0select 1", "s\0select 1\0", "s\0select 1\0\0\x01", "s\0select 1\0\0\0x"]),
  ...malformed("Bind", "B", [
    "",
    "p\0",
    "p\0\0",
    "\0nobody\0",
    "\0\0\0\0\0\0\0\0x",
    "\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0",
  ]),
  ...malformed("Describe", "D", ["", "S", "Ss", "Xs\0", "Ss\0x"]),
  ...malformed("Close", "C", ["", "P", "Pp", "Xp\0", "Pp\0x"]),
  ...malformed("Execute", "E", ["", "p", "p\0", "p\0\0\0\0", "p\0\0\0\0\0x"]),
  ...malformed("Flush", "H", ["x"]),
  script("a Sync that is malformed", "E Z T D C Z", message("S", "x"), query("select 1"), "Z"),
  script(
    "a Query without its NUL, and one with too much",
    "E Z E Z T D C Z",
    message("Q", "select 1"),
    message("Q", "select 1\0x\0"),
    query("select 1"),
    "Z",
  ),
  script("a FunctionCall that is malformed", "E Z T D C Z", message("F", "xy"), query("select 1"), "Z"),
];

/** Each body by itself, and after it messages that are skipped, and one that is not. */
function malformed(kind: string, type: string, bodies: readonly string[]): Script[] {
  return bodies.map((body) =>
    script(
      `a ${kind} with the malformed body ${JSON.stringify(body)}`,
      "E Z T D C Z",
      message(type, Buffer.from(body, "latin1")),
      "E",
      parse("select 1"),
      bind(),
      execute(),
      sync,
      query("select 2"),
      "Z",
    ),
  );
}
