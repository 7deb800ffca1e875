// What the write path and the guard of a mirror raise themselves.

import type { Reference } from "../postgres/raised.js";

export const writeErrors: Reference = {
  "08P01": [
    {
      means: "The client sent something else among the rows of a COPY.",
      sent: "nothing",
      remedy: "It is a fault of the client.",
    },
  ],
  "0A000": [
    {
      means: "A second API write in a transaction.",
      sent: "nothing",
      remedy: "Commit first, write the rows of a table in one statement, or `SET throughline.transaction = immediate`.",
    },
    {
      means: "A write inside BEGIN … COMMIT, in the mode `autocommit`.",
      sent: "nothing",
      remedy: "Send it outside of a transaction, or `SET throughline.transaction = single`.",
    },
    {
      means: "`throughline.transaction` has a value that there is not.",
      sent: "nothing",
      remedy: "`autocommit`, `single` or `immediate`.",
    },
    {
      means: "A statement that changes rows of two mirror tables.",
      sent: "nothing",
      remedy: "One statement for each, in transactions of their own.",
    },
    {
      means:
        "A statement that would insert some rows and update or delete others, and is no upsert that the API has one call for.",
      sent: "nothing",
      remedy:
        "Statements of their own. An upsert all of whose rows are new, or all of which are there, is one way only.",
    },
    {
      means: "A statement that changes a row twice, or undoes a write and makes another.",
      sent: "nothing",
      remedy: "Statements of their own.",
    },
    {
      means:
        "A statement that would write other rows, or other values, each time it runs (`random()`, a sequence, a table that it writes as well).",
      sent: "nothing",
      remedy: "Choose the rows or compute the values in a statement of their own, then write them by their keys.",
    },
    {
      means: "A value would send the placeholder of a key that the API has yet to assign.",
      sent: "nothing",
      remedy: "Insert the row, then use the key that RETURNING has, in another transaction.",
    },
    {
      means: "The API offers no INSERT, UPDATE or DELETE of this table.",
      sent: "nothing",
      remedy: "Make the change in the API itself.",
    },
    {
      means: "A write in a SERIALIZABLE transaction.",
      sent: "nothing",
      remedy: "READ COMMITTED or REPEATABLE READ.",
    },
    {
      means: "`client_encoding` is not UTF8, or `standard_conforming_strings` is off.",
      sent: "nothing",
      remedy: "Set both.",
    },
    {
      means: "PREPARE TRANSACTION in a transaction that has made an API write.",
      sent: "accepted",
      remedy: "COMMIT. The write stands.",
    },
    {
      means: "COPY into a mirror table with HEADER MATCH.",
      sent: "nothing",
      remedy: "HEADER, with the columns named in the order of the file.",
    },
    {
      means: "The rows of a function that writes to a mirror table, fetched in portions.",
      sent: "nothing",
      remedy: "Fetch all rows at once (fetch size 0).",
    },
    {
      means:
        "A write to a mirror table that did not come through Throughline, or was not seen coming: a direct connection, a cascade, dynamic SQL.",
      sent: "nothing",
      remedy: "Send it to Throughline's port, as a statement of its own.",
    },
    {
      means: "TRUNCATE of a mirror table.",
      sent: "nothing",
      remedy: "DELETE.",
    },
    {
      means: "A trigger of yours fires after the guard and could change what the API has reported.",
      sent: "nothing",
      remedy: "Rename it, so that it sorts before `~throughline`.",
    },
  ],
  "22001": [
    {
      means: "A value is longer than the API takes.",
      sent: "nothing",
      remedy: "Shorten the value of the column named.",
    },
  ],
  "23502": [
    { means: "A value that the API requires is missing, or NULL.", sent: "nothing", remedy: "Set the column named." },
  ],
  "23503": [
    {
      means:
        "A value names a record of another table of the API that there is not; upstream was asked where the mirror lacks it.",
      sent: "nothing",
      remedy: "Create that record first, or leave the column out.",
    },
  ],
  "23514": [
    {
      means: "A value is not among those that the API allows.",
      sent: "nothing",
      remedy: "One of those in the hint; `throughline migrate` if it is new in the API.",
    },
  ],
  "27000": [
    {
      means:
        "A trigger of yours keeps a row from being what the API has reported. After an accepted write it is in the DETAIL of TL002.",
      sent: "nothing",
      remedy: "Change or drop the trigger.",
    },
  ],
  "40001": [
    {
      means: "The row is gone in the API. The mirror has been told.",
      sent: "refused",
      remedy: "Run the transaction again: it will not find the row.",
    },
    {
      means:
        "Rows changed each time the statement was planned, the table was migrated meanwhile, or the row of a conflict is gone.",
      sent: "nothing",
      remedy: "Run the transaction again.",
    },
  ],
  "42501": [
    {
      means: "The policy of `throughline.yaml` (`write`) does not let this role do it.",
      sent: "nothing",
      remedy: "Use another role, or change the rule that the hint names.",
    },
    {
      means: "A column was sent, and the API left it as it was. The other columns are set, there and here.",
      sent: "accepted",
      remedy: "Do not repeat the statement. Give the account the right to that column, or leave it out.",
    },
    {
      means: "A function of the schema `throughline` was called by somebody else than the proxy.",
      sent: "nothing",
      remedy: "Leave them to the proxy. If it was the proxy: start it again.",
    },
  ],
  "428C9": [
    {
      means:
        "A key that the API assigns is set by an INSERT, a key is changed, or a column that the API computes is set to something else.",
      sent: "nothing",
      remedy: "Leave the column out; RETURNING has its value.",
    },
  ],
  "53400": [
    {
      means: "As many writes as `listen.writes` allows are under way.",
      sent: "nothing",
      remedy: "Repeat it later. Reads go on.",
    },
  ],
  "54000": [
    {
      means: "More rows than the API takes in one call, or than the policy allows in one statement.",
      sent: "nothing",
      remedy:
        "Fewer rows per statement. Against the API's limit, not the policy's, `SET throughline.chunk = on` makes several calls (of 10 000 rows at most).",
    },
    {
      means: "A COPY of more than 16 MB.",
      sent: "nothing",
      remedy: "COPY into an ordinary table, then INSERT … SELECT in portions.",
    },
  ],
  "55000": [
    {
      means: "An UPDATE or DELETE of a mirror table that has never been copied as a whole.",
      sent: "nothing",
      remedy: "`throughline pull` of the table that the hint names.",
    },
  ],
  TL001: [
    {
      means:
        "The API accepted some of the rows. They are in the mirror, or will be when the transaction has ended. DETAIL lists both.",
      sent: "part",
      remedy: "Do not repeat the statement. Repeat the rows that were not accepted.",
    },
  ],
  TL002: [
    {
      means:
        "An error after the API had accepted: of the statement, of COMMIT, or the end of the session. DETAIL has the original error.",
      sent: "accepted",
      remedy:
        "Do not repeat it. The mirror gets the rows when the transaction has ended; `throughline journal list --open` shows what is left.",
    },
    {
      means: "The row is gone in the API, and Postgres refuses to delete it here, because other rows refer to it.",
      sent: "refused",
      remedy: "Remove what refers to the row, then DELETE it here.",
    },
  ],
  TL007: [
    {
      means:
        "No answer in time, a lost connection, a cancel on the way, or an answer that leaves rows out. DETAIL has the id of the journal entry.",
      sent: "unknown",
      remedy:
        "Do not repeat it before the entry is closed: `throughline journal show ID`. A proxy asks the API by itself; see operations.md.",
    },
  ],
  XX000: [
    {
      means: "The journal could not be written, so that no call was made.",
      sent: "nothing",
      remedy: "Look into the log and at Postgres; then repeat it.",
    },
  ],
};
