// What the SQL of a mirror's guard, and of the schema "throughline", raises: an entry for each RAISE EXCEPTION of guard.ts, apply.ts
// and postgres/install/.

import { defineServerError, type ServerErrorEntry } from "../postgres/error-catalogue.js";

/** In the order in which docs/errors.md has them; a test holds that each is raised, and that no other is. */
export const guardErrors: readonly ServerErrorEntry[] = [
  defineServerError("0A000", `throughline: this % of mirror table "%"."%" did not come through Throughline`, {
    means:
      "A write to a mirror table that did not come through Throughline, or was not seen coming: a direct connection, a cascade, dynamic SQL.",
    sent: "nothing",
    remedy: "Send it to Throughline's port, as a statement of its own.",
  }),
  defineServerError("0A000", `throughline: TRUNCATE of mirror table "%"."%" is not offered`, {
    means: "TRUNCATE of a mirror table.",
    sent: "nothing",
    remedy: "DELETE.",
  }),
  defineServerError("0A000", `throughline: trigger "%" of mirror table "%"."%" would change what its API reported`, {
    means: "A trigger of yours fires after the guard and could change what the API has reported.",
    sent: "nothing",
    remedy: "Rename it, so that it sorts before `~throughline`.",
  }),
  defineServerError(
    "27000",
    `throughline: a trigger of mirror table "%"."%" made of this % what did not come through Throughline`,
    {
      means:
        "A trigger of yours fires after the guard and changed a column of upstream's in a write that changed none.",
      sent: "nothing",
      remedy: "Rename it, so that it sorts before `~throughline`, and change only local columns in it.",
    },
  ),
  defineServerError("27000", `throughline: code of others wrote to mirror table "%"."%" as throughline_writer`, {
    means:
      "While a page or a settled call was written, a trigger, default, domain, index or policy of the mirror wrote to a mirror what its API had not reported.",
    sent: "nothing",
    remedy: "Change or drop it.",
  }),
  defineServerError(
    "27000",
    `throughline: a trigger or row security of % keeps row "%" from being what its API reported`,
    {
      means:
        "A trigger of yours, or a restrictive policy, keeps a row from being what the API has reported. After an accepted write it is in the DETAIL of TL002.",
      sent: "nothing",
      remedy: "Change or drop the trigger; let the policy say for which roles it is, other than throughline_writer.",
    },
  ),
  defineServerError("40001", `throughline: the row of "%"."%" that this one was in conflict with is gone`, {
    means: "The row that an INSERT was in conflict with when it was planned is gone.",
    sent: "nothing",
    remedy: "Run the transaction again.",
  }),
  defineServerError("40001", "throughline: the statement inserts fewer rows than when it was planned", {
    means: "A statement inserts fewer rows than when it was planned.",
    sent: "nothing",
    remedy: "Run the transaction again.",
  }),
  defineServerError("40001", "throughline: the outcome of call % is not noted yet", {
    means: "A call is to be settled before its outcome is in the journal; it is tried again. No client sees it.",
    sent: "nothing",
    remedy: "None.",
  }),
  defineServerError("42501", "throughline: a function of throughline_writer was altered", {
    means:
      "The code of a trigger, default or domain of a mirror, which runs as throughline_writer, has altered a function that belongs to this role.",
    sent: "nothing",
    remedy: "Find that code, and run `throughline migrate`, which makes the function anew.",
  }),
  defineServerError("42501", "throughline: a transaction writes one page or settles one call", {
    means: "A function of the proxy's own connections was called by code that ran in one of its transactions.",
    sent: "nothing",
    remedy: "Leave these functions to the proxy.",
  }),
  defineServerError("42501", "throughline: only the proxy may call this function", {
    means: "A function of the schema `throughline` was called by somebody else than the proxy.",
    sent: "nothing",
    remedy: "Leave them to the proxy. If it was the proxy: start it again.",
  }),
  defineServerError("42501", "throughline: call % is not open in this transaction", {
    means: "A function of the schema `throughline` was called for a call that is not open in the transaction.",
    sent: "nothing",
    remedy: "Leave these functions to the proxy.",
  }),
  defineServerError("42501", "throughline: a call is left open", {
    means:
      "Somebody else than the proxy has opened a call, and the transaction can't commit; or a function of yours said SET CONSTRAINTS ALL IMMEDIATE while a write was planned.",
    sent: "nothing",
    remedy: "Leave these functions to the proxy, and make constraints immediate before the write.",
  }),
  defineServerError("55000", "throughline: the turn of this reader has ended", {
    means: "A pull, or whoever else reads the API, has lost the connection that held its turn with the table.",
    sent: "nothing",
    remedy: "Run `throughline pull` again. A running proxy reads again by itself.",
  }),
  defineServerError(
    "55000",
    `throughline: a row of "%"."%" is closed, because Postgres refuses what its API has of it`,
    {
      means:
        "Postgres refuses what the API has of a row, because of an index, a constraint or its length. The row is in the mirror as it was before, or by its key alone, and it alone is closed. `throughline status` shows each.",
      sent: "nothing",
      remedy: "Change the record in the API itself, or what refuses it here, and pull.",
    },
  ),
  defineServerError(
    "54000",
    `throughline: this statement writes at least % rows of "%"."%", and its API takes at most % in one call`,
    {
      means: "A statement writes more rows than the API takes in one call; planning it stops there.",
      sent: "nothing",
      remedy:
        "Fewer rows per statement, or `SET throughline.chunk = on`, which makes several calls (of 10 000 rows at most).",
    },
  ),
];
