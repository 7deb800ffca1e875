// How a session ends: the whole tables of who is left, and of what the client has yet to be told.

import { expect, test } from "vitest";
import {
  type Ending,
  type EndingEvent,
  type Farewell,
  type FarewellEvent,
  nextEnding,
  nextFarewell,
} from "../../src/proxy/session-end.js";

const endings = {
  open: { at: "open" },
  clientEnded: { at: "clientEnded" },
  postgresEnded: { at: "postgresEnded", clientEnded: false },
  bothEnded: { at: "postgresEnded", clientEnded: true },
  closed: { at: "closed" },
} as const satisfies Record<string, Ending>;
type EndingName = keyof typeof endings;

const endingTable: Readonly<Record<EndingName, Readonly<Record<EndingEvent, EndingName>>>> = {
  open: { clientEnds: "clientEnded", postgresEnds: "postgresEnded", closes: "closed" },
  clientEnded: { clientEnds: "clientEnded", postgresEnds: "bothEnded", closes: "closed" },
  postgresEnded: { clientEnds: "bothEnded", postgresEnds: "postgresEnded", closes: "closed" },
  bothEnded: { clientEnds: "bothEnded", postgresEnds: "bothEnded", closes: "closed" },
  closed: { clientEnds: "closed", postgresEnds: "closed", closes: "closed" },
};
const endingNames: readonly EndingName[] = ["open", "clientEnded", "postgresEnded", "bothEnded", "closed"];
const endingEvents: readonly EndingEvent[] = ["clientEnds", "postgresEnds", "closes"];

test.each(endingNames.flatMap((from) => endingEvents.map((event) => ({ from, event, to: endingTable[from][event] }))))(
  "a session that is $from, then $event: $to",
  ({ from, event, to }) => {
    expect(nextEnding(endings[from], event)).toEqual(endings[to]);
  },
);

const earlier = new Map([["M", "earlier"]]);
const later = new Map([["M", "later"]]);
const farewells = {
  unexplained: { at: "unexplained" },
  explained: { at: "explained" },
  owesEarlier: { at: "owed", words: earlier },
  owesLater: { at: "owed", words: later },
} as const satisfies Record<string, Farewell>;
type FarewellName = keyof typeof farewells;

const farewellEvents = {
  explain: { kind: "explain" },
  oweLater: { kind: "owe", words: later },
} as const satisfies Record<string, FarewellEvent>;

const farewellTable: Readonly<Record<FarewellName, Readonly<Record<keyof typeof farewellEvents, FarewellName>>>> = {
  unexplained: { explain: "explained", oweLater: "owesLater" },
  explained: { explain: "explained", oweLater: "owesLater" },
  owesEarlier: { explain: "owesEarlier", oweLater: "owesLater" },
  owesLater: { explain: "owesLater", oweLater: "owesLater" },
};
const farewellNames: readonly FarewellName[] = ["unexplained", "explained", "owesEarlier", "owesLater"];

test.each(
  farewellNames.flatMap((from) =>
    (["explain", "oweLater"] as const).map((event) => ({ from, event, to: farewellTable[from][event] })),
  ),
)("a farewell that is $from, then $event: $to", ({ from, event, to }) => {
  expect(nextFarewell(farewells[from], farewellEvents[event])).toEqual(farewells[to]);
});
