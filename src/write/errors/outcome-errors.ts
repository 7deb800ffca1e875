// What the client is told of a call that was made, or was about to be: not plain acceptance.

import type { Mirror, MirrorColumn } from "../../mirror/column.js";
import { placeOf, shownName } from "../../mirror/names.js";
import { defineError, type ErrorMaker, type SqlError } from "../../postgres/error-catalogue.js";

export const unknownOutcome = defineError(
  "TL007",
  {
    means:
      "No answer in time, a lost connection, a cancel on the way, or an answer that leaves rows out. DETAIL has the id of the journal entry.",
    sent: "unknown",
    remedy:
      "Do not repeat it before the entry is closed: `throughline journal show ID`. A proxy asks the API by itself; see operations.md.",
  },
  (mirror: Mirror, call: string, reason: string) => ({
    ...placeOf(mirror),
    message: `${mirror.api}: nobody knows whether the change was made (${reason})`,
    detail: `journal ${call}`,
    hint: `Do not repeat it before the journal entry is closed: what became of it is being found out ("throughline journal show ${call}").`,
  }),
);

export const partlyAccepted = defineError(
  "TL001",
  {
    means:
      "The API accepted some of the rows. They are in the mirror, or will be when the transaction has ended. DETAIL lists both.",
    sent: "part",
    remedy: "Do not repeat the statement. Repeat the rows that were not accepted.",
  },
  (
    mirror: Mirror,
    call: string,
    rows: { accepted: string; count: number; all: number; refused: string; column: string | undefined },
  ) => ({
    ...placeOf(mirror),
    message: `${mirror.api}: ${rows.count} of ${rows.all} rows were accepted`,
    detail: `Accepted: ${rows.accepted}. Not accepted: ${rows.refused}. journal ${call}.`,
    hint: "Repeat only the rows that were not accepted.",
    column: rows.column,
  }),
);

export const laterCallFailed: ErrorMaker<[mirror: Mirror, accepted: number, all: number, error: SqlError]> =
  defineError(
    "TL001",
    {
      means: "With `throughline.chunk = on`, a call failed after earlier ones had been accepted. DETAIL has its error.",
      sent: "part",
      remedy: "Do not repeat the statement. Repeat the rows that were not accepted.",
    },
    (
      mirror: Mirror,
      accepted: number,
      all: number,
      { sqlstate, words: { message, detail, hint, ...place } }: SqlError,
    ) => ({
      ...place,
      message: `${mirror.api}: the first ${accepted} of ${all} rows were accepted, then a call failed`,
      detail: `${sqlstate}: ${message}${detail === undefined ? "" : ` (${detail})`}.`,
      hint: `Repeat only the rows that were not accepted. ${hint ?? ""}`.trim(),
    }),
  );

export const rowGone = defineError(
  "40001",
  {
    means: "The row is gone in the API. The mirror has been told.",
    sent: "refused",
    remedy: "Run the transaction again: it will not find the row.",
  },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `${mirror.api}: the row is gone, and the mirror has been told`,
    hint: "Run the statement again: it will not find the row.",
  }),
);

export const otherRecordChanged = defineError(
  "TL002",
  {
    means: "The API accepted an upsert, and changed another record than the one that the mirror had for it.",
    sent: "accepted",
    remedy: "Do not repeat it. `throughline pull` of the table that the hint names: its mirror was behind.",
  },
  (mirror: Mirror, detail: string) => ({
    ...placeOf(mirror),
    message: `${mirror.api}: accepted upstream, and another record was changed than the one here; do not repeat`,
    detail,
    hint: `The mirror was behind. Run "throughline pull ${mirror.api}.${mirror.resource}".`,
  }),
);

export const columnDropped = defineError(
  "42501",
  {
    means: "A column was sent, and the API left it as it was. The other columns are set, there and here.",
    sent: "accepted",
    remedy:
      "Do not repeat the statement. Give the account the right to that column, or leave it out; of a NULL, say by `clear` in the manifest what clears the column.",
  },
  (mirror: Mirror, column: MirrorColumn, detail: string, isCleared: boolean) => ({
    ...placeOf(mirror, column),
    message: `${mirror.api}: column "${column.name}" was sent and left as it was`,
    detail,
    hint: `The account may not change it${
      isCleared
        ? `, or the API clears it otherwise: "columns.${column.name}.clear" of the manifest says what is sent for NULL, or never`
        : ""
    }. Do not repeat the statement with the other columns: they are set.`,
  }),
);

export const notApplied = defineError(
  "TL002",
  {
    means:
      "An error after the API had accepted: of the statement, of COMMIT, or the end of the session. DETAIL has the original error.",
    sent: "accepted",
    remedy:
      "Do not repeat it. The mirror gets the rows when the transaction has ended; `throughline journal list --open` shows what is left.",
  },
  (api: string, accepted: string, original: string) => ({
    message: `${api}: accepted upstream (${accepted}), not applied here; do not repeat`,
    detail: original,
    hint: "The change stands upstream. The mirror gets it when this transaction has ended.",
  }),
);

export const transactionChangedUpstream = defineError(
  "TL002",
  {
    means:
      "A later error of a transaction whose call was accepted in part, or whose outcome is unknown: the transaction can't be repeated as a whole.",
    sent: "journal",
    remedy:
      "Do not repeat it. What became of the call was said when it was made; `throughline journal show ID` has it.",
  },
  (api: string, change: string, original: string) => ({
    message: `${api}: this transaction has changed, or may have changed, ${change} upstream; do not repeat`,
    detail: original,
    hint: "What became of the call was said when it was made; the journal has it.",
  }),
);

export const rowStaysHere = defineError(
  "TL002",
  {
    means: "The row is gone in the API, and Postgres refuses to delete it here, because other rows refer to it.",
    sent: "refused",
    remedy: "Remove what refers to the row, then DELETE it here.",
  },
  (api: string, blockedBy: string) => ({
    message: `${api}: the row is gone upstream, and stays here because Postgres refuses to delete it; do not repeat`,
    detail: blockedBy,
    hint: "Remove what refers to the row, then DELETE it here. The journal entry stays open until then.",
  }),
);

export const justMigrated = defineError(
  "40001",
  {
    means: "The table was migrated while the statement was planned.",
    sent: "nothing",
    remedy: "Run the transaction again.",
  },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: mirror table ${shownName(mirror)} has just been migrated`,
    hint: "Nothing was sent. Run the statement again.",
  }),
);

export const callNotMade = defineError(
  "XX000",
  {
    means: "The journal could not be written, so that no call was made.",
    sent: "nothing",
    remedy: "Look into the log and at Postgres; then repeat it.",
  },
  ({ api }: Mirror) => ({
    message: `${api}: an internal error kept the call from being made`,
    hint: "Nothing was sent. The log has more.",
  }),
);
