// An error of the catalogue as the fields of an ErrorResponse, and errors that our own functions raised as the client sees them.

import { type Fields, fatal, recoded, writeError, writeNotice } from "../../protocol/fields.js";
import type { SqlError } from "../postgres/error-catalogue.js";

/** The fields that Postgres would send for it. */
export function errorFields(error: SqlError): Fields {
  const { sqlstate: C, message: M, detail: D, hint: H, schema: s, table: t, column: c, constraint: n } = error;
  const fields = { S: "ERROR", V: "ERROR", C, M, D, H, s, t, c, n };
  return new Map(Object.entries(fields).flatMap(([code, value]) => (value === undefined ? [] : [[code, value]])));
}

/** Whether a function of ours was at work. */
export function isOfOurs(fields: Fields): boolean {
  return fields.get("W")?.includes("throughline.") === true;
}

/** What the guard raised in the client's statement says nothing of the guard; empty fields were only there because RAISE takes no NULL. */
export function withoutContext(error: Fields): Fields {
  if (!isOfOurs(error)) return error;
  return new Map([...error].filter(([code, value]) => value !== "" && !["W", "F", "L", "R"].includes(code)));
}

/** Where Postgres raises what a RAISE of PL/pgSQL says. */
const raised = "exec_stmt_raise";

/**
 * What a client hears of an error in a statement of ours: our words, but of Postgres's none about a row, which may be one that the client may
 * not read, nor about the statement, whose values are not the client's.
 */
export function ownWords(error: Fields): Fields {
  const codes = error.get("R") === raised ? "SVCMDHstcnd" : "SVCMstcnd";
  return new Map([...error].filter(([code, value]) => value !== "" && codes.includes(code)));
}

/** `error` told as another one: its severity and place stay, its SQLSTATE and words are those of `as`. */
export function retold(error: Fields, as: SqlError): Fields {
  const { sqlstate: C, message: M, detail: D, hint: H } = as;
  const changes = Object.entries({ C, M, D, H }).flatMap(([code, value]) =>
    value === undefined ? [] : [[code, value]],
  );
  return recoded(error, Object.fromEntries(changes));
}

/** The fields of an error that ends the session. */
export function fatalFields(error: SqlError): Fields {
  return fatal(errorFields(error));
}

/** The message that tells the client of an error and that its session ends. */
export function writeFatal(error: SqlError): Buffer {
  return writeError(fatalFields(error));
}

/** The message of a warning: nothing has failed. */
export function writeWarning(error: SqlError): Buffer {
  return writeNotice(new Map([...errorFields(error), ["S", "WARNING"], ["V", "WARNING"]]));
}
