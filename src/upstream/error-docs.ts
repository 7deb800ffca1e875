// What an API's answer, or the lack of one, comes to as an error. Which of them an API's own codes are is in its manifest; what no
// rule of a manifest names is told by the status.

import type { ErrorDoc, ErrorEntry, Sqlstate } from "../postgres/error-catalogue.js";

const docs = {
  "0A000": [
    {
      means: "The API does not offer this.",
      sent: "refused",
      remedy: "Read its words; make the change in the API itself.",
    },
  ],
  "22001": [{ means: "The API finds a value too long.", sent: "refused", remedy: "Shorten the value." }],
  "22003": [{ means: "The API finds a number out of range.", sent: "refused", remedy: "Change the value." }],
  "22023": [
    {
      means: "A key would not fit into the address of a request: it is empty, or one of the names that lead elsewhere.",
      sent: "nothing",
      remedy: "Look at the key that the statement names.",
    },
  ],
  "22P02": [
    {
      means: "The API finds a value of the wrong type or format.",
      sent: "refused",
      remedy: "Correct the column named.",
    },
  ],
  "23502": [{ means: "The API misses a value.", sent: "refused", remedy: "Set the column named." }],
  "23503": [
    {
      means: "A record that the row refers to is missing in the API.",
      sent: "refused",
      remedy: "Create that one first.",
    },
  ],
  "23505": [
    {
      means: "The API has such a record already (status 409).",
      sent: "refused",
      remedy: "Update that one; a hint may name it. If the mirror does not have it, run `throughline pull`.",
    },
  ],
  "23514": [
    {
      means: "The row breaks a rule of the API (status 400 or 422, unless its manifest knows better).",
      sent: "refused",
      remedy: "Read its words, in the message.",
    },
  ],
  "28000": [
    {
      means: "The API does not take the credentials (status 401).",
      sent: "refused",
      remedy: "Renew the token of this API; `throughline check` tries it.",
    },
    {
      means: "The API gives no access token for the credentials (OAuth 2).",
      sent: "nothing",
      remedy: "Renew the credentials of this API; `throughline check` tries them.",
    },
  ],
  "40001": [
    {
      means:
        "The row has changed in the API since (status 412), or a rule of the manifest says that another attempt may do.",
      sent: "refused",
      remedy: "Run the transaction again; `throughline pull` first if the mirror is behind.",
    },
    {
      means: "Somebody closed the journal entry while the call waited for the rate limit, or the table was migrated.",
      sent: "nothing",
      remedy: "Run the transaction again.",
    },
  ],
  "42501": [
    {
      means: "The account may not do this (status 403).",
      sent: "refused",
      remedy: "Give the account or its token the right, in the API.",
    },
  ],
  "42703": [
    {
      means: "The API does not know a column any more.",
      sent: "refused",
      remedy: "Run `throughline migrate`, or leave it out.",
    },
  ],
  "428C9": [{ means: "The API sets this column itself.", sent: "refused", remedy: "Leave the column out." }],
  "53400": [
    {
      means:
        "The rate limit is used up, and the wait would be longer than `wait` of the API or the statement's time-out.",
      sent: "nothing",
      remedy: "Repeat it after the time that the hint names.",
    },
    { means: "The API's quota is used up (status 429).", sent: "refused", remedy: "Wait until the API grants more." },
  ],
  "54000": [
    {
      means: "The request would be larger than the API takes.",
      sent: "nothing",
      remedy: "Write fewer rows per statement.",
    },
  ],
  "55P03": [{ means: "The API has the record locked (status 423).", sent: "refused", remedy: "Repeat it later." }],
  "57014": [
    {
      means: "A cancel request came while the statement waited for the rate limit.",
      sent: "nothing",
      remedy: "Repeat it if it is still wanted. A cancel that comes after the call has gone out is TL007.",
    },
  ],
  HV000: [
    {
      means: "The API refuses with a status or a code that nothing maps, or leads the request elsewhere.",
      sent: "refused",
      remedy: "Read its words; DETAIL has code, status and request id. If it has moved, set `base`.",
    },
    {
      means: "The API calls something gone that this statement does not name alone: one of several rows, or a new one.",
      sent: "refused",
      remedy: "Run `throughline pull`, then the statement again.",
    },
  ],
  HV00N: [
    {
      means: "The API can't be reached: no address, no connection, or no valid certificate.",
      sent: "nothing",
      remedy: "Repeat it when the API is there.",
    },
  ],
  TL007: [
    {
      means: "A status of 500 or more, unless the manifest knows better.",
      sent: "unknown",
      remedy: "The same: do not repeat it before the journal entry is closed.",
    },
  ],
} as const satisfies Partial<Record<Sqlstate, readonly ErrorDoc[]>>;

/** The SQLSTATEs that an API's answer, or the lack of one, comes to unless its manifest names another. */
export type UpstreamSqlstate = keyof typeof docs;

/** All of them, for docs/errors.md. */
export const upstreamErrors: readonly ErrorEntry[] = entriesOf(docs);

function entriesOf(bySqlstate: Readonly<Record<UpstreamSqlstate, readonly ErrorDoc[]>>): readonly ErrorEntry[] {
  const codes = Object.entries(bySqlstate).flatMap(([code, causes]) => causes.map((doc) => ({ code, doc })));
  return codes.flatMap(({ code, doc }) => (isUpstreamSqlstate(code) ? [{ sqlstate: code, ...doc }] : []));
}

function isUpstreamSqlstate(code: string): code is UpstreamSqlstate {
  return Object.hasOwn(docs, code);
}
