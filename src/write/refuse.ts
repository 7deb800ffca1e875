// What is refused before anything is sent. Pure: from the session, the plan and the mirror to an error, or none.

import { isAssigned, type Mirror, type MirrorColumn } from "../mirror/column.js";
import { isPlaceholder } from "../mirror/placeholder.js";
import type { Write } from "../sql/classify.js";
import { readArray } from "../upstream/codec.js";
import type { ConnectorTable, Verb } from "../upstream/table.js";
import type { Inspection } from "./injected-statements.js";
import { changedColumns, holdsPlaceholder, type PlannedRow, type RowToSend } from "./plan.js";
import type { OpenCall } from "./session-port.js";
import type { SqlError } from "./sql-error.js";

/** By what the session is, before the statement is planned. `targets`: the mirrors that it names, or reaches by a view. */
export function refuseSession(
  targets: readonly Mirror[],
  { verbs }: Pick<Write, "verbs">,
  inspection: Inspection,
): SqlError | undefined {
  const [target] = targets;
  const refuse = (message: string, hint: string, sqlstate = "0A000"): SqlError => ({
    ...(target && at(target)),
    sqlstate,
    message: `throughline: ${message}`,
    hint,
  });
  const incomplete = targets.find(({ complete }) => !complete);
  if (incomplete && verbs.some((verb) => verb !== "insert")) return refuseIncomplete(incomplete);
  if (inspection.isolation === "serializable") {
    return refuse(
      "a SERIALIZABLE transaction can't write to a mirror table: it may fail to commit after the API has accepted",
      "Use READ COMMITTED or REPEATABLE READ.",
    );
  }
  if (inspection.transactionMode !== "" && !transactionModes.includes(inspection.transactionMode)) {
    return refuse(
      `throughline.transaction = '${inspection.transactionMode}' is not offered`,
      `Set it to one of ${transactionModes.join(", ")}; the default is single.`,
    );
  }
  if (inspection.clientEncoding !== "UTF8" || !inspection.standardStrings) {
    return refuse(
      "writes to mirror tables need client_encoding UTF8 and standard_conforming_strings on",
      "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on.",
    );
  }
  return undefined;
}

/** `autocommit`: no call inside a transaction of the client's. `single`: one. `immediate`: any number, each at its statement. */
const transactionModes = ["autocommit", "single", "immediate"];

export function refuseIncomplete(mirror: Mirror): SqlError {
  return {
    ...at(mirror),
    sqlstate: "55000",
    message: `throughline: mirror table ${nameOf(mirror)} is not yet complete`,
    hint: `Run "throughline pull ${mirror.api}.${mirror.resource}" first.`,
  };
}

/** It is planned in a portal of ours, which has to be what the client's is. */
export const refuseStale: SqlError = {
  sqlstate: "0A000",
  message: "throughline: other messages came between the Bind of this write to a mirror table and its Execute",
  hint: "Nothing was sent. Bind it right before it is executed, and close its statement after that.",
};

/** By what the transaction is: what is accepted can't be rolled back. */
export function refuseTransaction(
  mirror: Mirror,
  mode: string,
  explicit: boolean,
  openCalls: readonly OpenCall[],
): SqlError | undefined {
  if (mode === "autocommit" && explicit) {
    return {
      ...at(mirror),
      sqlstate: "0A000",
      message: `throughline: writes to ${nameOf(mirror)} inside a transaction are refused by throughline.transaction = 'autocommit'`,
      hint: "Send the statement outside BEGIN … COMMIT, or set throughline.transaction to single.",
    };
  }
  const [earlier] = openCalls;
  if (!earlier || mode === "immediate") return undefined;
  return {
    ...at(mirror),
    sqlstate: "0A000",
    message: `throughline: this transaction has made its one write in ${earlier.api} already`,
    hint: "A rollback could not undo the writes before it. Commit first, write the rows of one table in one statement, or set throughline.transaction to immediate.",
  };
}

/** A prepared transaction may be rolled back by anybody at any time; the call can't. */
export function refusePrepare(openCalls: readonly OpenCall[]): SqlError | undefined {
  const [earlier] = openCalls;
  if (!earlier) return undefined;
  return {
    sqlstate: "0A000",
    message: `throughline: this transaction has made a write in ${earlier.api}, and can't be prepared`,
    hint: "Use COMMIT.",
  };
}

/** By what the statement would change; `mirror` and `verb` are those of its first row. */
export function refusePlan(mirror: Mirror, verb: Verb, planned: readonly PlannedRow[]): SqlError | undefined {
  const known: readonly Verb[] = verb === "upsert" ? ["insert", "update"] : [verb];
  for (const row of planned) {
    if (row.relation !== mirror.relation) {
      return {
        ...at(mirror),
        sqlstate: "0A000",
        message: `throughline: this statement changes rows of ${nameOf(mirror)} and of another mirror table`,
        hint: "Write to one mirror table per statement.",
      };
    }
    if (!known.includes(row.verb)) {
      return {
        ...at(mirror),
        sqlstate: "0A000",
        message: `throughline: this statement would ${verb} some rows of ${nameOf(mirror)} and ${row.verb} others, and ${mirror.api} offers no one call for both`,
        hint: "Nothing was sent. Send the INSERT, UPDATE and DELETE as statements of their own.",
      };
    }
    const error = refuseKey(mirror, row) ?? refuseReadOnly(mirror, row);
    if (error) return error;
  }
  return undefined;
}

/** Whether a COPY is allowed is asked without a row of it, and so without its header. */
export const refuseHeaderMatch: SqlError = {
  sqlstate: "0A000",
  message: "throughline: COPY into a mirror table with HEADER MATCH is not offered",
  hint: "Nothing was sent. Use HEADER, and name the columns in the order of the file.",
};

/** By how much a COPY has brought before its end. */
export const refuseLongCopy: SqlError = {
  sqlstate: "54000",
  message: "throughline: this COPY brings more data than any one call takes",
  hint: "Nothing was sent. COPY into an ordinary table, then INSERT … SELECT in portions.",
};

/** Reads go on; a write would have to wait for those before it. */
export const refuseOverload: SqlError = {
  sqlstate: "53400",
  message: "throughline: too many writes to mirror tables are under way",
  hint: 'Nothing was sent. Repeat it later; "listen.writes" in throughline.yaml is the limit.',
};

/** The client sent what has no place among the rows of a COPY. */
export const strayMessage: SqlError = { sqlstate: "08P01", message: "unexpected message type during COPY from stdin" };

/** A function runs as its rows are fetched; what it has written has to be complete before the first is told. */
export function refusePortions(mirror: Mirror): SqlError {
  return {
    ...at(mirror),
    sqlstate: "0A000",
    message: `throughline: the rows of a function that writes to ${nameOf(mirror)} can't be fetched in portions`,
    hint: "Nothing was sent. Fetch all rows at once (fetch size 0).",
  };
}

/** What is undone before its last row has been fetched has no more rows. */
export const refuseRehearsal: SqlError = {
  sqlstate: "0A000",
  message: "throughline: the rows of a dry run can't be fetched in portions",
  hint: "Nothing was sent. Fetch all rows at once (fetch size 0).",
};

/** By what the API offers. */
export function refuseVerb(mirror: Mirror, verb: Verb): SqlError {
  return {
    ...at(mirror),
    sqlstate: "0A000",
    message: `throughline: ${mirror.api} offers no ${verb.toUpperCase()} of ${nameOf(mirror)}`,
    hint: `Nothing was sent. Make the change in ${mirror.api} itself.`,
  };
}

/** By what upstream would be sent. */
export function refuseSent(
  mirror: Mirror,
  rows: readonly RowToSend[],
  limit: number,
  table: Pick<ConnectorTable, "takes">,
): SqlError | undefined {
  if (rows.length > limit) {
    return {
      ...at(mirror),
      sqlstate: "54000",
      message: `throughline: this statement writes ${rows.length} rows of ${nameOf(mirror)}, and its API takes at most ${limit} in one call`,
      hint: `Nothing was sent. Write at most ${limit} rows per statement.`,
    };
  }
  const planned = rows.map((row) => row.planned);
  for (const row of rows) {
    for (const column of mirror.columns) {
      const error = refuseValue(mirror, column, row, planned, table);
      if (error) return error;
    }
  }
  return undefined;
}

function refuseKey(mirror: Mirror, { verb, before, after }: PlannedRow): SqlError | undefined {
  const wrong = mirror.key.find((column) => {
    if (verb === "insert") return isAssigned(mirror, column) && !isPlaceholder(column, after?.[column.name]);
    return verb === "update" && before?.[column.name] !== after?.[column.name];
  });
  if (!wrong) return undefined;
  const what = mirror.key.length === 1 ? "the key" : "part of the key";
  const [rule, hint] = isAssigned(mirror, wrong)
    ? [`is ${what}, and ${mirror.api} assigns it`, "Leave the column out; RETURNING has the value."]
    : [`is ${what}, and a row keeps its key`, "Nothing was sent. Delete the row, and insert another."];
  return {
    ...at(mirror, wrong),
    sqlstate: "428C9",
    message: `throughline: column "${wrong.name}" of ${nameOf(mirror)} ${rule}`,
    hint,
  };
}

function refuseReadOnly(mirror: Mirror, row: PlannedRow): SqlError | undefined {
  if (row.verb === "delete") return undefined;
  const wrong = changedColumns(mirror, row).find(
    (column) =>
      !mirror.key.includes(column) &&
      (column.write === "never" || (column.write === "create" && row.verb === "update")),
  );
  if (!wrong) return undefined;
  const when = wrong.write === "create" ? "can only be set by INSERT" : `is read-only: ${mirror.api} computes it`;
  return {
    ...at(mirror, wrong),
    sqlstate: "428C9",
    message: `throughline: column "${wrong.name}" of ${nameOf(mirror)} ${when}`,
    hint: "Nothing was sent. Leave the column out, or set it to what it is.",
  };
}

function refuseValue(
  mirror: Mirror,
  column: MirrorColumn,
  { planned, sent }: RowToSend,
  all: readonly PlannedRow[],
  table: Pick<ConnectorTable, "takes">,
): SqlError | undefined {
  const value = sent[column.name];
  const refuse = (sqlstate: string, message: string, constraint?: string): SqlError => ({
    ...at(mirror, column),
    sqlstate,
    message: `throughline: ${message}`,
    hint: "Nothing was sent.",
    constraint,
  });
  if (column.required && value == null && (planned.verb === "insert" || value === null)) {
    return refuse("23502", `null value in column "${column.name}" of ${nameOf(mirror)}, which ${mirror.api} requires`);
  }
  if (value == null) return undefined;
  if (holdsPlaceholder(mirror, all, value)) {
    return refuse(
      "0A000",
      `column "${column.name}" would send the placeholder of a key that ${mirror.api} has yet to assign`,
    );
  }
  if (!table.takes(column, value))
    return refuse("0A000", `the value of column "${column.name}" has no form in which ${mirror.api} could be sent it`);
  if (column.max !== null && [...value].length > column.max) {
    return refuse("22001", `value too long for column "${column.name}": ${mirror.api} takes ${column.max} characters`);
  }
  const chosen = column.type === "text[]" ? readArray(value) : [value];
  if (column.options !== null && value !== "" && chosen.some((one) => one !== null && !column.options?.includes(one))) {
    const known = column.options.slice(0, 12).join(", ");
    return {
      ...refuse(
        "23514",
        `value of column "${column.name}" is not among those that ${mirror.api} allows`,
        `${mirror.table}_${column.name}_options`,
      ),
      hint: `Nothing was sent. Allowed: ${known}${column.options.length > 12 ? ", …" : ""}. If a value is new, run "throughline migrate".`,
    };
  }
  return undefined;
}

export function at(mirror: Mirror, column?: MirrorColumn): Pick<SqlError, "schema" | "table" | "column"> {
  return { schema: mirror.schema, table: mirror.table, column: column?.name };
}

export function nameOf({ schema, table }: Mirror): string {
  return `"${schema}"."${table}"`;
}
