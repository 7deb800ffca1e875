// What the proxy itself tells a client: errors that end a session (FATAL), warnings, and words that are Postgres's own.

import type { Reference } from "../postgres/raised.js";

export const proxyErrors: Reference = {
  "00000": [
    {
      means: "A notice: with `throughline.dry_run = on` the statement was answered as it was planned.",
      sent: "nothing",
      remedy: "DETAIL has the request that it would become.",
    },
  ],
  "01000": [
    {
      means:
        "A warning: `rollback did not undo … upstream write(s)`. The transaction is rolled back; what the API had accepted stays, there and here.",
      sent: "accepted",
      remedy: "Do not repeat the write. To undo it, write the opposite.",
    },
    {
      means: "A warning: the mirror could not be checked after a transaction with an API write.",
      sent: "journal",
      remedy: "Nothing, as a rule: it is tried again. `throughline journal list --open` shows it until then.",
    },
  ],
  "08006": [
    {
      means:
        "FATAL: Postgres can't be reached, or the connection to it was lost. After an accepted write of the open transaction it is TL002.",
      sent: "nothing",
      remedy: "Connect again.",
    },
  ],
  "08P01": [
    {
      means: "FATAL: bytes behind a request for encryption that was refused.",
      sent: "nothing",
      remedy: "It is a fault of the client, or of somebody in between.",
    },
  ],
  "0A000": [
    { means: "FATAL: encryption was asked for twice.", sent: "nothing", remedy: "It is a fault of the client." },
  ],
  "25001": [
    {
      means: "VACUUM, CREATE DATABASE or another command that has to be alone, in a string with a write to a mirror.",
      sent: "nothing",
      remedy: "Send it as a statement of its own.",
    },
  ],
  "25P01": [
    {
      means:
        "COMMIT without a transaction (a warning), or SAVEPOINT, RELEASE and COMMIT AND CHAIN in a string of several statements, as Postgres has it.",
      sent: "nothing",
      remedy: "BEGIN first.",
    },
  ],
  "28000": [
    {
      means: "FATAL: the client connects as the role of `postgres.url`, whose writes the guard lets through.",
      sent: "nothing",
      remedy: "Connect as another role.",
    },
  ],
  "53300": [
    {
      means: "FATAL: as many clients as `listen.connections` allows are connected.",
      sent: "nothing",
      remedy: "Use a pool, or raise the limit.",
    },
  ],
  "57P01": [
    {
      means: "FATAL: the proxy is stopping. After an accepted write of the open transaction it is TL002.",
      sent: "nothing",
      remedy: "Connect again.",
    },
  ],
  XX000: [
    {
      means: "FATAL: a bug. The log has more.",
      sent: "journal",
      remedy: "Look into the journal before repeating a write.",
    },
  ],
};
