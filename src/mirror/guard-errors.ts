// What the SQL of a mirror's guard, and of the schema "throughline", raises. The words stand in guard.ts, apply.ts and install.sql.

import { defineServerError, type ErrorEntry } from "../postgres/error-catalogue.js";

/** In the order in which docs/errors.md has them. */
export const guardErrors: readonly ErrorEntry[] = [
  defineServerError("0A000", {
    means:
      "A write to a mirror table that did not come through Throughline, or was not seen coming: a direct connection, a cascade, dynamic SQL.",
    sent: "nothing",
    remedy: "Send it to Throughline's port, as a statement of its own.",
  }),
  defineServerError("0A000", { means: "TRUNCATE of a mirror table.", sent: "nothing", remedy: "DELETE." }),
  defineServerError("0A000", {
    means: "A trigger of yours fires after the guard and could change what the API has reported.",
    sent: "nothing",
    remedy: "Rename it, so that it sorts before `~throughline`.",
  }),
  defineServerError("27000", {
    means:
      "A trigger of yours keeps a row from being what the API has reported. After an accepted write it is in the DETAIL of TL002.",
    sent: "nothing",
    remedy: "Change or drop the trigger.",
  }),
  defineServerError("40001", {
    means: "The row of a conflict is gone, or the statement inserts fewer rows than when it was planned.",
    sent: "nothing",
    remedy: "Run the transaction again.",
  }),
  defineServerError("42501", {
    means: "A function of the schema `throughline` was called by somebody else than the proxy.",
    sent: "nothing",
    remedy: "Leave them to the proxy. If it was the proxy: start it again.",
  }),
  defineServerError("54000", {
    means: "A statement writes more rows than the API takes in one call; planning it stops there.",
    sent: "nothing",
    remedy:
      "Fewer rows per statement, or `SET throughline.chunk = on`, which makes several calls (of 10 000 rows at most).",
  }),
];
