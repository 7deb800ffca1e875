// What is refused by what the session or its transaction is, before anything is sent.

import type { Mirror } from "../../mirror/column.js";
import { placeOf, shownName } from "../../mirror/names.js";
import { defineError } from "../../postgres/error-catalogue.js";

/** The mirror that a message is about; undefined where the statement reaches one by a function only. */
type Target = Mirror | undefined;

const place = (mirror: Target) => (mirror ? placeOf(mirror) : {});

export const incomplete = defineError(
  "55000",
  {
    means: "An UPDATE or DELETE of a mirror table that has never been copied as a whole.",
    sent: "nothing",
    remedy: "`throughline pull` of the table that the hint names.",
  },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: mirror table ${shownName(mirror)} is not yet complete`,
    hint: `Run "throughline pull ${mirror.api}.${mirror.resource}" first.`,
  }),
);

export const serializable = defineError(
  "0A000",
  {
    means: "A write in a SERIALIZABLE transaction.",
    sent: "nothing",
    remedy: "READ COMMITTED or REPEATABLE READ.",
  },
  (target: Target) => ({
    ...place(target),
    message:
      "throughline: a SERIALIZABLE transaction can't write to a mirror table: it may fail to commit after the API has accepted",
    hint: "Use READ COMMITTED or REPEATABLE READ.",
  }),
);

export const unknownMode = defineError(
  "0A000",
  {
    means: "`throughline.transaction` has a value that there is not.",
    sent: "nothing",
    remedy: "`autocommit`, `single` or `immediate`.",
  },
  (target: Target, mode: string, modes: readonly string[]) => ({
    ...place(target),
    message: `throughline: throughline.transaction = '${mode}' is not offered`,
    hint: `Set it to one of ${modes.join(", ")}; the default is single.`,
  }),
);

export const otherEncoding = defineError(
  "0A000",
  {
    means: "`client_encoding` is not UTF8, or `standard_conforming_strings` is off.",
    sent: "nothing",
    remedy: "Set both.",
  },
  (target: Target) => ({
    ...place(target),
    message: "throughline: writes to mirror tables need client_encoding UTF8 and standard_conforming_strings on",
    hint: "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on.",
  }),
);

export const longValues = defineError(
  "54000",
  {
    means: "The values of a statement on a mirror are longer than the 16 MB that are kept for it to run twice.",
    sent: "nothing",
    remedy: "Send shorter values.",
  },
  () => ({
    message: "throughline: the values of a statement on a mirror are longer than 16 MB",
    hint: "No API call takes as much: send shorter values.",
  }),
);

export const stalePortal = defineError(
  "0A000",
  {
    means: "Other messages came between the Bind of a write and its Execute.",
    sent: "nothing",
    remedy: "Bind a portal right before it is executed, and close its statement after that.",
  },
  () => ({
    message: "throughline: other messages came between the Bind of this write to a mirror table and its Execute",
    hint: "Nothing was sent. Bind it right before it is executed, and close its statement after that.",
  }),
);

export const overload = defineError(
  "53400",
  {
    means: "As many writes as `listen.writes` allows are under way.",
    sent: "nothing",
    remedy: "Repeat it later. Reads go on.",
  },
  () => ({
    message: "throughline: too many writes to mirror tables are under way",
    hint: 'Nothing was sent. Repeat it later; "listen.writes" in throughline.yaml is the limit.',
  }),
);

export const insideTransaction = defineError(
  "0A000",
  {
    means: "A write inside BEGIN … COMMIT, in the mode `autocommit`.",
    sent: "nothing",
    remedy: "Send it outside of a transaction, or `SET throughline.transaction = single`.",
  },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: writes to ${shownName(mirror)} inside a transaction are refused by throughline.transaction = 'autocommit'`,
    hint: "Send the statement outside BEGIN … COMMIT, or set throughline.transaction to single.",
  }),
);

export const secondWrite = defineError(
  "0A000",
  {
    means: "A second API write in a transaction.",
    sent: "nothing",
    remedy: "Commit first, write the rows of a table in one statement, or `SET throughline.transaction = immediate`.",
  },
  (mirror: Mirror, earlierApi: string) => ({
    ...placeOf(mirror),
    message: `throughline: this transaction has made its one write in ${earlierApi} already`,
    hint: "A rollback could not undo the writes before it. Commit first, write the rows of one table in one statement, or set throughline.transaction to immediate.",
  }),
);

export const prepareAfterWrite = defineError(
  "0A000",
  {
    means: "PREPARE TRANSACTION in a transaction that has made an API write.",
    sent: "accepted",
    remedy: "COMMIT. The write stands.",
  },
  (api: string) => ({
    message: `throughline: this transaction has made a write in ${api}, and can't be prepared`,
    hint: "Use COMMIT.",
  }),
);

export const undoneBySavepoint = defineError(
  "0A000",
  {
    means: "A change of a mirror table of which a ROLLBACK TO has undone an accepted write here, and not in the API.",
    sent: "nothing",
    remedy: "End the transaction first: then the mirror has the rows as the API has them.",
  },
  (mirror: Mirror) => ({
    ...placeOf(mirror),
    message: `throughline: a rollback to a savepoint has undone here what ${mirror.api} has accepted of ${shownName(mirror)} in this transaction`,
    hint: "Nothing was sent. End the transaction first: then the mirror has the rows as the API has them.",
  }),
);

export const headerMatch = defineError(
  "0A000",
  {
    means: "COPY into a mirror table with HEADER MATCH.",
    sent: "nothing",
    remedy: "HEADER, with the columns named in the order of the file.",
  },
  () => ({
    message: "throughline: COPY into a mirror table with HEADER MATCH is not offered",
    hint: "Nothing was sent. Use HEADER, and name the columns in the order of the file.",
  }),
);

export const longCopy = defineError(
  "54000",
  {
    means: "A COPY of more than 16 MB.",
    sent: "nothing",
    remedy: "COPY into an ordinary table, then INSERT … SELECT in portions.",
  },
  () => ({
    message: "throughline: this COPY brings more data than any one call takes",
    hint: "Nothing was sent. COPY into an ordinary table, then INSERT … SELECT in portions.",
  }),
);

export const strayMessage = defineError(
  "08P01",
  {
    means: "The client sent something else among the rows of a COPY.",
    sent: "nothing",
    remedy: "It is a fault of the client.",
  },
  () => ({ message: "unexpected message type during COPY from stdin" }),
);

export const dryRunPortions = defineError(
  "0A000",
  {
    means: "The rows of a dry run, fetched in portions.",
    sent: "nothing",
    remedy: "Fetch all rows at once (fetch size 0).",
  },
  () => ({
    message: "throughline: the rows of a dry run can't be fetched in portions",
    hint: "Nothing was sent. Fetch all rows at once (fetch size 0).",
  }),
);

/** The notice of a dry run; its detail is added where it is told, for it has lines. */
export const dryRunNotice = defineError(
  "00000",
  {
    means: "A notice: with `throughline.dry_run = on` the statement was answered as it was planned.",
    sent: "nothing",
    remedy: "DETAIL has the request that it would become.",
  },
  () => ({ message: "throughline: dry run: nothing was sent, and nothing is changed" }),
);
