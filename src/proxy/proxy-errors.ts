// What the proxy itself tells a client: errors that end a session (FATAL), warnings, and words that are Postgres's own.

import { defineError } from "../postgres/error-catalogue.js";

export const rollbackNotUndone = defineError(
  "01000",
  {
    means:
      "A warning: `rollback did not undo … upstream write(s)`. The transaction is rolled back; what the API had accepted stays, there and here.",
    sent: "accepted",
    remedy: "Do not repeat the write. To undo it, write the opposite.",
  },
  (changes: readonly string[]) => {
    const writes = changes.length === 1 ? "1 upstream write" : `${changes.length} upstream writes`;
    return { message: `rollback did not undo ${writes} (${changes.join("; ")})` };
  },
);

export const mirrorNotChecked = defineError(
  "01000",
  {
    means: "A warning: the mirror could not be checked after a transaction with an API write.",
    sent: "journal",
    remedy: "Nothing, as a rule: it is tried again. `throughline journal list --open` shows it until then.",
  },
  () => ({
    message: "throughline: the mirror could not be checked after this transaction; the journal has its upstream write",
  }),
);

const lostRemedy = "Connect again.";

export const postgresUnreachable = defineError(
  "08006",
  { means: "FATAL: Postgres can't be reached.", sent: "nothing", remedy: lostRemedy },
  (address: string) => ({ message: `throughline: Postgres at ${address} can't be reached` }),
);

export const postgresLost = defineError(
  "08006",
  {
    means: "FATAL: the connection to Postgres was lost. After an accepted write of the open transaction it is TL002.",
    sent: "nothing",
    remedy: lostRemedy,
  },
  () => ({ message: "throughline: the connection to Postgres was lost" }),
);

export const bytesBeforeEncryption = defineError(
  "08P01",
  {
    means: "FATAL: bytes behind a request for encryption that was refused.",
    sent: "nothing",
    remedy: "It is a fault of the client, or of somebody in between.",
  },
  (request: "ssl" | "gss") => ({
    message: `received unencrypted data after ${request === "ssl" ? "SSL" : "GSSAPI encryption"} request`,
  }),
);

export const encryptionAskedTwice = defineError(
  "0A000",
  { means: "FATAL: encryption was asked for twice.", sent: "nothing", remedy: "It is a fault of the client." },
  // The protocol number of SSLRequest or GSSENCRequest, as Postgres shows it.
  (request: "ssl" | "gss") => ({ message: `unsupported frontend protocol 1234.${request === "ssl" ? 5679 : 5680}` }),
);

export const aloneOnly = defineError(
  "25001",
  {
    means: "VACUUM, CREATE DATABASE or another command that has to be alone, in a string with a write to a mirror.",
    sent: "nothing",
    remedy: "Send it as a statement of its own.",
  },
  (command: string) => ({ message: `${command} cannot run inside a transaction block` }),
);

export const longString = defineError(
  "54000",
  {
    means: "A string of more statements than one Query may have when one of them writes to a mirror.",
    sent: "nothing",
    remedy: "Send it in several strings.",
  },
  (limit: number) => ({
    message: `throughline: a string with a write to a mirror has at most ${limit} statements`,
    hint: "Send it in several strings.",
  }),
);

const inString = "in a string of several statements, as Postgres has it";

export const noTransaction = defineError(
  "25P01",
  { means: `A warning: COMMIT without a transaction, ${inString}.`, sent: "nothing", remedy: "BEGIN first." },
  () => ({ message: "there is no transaction in progress" }),
);

export const blockOnly = defineError(
  "25P01",
  { means: `SAVEPOINT, RELEASE or COMMIT AND CHAIN ${inString}.`, sent: "nothing", remedy: "BEGIN first." },
  (command: string) => ({ message: `${command} can only be used in transaction blocks` }),
);

export const ownLogin = defineError(
  "28000",
  {
    means: "FATAL: the client connects as the role of `postgres.url`, whose writes the guard lets through.",
    sent: "nothing",
    remedy: "Connect as another role.",
  },
  (role: string) => ({ message: `throughline: role "${role}" is the proxy's own; connect as another one` }),
);

export const tooManyClients = defineError(
  "53300",
  {
    means: "FATAL: as many clients as `listen.connections` allows are connected.",
    sent: "nothing",
    remedy: "Use a pool, or raise the limit.",
  },
  (limit: number) => ({
    message: `throughline: sorry, too many clients already: ${limit}; raise "listen.connections" in throughline.yaml, or use a pool`,
  }),
);

const inMegabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`;
const ofMessages = "unfinished messages, rows and bound values";
const memoryRemedy = 'Send less at a time, or raise "listen.memory" in throughline.yaml.';

export const sessionKeepsMuch = defineError(
  "53400",
  {
    means: `FATAL: one session makes the proxy keep more ${ofMessages} than a quarter of \`listen.memory\`.`,
    sent: "nothing",
    remedy: memoryRemedy,
  },
  (limitBytes: number) => ({
    message: `throughline: this session has more than ${inMegabytes(limitBytes)} of ${ofMessages}, the limit for one session`,
    hint: memoryRemedy,
  }),
);

export const addressKeepsMuch = defineError(
  "53400",
  {
    means: `FATAL: the sessions of one address make the proxy keep more ${ofMessages} than half of \`listen.memory\`; the one with most is ended.`,
    sent: "nothing",
    remedy: memoryRemedy,
  },
  (address: string, limitBytes: number) => ({
    message: `throughline: the sessions of ${address} have more than ${inMegabytes(limitBytes)} of ${ofMessages}, the limit for one address, and this one has most`,
    hint: memoryRemedy,
  }),
);

export const proxyKeepsMuch = defineError(
  "53400",
  {
    means: `FATAL: all sessions make the proxy keep more ${ofMessages} than \`listen.memory\`; the one with most is ended.`,
    sent: "nothing",
    remedy: memoryRemedy,
  },
  (limitBytes: number) => ({
    message: `throughline: all sessions together have more than ${inMegabytes(limitBytes)} of ${ofMessages}, the limit over all, and this one has most`,
    hint: memoryRemedy,
  }),
);

export const tooManyFiles = defineError(
  "53300",
  {
    means:
      "FATAL: as many clients are connected as the process may have open files for. The rest is kept for calls of APIs and for the proxy's own connections.",
    sent: "nothing",
    remedy: "Raise the limit on open files (`ulimit -n`), or use a pool.",
  },
  (connections: number, files: number) => ({
    message: `throughline: sorry, too many clients already: ${connections}, for this process may open ${files} files; raise "ulimit -n", or use a pool`,
  }),
);

const openingRemedy = "Connect again. Raise `listen.opening` if your own clients all connect at once.";

export const tooManyOpening = defineError(
  "53300",
  {
    means:
      "FATAL: more connections than `listen.opening` allows were opening, and this one had been quiet for longest.",
    sent: "nothing",
    remedy: openingRemedy,
  },
  (limit: number) => ({
    message: `throughline: sorry, too many connections are opening: ${limit}; raise "listen.opening" in throughline.yaml`,
  }),
);

export const tooManyFromAddress = defineError(
  "53300",
  {
    means:
      "FATAL: more connections than half of `listen.opening` were opening from one address, and this one had been quiet for longest.",
    sent: "nothing",
    remedy: openingRemedy,
  },
  (limit: number) => ({
    message: `throughline: sorry, too many connections are opening from this address: ${limit}; raise "listen.opening" in throughline.yaml`,
  }),
);

// SQLSTATE and words are Postgres's own (ProcessInterrupts in src/backend/tcop/postgres.c).
export const authenticationTooSlow = defineError(
  "57014",
  {
    means: "FATAL: Postgres had not let the client in within 60 s of its connecting.",
    sent: "nothing",
    remedy: "Look whether the client answers when Postgres asks for its password, and whether Postgres answers.",
  },
  () => ({ message: "throughline: canceling authentication due to timeout" }),
);

export const proxyStops = defineError(
  "57P01",
  {
    means: "FATAL: the proxy is stopping. After an accepted write of the open transaction it is TL002.",
    sent: "nothing",
    remedy: lostRemedy,
  },
  () => ({ message: "throughline: terminating connection due to administrator command" }),
);

export const internalError = defineError(
  "XX000",
  {
    means: "FATAL: a bug. The log has more.",
    sent: "journal",
    remedy: "Look into the journal before repeating a write.",
  },
  () => ({
    message: "throughline: internal error; if the statement wrote to an API, look into the journal before repeating it",
  }),
);
