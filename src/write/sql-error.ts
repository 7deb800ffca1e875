// An error for the client, in Postgres's terms.

import type { Fields } from "../../protocol/fields.js";

export interface SqlError {
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
}

/** As Postgres would put it on the wire. */
export function errorFields(error: SqlError): Fields {
  const { sqlstate: C, message: M, detail: D, hint: H, schema: s, table: t, column: c, constraint: n } = error;
  const fields = { S: "ERROR", V: "ERROR", C, M, D, H, s, t, c, n };
  return new Map(Object.entries(fields).flatMap(([code, value]) => (value === undefined ? [] : [[code, value]])));
}

/** An error that our own functions raised says nothing of them; empty fields were only there because RAISE takes no NULL. */
export function withoutContext(error: Fields): Fields {
  if (error.get("W")?.includes("throughline.") !== true) return error;
  return new Map([...error].filter(([code, value]) => value !== "" && !["W", "F", "L", "R"].includes(code)));
}
