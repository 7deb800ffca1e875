// Whose transaction is open on a session, after each event: the whole table.

import { expect, test } from "vitest";
import { Status } from "../../protocol/messages.js";
import { nextTransaction, type Transaction, type TransactionEvent } from "../../src/proxy/transaction.js";

const none: Transaction = { owner: "none" };
const client: Transaction = { owner: "client", failed: false };
const clientFailed: Transaction = { owner: "client", failed: true };
const proxy: Transaction = { owner: "proxy", reported: Status.idle };
const proxyBegun: Transaction = { owner: "proxy", reported: Status.inTransaction };
const proxyFailed: Transaction = { owner: "proxy", reported: Status.failed };

const states = { none, client, clientFailed, proxy, proxyBegun, proxyFailed };
type StateName = keyof typeof states;

const events = {
  opened: { kind: "opened" },
  handedOver: { kind: "handedOver" },
  idle: { kind: "ready", status: Status.idle },
  inTransaction: { kind: "ready", status: Status.inTransaction },
  failed: { kind: "ready", status: Status.failed },
} as const satisfies Record<string, TransactionEvent>;
type EventName = keyof typeof events;

/** `never`: nothing opens a transaction of ours inside another one. */
const table: Readonly<Record<StateName, Readonly<Record<EventName, StateName | "never">>>> = {
  none: { opened: "proxy", handedOver: "none", idle: "none", inTransaction: "client", failed: "clientFailed" },
  client: { opened: "never", handedOver: "client", idle: "none", inTransaction: "client", failed: "clientFailed" },
  clientFailed: {
    opened: "never",
    handedOver: "clientFailed",
    idle: "none",
    inTransaction: "client",
    failed: "clientFailed",
  },
  proxy: { opened: "never", handedOver: "none", idle: "proxy", inTransaction: "proxyBegun", failed: "proxyFailed" },
  proxyBegun: {
    opened: "never",
    handedOver: "client",
    idle: "proxy",
    inTransaction: "proxyBegun",
    failed: "proxyFailed",
  },
  proxyFailed: {
    opened: "never",
    handedOver: "clientFailed",
    idle: "proxy",
    inTransaction: "proxyBegun",
    failed: "proxyFailed",
  },
};

const stateNames: readonly StateName[] = ["none", "client", "clientFailed", "proxy", "proxyBegun", "proxyFailed"];
const eventNames: readonly EventName[] = ["opened", "handedOver", "idle", "inTransaction", "failed"];
const cases = stateNames.flatMap((from) => eventNames.map((event) => ({ from, event, to: table[from][event] })));

test.each(cases)("$from, then $event: $to", ({ from, event, to }) => {
  const next = () => nextTransaction(states[from], events[event]);
  if (to === "never") expect(next).toThrow(`a transaction of the ${states[from].owner}'s is open`);
  else expect(next()).toEqual(states[to]);
});
