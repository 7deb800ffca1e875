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
  answered: { at: "answered", byPostgres: false },
  explained: { at: "explained" },
  owesReason: { at: "owed", words: earlier, isAnswer: false },
  owesAnswer: { at: "owed", words: earlier, isAnswer: true },
  owesLaterReason: { at: "owed", words: later, isAnswer: false },
  owesLaterAnswer: { at: "owed", words: later, isAnswer: true },
} as const satisfies Record<string, Farewell>;
type FarewellName = keyof typeof farewells;

const farewellEvents = {
  explain: { kind: "explain" },
  oweReason: { kind: "owe", words: later, isAnswer: false },
  oweAnswer: { kind: "owe", words: later, isAnswer: true },
  answer: { kind: "answer", byPostgres: false },
  ready: { kind: "ready", isOver: false },
  readyAtEnd: { kind: "ready", isOver: true },
} as const satisfies Record<string, FarewellEvent>;
type FarewellEventName = keyof typeof farewellEvents;

const always = (name: FarewellName) => ({ ready: name, readyAtEnd: name });
const farewellTable: Readonly<
  Record<
    Exclude<FarewellName, "owesLaterReason" | "owesLaterAnswer">,
    Readonly<Record<FarewellEventName, FarewellName>>
  >
> = {
  unexplained: {
    explain: "explained",
    oweReason: "owesLaterReason",
    oweAnswer: "owesLaterAnswer",
    answer: "answered",
    ready: "unexplained",
    readyAtEnd: "explained",
  },
  answered: {
    explain: "explained",
    oweReason: "answered",
    oweAnswer: "answered",
    answer: "answered",
    ready: "unexplained",
    readyAtEnd: "explained",
  },
  explained: {
    explain: "explained",
    oweReason: "explained",
    oweAnswer: "explained",
    answer: "explained",
    ...always("explained"),
  },
  owesReason: {
    explain: "owesReason",
    oweReason: "owesLaterReason",
    oweAnswer: "owesLaterAnswer",
    answer: "owesReason",
    ...always("explained"),
  },
  owesAnswer: {
    explain: "owesAnswer",
    oweReason: "owesAnswer",
    oweAnswer: "owesLaterAnswer",
    answer: "owesAnswer",
    ...always("explained"),
  },
};
const farewellNames = ["unexplained", "answered", "explained", "owesReason", "owesAnswer"] as const;
const farewellEventNames = ["explain", "oweReason", "oweAnswer", "answer", "ready", "readyAtEnd"] as const;

test.each(
  farewellNames.flatMap((from) => farewellEventNames.map((event) => ({ from, event, to: farewellTable[from][event] }))),
)("a farewell that is $from, then $event: $to", ({ from, event, to }) => {
  expect(nextFarewell(farewells[from], farewellEvents[event])).toEqual(farewells[to]);
});
