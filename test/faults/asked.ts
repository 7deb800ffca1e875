// What a request asks of the APIs of the fault tests.

import { isRecord } from "../../src/config/json.js";

export interface RowAsked {
  readonly index: unknown;
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Asked {
  readonly verb: "insert" | "update" | "delete";
  readonly rows: readonly RowAsked[];
  readonly many: boolean;
}

/** The write that a request is; undefined: it is none. */
export function writeOf(method: string, what: string, body: unknown): Asked | undefined {
  const fields = isRecord(body) && isRecord(body["fields"]) ? body["fields"] : {};
  const id = decodeURIComponent(what);
  if (method === "DELETE") return { verb: "delete", rows: [{ index: "0", id, fields }], many: false };
  if (method === "PATCH") return { verb: "update", rows: [{ index: "0", id, fields }], many: false };
  if (method === "POST" && what === "") return { verb: "insert", rows: [{ index: "0", id: "", fields }], many: false };
  const verb = { create: "insert", update: "update", delete: "delete" } as const;
  if (what !== "create" && what !== "update" && what !== "delete") return undefined;
  const records = isRecord(body) && Array.isArray(body["records"]) ? body["records"] : [];
  const ids = isRecord(body) && Array.isArray(body["ids"]) ? body["ids"].map((one) => ({ id: one })) : [];
  const rows = [...records, ...ids].filter(isRecord).map((row) => ({
    index: row["index"],
    id: String(row["id"]),
    fields: isRecord(row["fields"]) ? row["fields"] : {},
  }));
  return { verb: verb[what], rows, many: true };
}
