// What is compared of two answers, as lines that a person can read: bytes in full, but for what no two tables share.
//
// Made the same: ids, which the API assigns on one side and a default of the table on the other, are numbered as they appear.
// Left out: the table's oid in a RowDescription, all of an error or notice but its SQLSTATE, and the proxy's own warning of a
// rollback, which no ordinary table has reason for. Nothing else needs it: no other column has a default, and the program of
// no client writes a time that is not a constant.

import { readTag } from "../../../protocol/decode.js";
import { readFields } from "../../../protocol/fields.js";
import { textPrefix } from "../../../src/mirror/placeholder.js";
import { idPrefix } from "../../support/echo.js";
import type { Message as WireMessage } from "../../support/wire.js";
import { readRow } from "../messages.mjs";
import type { Answers } from "./play.js";

/** Two lines that should be the same. */
interface Differing {
  readonly postgres: string;
  readonly throughline: string;
}

const nothing = "nothing";

const assigned = `${idPrefix}\\d{12}`;
/** Some clients write the default of the key into their INSERT. A mirror has to replace it, an ordinary table has no reason to. */
const placeholder = `${textPrefix}[0-9a-f-]{36}`;

/** One side: its ids have numbers of their own. */
export class Side {
  private readonly numbers = new Map<string, number>();
  private readonly ids: RegExp;

  constructor(side: "ordinary" | "mirror") {
    this.ids = new RegExp(side === "mirror" ? assigned : `${assigned}|${placeholder}`, "g");
  }

  lines(messages: readonly WireMessage[]): string[] {
    return messages.filter((message) => !isRollbackWarning(message)).map((message) => this.numbered(lineOf(message)));
  }

  numbered(text: string): string {
    return text.replaceAll(this.ids, (id) => {
      const number = this.numbers.get(id) ?? this.numbers.size + 1;
      this.numbers.set(id, number);
      return `(id ${number})`;
    });
  }
}

/** The first answers in which they differ; `at`: the place of the message in the conversation. */
export function firstDifference(
  postgres: Answers,
  throughline: Answers,
  [ordinary, mirror]: readonly [Side, Side],
): (Differing & { readonly at: number }) | undefined {
  for (let at = 0; at < postgres.length; at += 1) {
    const different = differingLine(ordinary.lines(postgres[at] ?? []), mirror.lines(throughline[at] ?? []));
    if (different) return { at, ...different };
  }
  return undefined;
}

export function differingLine(postgres: readonly string[], throughline: readonly string[]): Differing | undefined {
  for (let i = 0; i < Math.max(postgres.length, throughline.length); i += 1) {
    if (postgres[i] === throughline[i]) continue;
    return { postgres: postgres[i] ?? nothing, throughline: throughline[i] ?? nothing };
  }
  return undefined;
}

/** A write was not undone: from here on the rows differ, and have to. */
export function isRollbackWarning({ type, bytes }: WireMessage): boolean {
  if (type !== "N") return false;
  const fields = readFields(bytes, 0, bytes.length);
  return fields.get("C") === "01000" && /\brollback did not undo /.test(fields.get("M") ?? "");
}

function lineOf({ type, bytes }: WireMessage): string {
  switch (type) {
    case "C":
      return `C ${readTag(bytes, 0, bytes.length)}`;
    case "D":
      return `D ${readRow(bytes).map(shown).join(" | ")}`;
    case "E":
    case "N":
      return `${type} ${readFields(bytes, 0, bytes.length).get("C")}`;
    case "T":
      return `T ${columns(bytes).join(", ")}`;
    case "Z":
      return `Z ${String.fromCharCode(bytes[5] ?? 0)}`;
    default:
      return bytes.length <= 5 ? type : `${type} ${JSON.stringify(bytes.toString("latin1", 5))}`;
  }
}

function shown(field: Buffer | null): string {
  return field === null ? "null" : JSON.stringify(field.toString("latin1"));
}

/** Name, place in the table, oid and size of the type, its modifier, and the format of each column. */
function columns(bytes: Buffer): string[] {
  const shownColumns: string[] = [];
  for (let at = 7; at < bytes.length; ) {
    const nul = bytes.indexOf(0, at);
    const numbers = [
      bytes.readInt16BE(nul + 5),
      bytes.readUInt32BE(nul + 7),
      bytes.readInt16BE(nul + 11),
      bytes.readInt32BE(nul + 13),
      bytes.readInt16BE(nul + 17),
    ];
    shownColumns.push(`${bytes.toString("utf8", at, nul)} ${numbers.join("/")}`);
    at = nul + 19;
  }
  return shownColumns;
}
