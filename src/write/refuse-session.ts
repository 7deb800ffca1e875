// What is refused by what the session and its transaction are. Pure: from them to an error, or none.

import type { Mirror } from "../mirror/column.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Write } from "../sql/classification.js";
import {
  incomplete,
  insideTransaction,
  otherEncoding,
  prepareAfterWrite,
  secondWrite,
  serializable,
  unknownMode,
} from "./errors/session-errors.js";
import type { Inspection } from "./inspection.js";
import type { OpenCall } from "./session-port.js";

/** `autocommit`: no call inside a transaction of the client's. `single`: one. `immediate`: any number, each at its statement. */
const transactionModes = ["autocommit", "single", "immediate"];

/** Before the statement is planned. `targets` are the mirrors that it names, or reaches by a view. */
export function refuseSession(
  targets: readonly Mirror[],
  { verbs }: Pick<Write, "verbs">,
  inspection: Inspection,
): SqlError | undefined {
  const [target] = targets;
  const emptyMirror = targets.find(({ complete }) => !complete);
  if (emptyMirror && verbs.some((verb) => verb !== "insert")) return incomplete(emptyMirror);
  if (inspection.isolation === "serializable") return serializable(target);
  const mode = inspection.transactionMode;
  if (mode !== "" && !transactionModes.includes(mode)) return unknownMode(target, mode, transactionModes);
  if (inspection.clientEncoding !== "UTF8" || !inspection.standardStrings) return otherEncoding(target);
  return undefined;
}

/** `openCalls` are those of this transaction. What an API has accepted can't be rolled back. */
export function refuseTransaction(
  mirror: Mirror,
  mode: string,
  explicit: boolean,
  openCalls: readonly OpenCall[],
): SqlError | undefined {
  if (mode === "autocommit" && explicit) return insideTransaction(mirror);
  const [earlier] = openCalls;
  return !earlier || mode === "immediate" ? undefined : secondWrite(mirror, earlier.api);
}

/** A prepared transaction may be rolled back by any session at any time; a call can't. */
export function refusePrepare(openCalls: readonly OpenCall[]): SqlError | undefined {
  const [earlier] = openCalls;
  return earlier && prepareAfterWrite(earlier.api);
}
