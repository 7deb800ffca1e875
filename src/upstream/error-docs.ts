// What an API's answer, or the lack of one, comes to as an error, for docs/errors.md. Which of them an API's own codes are is in its
// manifest; the status decides where no rule of a manifest does.

import type { ErrorEntry } from "../postgres/error-catalogue.js";
import * as own from "./own-errors.js";

/** Refusals in the API's own words, by the SQLSTATE that its manifest or the status gives them. */
const refusals: readonly ErrorEntry[] = [
  {
    sqlstate: "0A000",
    means: "The API does not offer this.",
    sent: "refused",
    remedy: "Read its words; make the change in the API itself.",
  },
  { sqlstate: "22001", means: "The API finds a value too long.", sent: "refused", remedy: "Shorten the value." },
  { sqlstate: "22003", means: "The API finds a number out of range.", sent: "refused", remedy: "Change the value." },
  {
    sqlstate: "22P02",
    means: "The API finds a value of the wrong type or format.",
    sent: "refused",
    remedy: "Correct the column named.",
  },
  { sqlstate: "23502", means: "The API misses a value.", sent: "refused", remedy: "Set the column named." },
  {
    sqlstate: "23503",
    means: "A record that the row refers to is missing in the API.",
    sent: "refused",
    remedy: "Create that one first.",
  },
  {
    sqlstate: "23505",
    means: "The API has such a record already (status 409).",
    sent: "refused",
    remedy: "Update that one; a hint may name it. If the mirror does not have it, run `throughline pull`.",
  },
  {
    sqlstate: "23514",
    means: "The row breaks a rule of the API (status 400 or 422, unless its manifest knows better).",
    sent: "refused",
    remedy: "Read its words, in the message.",
  },
  {
    sqlstate: "28000",
    means: "The API does not take the credentials (status 401).",
    sent: "refused",
    remedy: "Renew the token of this API; `throughline check` tries it.",
  },
  {
    sqlstate: "40001",
    means:
      "The row has changed in the API since (status 412), or a rule of the manifest says that another attempt may do.",
    sent: "refused",
    remedy: "Run the transaction again; `throughline pull` first if the mirror is behind.",
  },
  {
    sqlstate: "42501",
    means: "The account may not do this (status 403).",
    sent: "refused",
    remedy: "Give the account or its token the right, in the API.",
  },
  {
    sqlstate: "42501",
    means:
      "The API calls the row gone, and refuses the account what would prove it: it may have lost its right to the whole table.",
    sent: "refused",
    remedy: "Give the account or its token its right back. The mirror has kept the row.",
  },
  {
    sqlstate: "42703",
    means: "The API does not know a column any more.",
    sent: "refused",
    remedy: "Run `throughline migrate`, or leave it out.",
  },
  { sqlstate: "428C9", means: "The API sets this column itself.", sent: "refused", remedy: "Leave the column out." },
  {
    sqlstate: "53400",
    means: "The API's quota is used up (status 429).",
    sent: "refused",
    remedy: "Wait until the API grants more.",
  },
  {
    sqlstate: "55P03",
    means: "The API has the record locked (status 423).",
    sent: "refused",
    remedy: "Repeat it later.",
  },
  {
    sqlstate: "HV000",
    means: "The API refuses with a status or a code that nothing maps.",
    sent: "refused",
    remedy: "Read its words; DETAIL has code, status and request id.",
  },
  {
    sqlstate: "HV000",
    means: "The API calls something gone that this statement does not name alone: one of several rows, or a new one.",
    sent: "refused",
    remedy: "Run `throughline pull`, then the statement again.",
  },
  {
    sqlstate: "HV000",
    means: "The API calls the row gone, and could not be asked for what would prove it.",
    sent: "refused",
    remedy: "Repeat it later. The mirror has kept the row.",
  },
  {
    sqlstate: "TL007",
    means: "A status that does not say whether it was done (302, 408, 500), unless the manifest knows better.",
    sent: "unknown",
    remedy: "The same: do not repeat it before the journal entry is closed.",
  },
];

/** All errors of an API: its refusals, and what keeps us from asking it. */
export const upstreamErrors: readonly ErrorEntry[] = [...refusals, ...Object.values<ErrorEntry>(own)];
