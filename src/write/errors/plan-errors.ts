// What is refused by what a statement would change, before anything is sent.

import type { Mirror } from "../../mirror/column.js";
import { placeOf, shownName } from "../../mirror/names.js";
import { defineError } from "../../postgres/error-catalogue.js";
import type { Verb } from "../../upstream/table.js";

export const twoMirrors = defineError(
  "0A000",
  {
    means: "A statement that changes rows of two mirror tables.",
    sent: "nothing",
    remedy: "One statement for each, in transactions of their own.",
  },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: this statement changes rows of ${shownName(mirror)} and of another mirror table`,
    hint: "Write to one mirror table per statement.",
  }),
);

export const mixedVerbs = defineError(
  "0A000",
  {
    means:
      "A statement that would insert some rows and update or delete others, and is no upsert that the API has one call for.",
    sent: "nothing",
    remedy: "Statements of their own. An upsert all of whose rows are new, or all of which are there, is one way only.",
  },
  (mirror: Mirror, verb: Verb, other: Verb) => ({
    ...placeOf(mirror),
    message: `throughline: this statement would ${verb} some rows of ${shownName(mirror)} and ${other} others, and ${mirror.api} offers no one call for both`,
    hint: "Nothing was sent. Send the INSERT, UPDATE and DELETE as statements of their own.",
  }),
);

export const rowTwice = defineError(
  "0A000",
  { means: "A statement that changes a row twice.", sent: "nothing", remedy: "Statements of their own." },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: this statement changes a row of ${shownName(mirror)} more than once`,
    hint: "Nothing was sent. Send each INSERT, UPDATE or DELETE as a statement of its own.",
  }),
);

export const undoesItself = defineError(
  "0A000",
  {
    means: "A statement that undoes a write itself, and makes another.",
    sent: "nothing",
    remedy: "Statements of their own.",
  },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: this statement undoes a write to ${shownName(mirror)} itself, and makes another`,
    hint: "Nothing was sent. Send each INSERT, UPDATE or DELETE as a statement of its own.",
  }),
);

export const restlessRows = defineError(
  "40001",
  {
    means: "Rows changed each time the statement was planned.",
    sent: "nothing",
    remedy: "Run the transaction again.",
  },
  (mirror: Mirror, attempts: number) => ({
    ...placeOf(mirror),
    message: `throughline: rows of ${shownName(mirror)} changed ${attempts} times while the statement was planned`,
    hint: "Nothing was sent. Run the statement again.",
  }),
);

export const otherValues = defineError(
  "0A000",
  {
    means:
      "A statement that writes to other tables as well, and would write other values each time it runs (a sequence, a table that it writes).",
    sent: "nothing",
    remedy: "Compute the values in a statement of their own, then write them to the mirror table.",
  },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: this statement writes to other tables or rows as well, and would give ${shownName(mirror)} other values each time it runs`,
    hint: "Nothing was sent. Compute the values in a statement of their own, then write them to the mirror table.",
  }),
);

export const otherRows = defineError(
  "0A000",
  {
    means: "A statement that would write other rows each time it runs (`random()` in its WHERE).",
    sent: "nothing",
    remedy: "Choose the rows in a statement of its own, then write them by their keys.",
  },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: this statement would write other rows of ${shownName(mirror)} each time it runs`,
    hint: "Nothing was sent. Choose the rows in a statement of its own, then write them by their keys.",
  }),
);

export const verbNotOffered = defineError(
  "0A000",
  {
    means: "The API offers no INSERT, UPDATE or DELETE of this table.",
    sent: "nothing",
    remedy: "Make the change in the API itself.",
  },
  (mirror: Mirror, verb: Verb) => ({
    ...placeOf(mirror),
    message: `throughline: ${mirror.api} offers no ${verb.toUpperCase()} of ${shownName(mirror)}`,
    hint: `Nothing was sent. Make the change in ${mirror.api} itself.`,
  }),
);

export const functionInPortions = defineError(
  "0A000",
  {
    means: "The rows of a function that writes to a mirror table, fetched in portions.",
    sent: "nothing",
    remedy: "Fetch all rows at once (fetch size 0).",
  },
  // A function runs as its rows are fetched; what it has written has to be complete before the first row is told.
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: the rows of a function that writes to ${shownName(mirror)} can't be fetched in portions`,
    hint: "Nothing was sent. Fetch all rows at once (fetch size 0).",
  }),
);

export const tooManyRows = defineError(
  "54000",
  {
    means: "More rows than the API takes in one call.",
    sent: "nothing",
    remedy:
      "Fewer rows per statement, or `SET throughline.chunk = on`, which makes several calls (of 10 000 rows at most).",
  },
  (mirror: Mirror, rows: number, limit: number) => ({
    ...placeOf(mirror),
    message: `throughline: this statement writes ${rows} rows of ${shownName(mirror)}, and its API takes at most ${limit} in one call`,
    hint: `Nothing was sent. Write at most ${limit} rows per statement.`,
  }),
);

const policyHint = (mirror: Mirror) =>
  `Nothing was sent. The rule is "write" of apis.${mirror.api}.tables.${mirror.resource} in throughline.yaml.`;

export const verbForbidden = defineError(
  "42501",
  {
    means:
      "The policy of `throughline.yaml` (`write`) does not let a role whose rights the statement uses make such a write.",
    sent: "nothing",
    remedy: "Use another role, or change the rule that the hint names.",
  },
  (mirror: Mirror, role: string, verb: Verb) => ({
    ...placeOf(mirror),
    message: `throughline: role "${role}" may not ${verb.toUpperCase()} on ${shownName(mirror)}`,
    hint: policyHint(mirror),
  }),
);

export const rowsForbidden = defineError(
  "54000",
  {
    means:
      "More rows than the policy of `throughline.yaml` (`write`) allows a role whose rights the statement uses in one statement.",
    sent: "nothing",
    remedy: "Fewer rows per statement, or change the rule that the hint names.",
  },
  (mirror: Mirror, role: string, most: number, rows: number) => ({
    ...placeOf(mirror),
    message: `throughline: role "${role}" may write ${most === 1 ? "1 row" : `${most} rows`} of ${shownName(mirror)} in one statement, not ${rows}`,
    hint: policyHint(mirror),
  }),
);

export const columnForbidden = defineError(
  "42501",
  {
    means:
      "The policy of `throughline.yaml` (`write`) does not let a role whose rights the statement uses write the column named.",
    sent: "nothing",
    remedy: "Leave the column out, use another role, or change the rule that the hint names.",
  },
  (mirror: Mirror, role: string, column: { readonly name: string }) => ({
    ...placeOf(mirror, column),
    message: `throughline: role "${role}" may not write column "${column.name}" of ${shownName(mirror)}`,
    hint: policyHint(mirror),
  }),
);
