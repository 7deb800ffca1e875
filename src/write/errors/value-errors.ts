// What is refused by the values that would be sent, before anything is sent.

import type { Mirror, MirrorColumn } from "../../mirror/column.js";
import { placeOf, shownName } from "../../mirror/names.js";
import { defineError } from "../../postgres/error-catalogue.js";

const nothingSent = "Nothing was sent.";

export const assignedKey = defineError(
  "428C9",
  {
    means: "An INSERT sets a key that the API assigns, or an UPDATE changes it.",
    sent: "nothing",
    remedy: "Leave the column out; RETURNING has its value.",
  },
  (mirror: Mirror, column: MirrorColumn) => ({
    ...placeOf(mirror, column),
    message: `throughline: column "${column.name}" of ${shownName(mirror)} is ${keyPart(mirror)}, and ${mirror.api} assigns it`,
    hint: "Leave the column out; RETURNING has the value.",
  }),
);

export const changedKey = defineError(
  "428C9",
  {
    means: "An UPDATE changes the key of a row.",
    sent: "nothing",
    remedy: "Delete the row, and insert another.",
  },
  (mirror: Mirror, column: MirrorColumn) => ({
    ...placeOf(mirror, column),
    message: `throughline: column "${column.name}" of ${shownName(mirror)} is ${keyPart(mirror)}, and a row keeps its key`,
    hint: "Nothing was sent. Delete the row, and insert another.",
  }),
);

function keyPart({ key }: Mirror): string {
  return key.length === 1 ? "the key" : "part of the key";
}

export const readOnly = defineError(
  "428C9",
  {
    means: "A column that the API computes, or takes on INSERT only, is set to something else.",
    sent: "nothing",
    remedy: "Leave the column out, or set it to what it is; RETURNING has its value.",
  },
  (mirror: Mirror, column: MirrorColumn) => ({
    ...placeOf(mirror, column),
    message: `throughline: column "${column.name}" of ${shownName(mirror)} ${
      column.write === "create" ? "can only be set by INSERT" : `is read-only: ${mirror.api} computes it`
    }`,
    hint: "Nothing was sent. Leave the column out, or set it to what it is.",
  }),
);

export const missingValue = defineError(
  "23502",
  { means: "A value that the API requires is missing, or NULL.", sent: "nothing", remedy: "Set the column named." },
  (mirror: Mirror, column: MirrorColumn) => ({
    ...placeOf(mirror, column),
    message: `throughline: null value in column "${column.name}" of ${shownName(mirror)}, which ${mirror.api} requires`,
    hint: nothingSent,
  }),
);

export const unclearable = defineError(
  "23502",
  {
    means: "A column is cleared that the API can't clear: the manifest says so (`clear: never`).",
    sent: "nothing",
    remedy: "Give the column named another value.",
  },
  (mirror: Mirror, column: MirrorColumn) => ({
    ...placeOf(mirror, column),
    message: `throughline: column "${column.name}" of ${shownName(mirror)} can't be cleared in ${mirror.api}`,
    hint: `${nothingSent} "columns.${column.name}.clear" of the manifest says so.`,
  }),
);

export const placeholderSent = defineError(
  "0A000",
  {
    means: "A value would send the placeholder of a key that the API has yet to assign.",
    sent: "nothing",
    remedy: "Insert the row, then use the key that RETURNING has, in another transaction.",
  },
  (mirror: Mirror, column: MirrorColumn) => ({
    ...placeOf(mirror, column),
    message: `throughline: column "${column.name}" would send the placeholder of a key that ${mirror.api} has yet to assign`,
    hint: nothingSent,
  }),
);

export const valueWithoutForm = defineError(
  "0A000",
  {
    means:
      "A value has no form in which the API could be sent it (`NaN`, `infinity`, an array of several dimensions, JSON deeper or larger than an answer is read).",
    sent: "nothing",
    remedy: "Change the value of the column named.",
  },
  (mirror: Mirror, column: MirrorColumn) => ({
    ...placeOf(mirror, column),
    message: `throughline: the value of column "${column.name}" has no form in which ${mirror.api} could be sent it`,
    hint: nothingSent,
  }),
);

export const tooLong = defineError(
  "22001",
  {
    means: "A value is longer than the API takes.",
    sent: "nothing",
    remedy: "Shorten the value of the column named.",
  },
  (mirror: Mirror, column: MirrorColumn) => ({
    ...placeOf(mirror, column),
    message: `throughline: value too long for column "${column.name}": ${mirror.api} takes ${column.max} characters`,
    hint: nothingSent,
  }),
);

const howToRepair = "Nothing was sent. Set it to a value that mentions no column, such as a literal or a parameter";

export const unfitCell = defineError(
  "55000",
  {
    means:
      "A value would be computed from a cell that does not have upstream's value, because the column can't hold it: upstream's would be lost.",
    sent: "nothing",
    remedy: "Set the column to a value that mentions no column, or give it a type that holds what the API has.",
  },
  (mirror: Mirror, column: MirrorColumn, key: string) => ({
    ...placeOf(mirror, column),
    message: `throughline: column "${column.name}" of ${shownName(mirror)} is ${column.type}, which can't hold what ${mirror.api} has in row "${key}"`,
    hint: `${howToRepair}; or let "columns.${column.name}.type" of the manifest be one that holds it.`,
  }),
);

export const missingCell = defineError(
  "55000",
  {
    means:
      "A value would be computed from a cell of which nobody knows what upstream has: the API's last answer left the field out.",
    sent: "nothing",
    remedy: "Set the column to a value that mentions no column, or say in the manifest what a missing field means.",
  },
  (mirror: Mirror, column: MirrorColumn, key: string) => ({
    ...placeOf(mirror, column),
    message: `throughline: column "${column.name}" of ${shownName(mirror)} is not known in row "${key}": the last answer of ${mirror.api} left it out`,
    hint: `${howToRepair}; or say what that means by "columns.${column.name}.absent" in the manifest.`,
  }),
);

/** So many options a hint lists. */
const shownOptions = 12;

export const notAnOption = defineError(
  "23514",
  {
    means: "A value is not among those that the API allows.",
    sent: "nothing",
    remedy: "One of those in the hint; `throughline migrate` if it is new in the API.",
  },
  (mirror: Mirror, column: MirrorColumn, options: readonly string[]) => ({
    ...placeOf(mirror, column),
    message: `throughline: value of column "${column.name}" is not among those that ${mirror.api} allows`,
    hint: `Nothing was sent. Allowed: ${options.slice(0, shownOptions).join(", ")}${
      options.length > shownOptions ? ", …" : ""
    }. If a value is new, run "throughline migrate".`,
    constraint: `${mirror.table}_${column.name}_options`,
  }),
);

export const missingReference = defineError(
  "23503",
  {
    means:
      "A value names a record of another table of the API that there is not; upstream was asked where the mirror lacks it.",
    sent: "nothing",
    remedy: "Create that record first, or leave the column out.",
  },
  (mirror: Mirror, column: MirrorColumn, target: Mirror) => ({
    ...placeOf(mirror, column),
    message: `throughline: column "${column.name}" of ${shownName(mirror)} names a record of ${shownName(target)} that ${mirror.api} does not have`,
    hint: "Nothing was written.",
    constraint: `${mirror.table}_${column.name}_fkey`,
  }),
);
