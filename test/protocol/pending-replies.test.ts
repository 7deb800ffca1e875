// The queue of pending replies: a table of every reply against every message that it may belong to.

import { describe, expect, test } from "vitest";
import { Backend } from "../../protocol/messages.js";
import { Delivery, PendingReplies, ProtocolDesync, RequestKind } from "../../protocol/pending-replies.js";

type ReplyName = keyof typeof Backend;
type SentName = keyof typeof RequestKind;
/** What a reply does when a message of one kind is the oldest that is owed for, and a Sync is owed for behind it. */
type Effect =
  /** It is the last reply to that message. */
  | "last"
  /** It belongs to that message, and more will come. */
  | "more"
  /** Postgres skips to the Sync. */
  | "skip"
  /** It belongs to no message: the client gets it, wherever that message's reply goes. */
  | "none"
  /** It can't come: the stream is not followed any further. */
  | "lost";

const routes = Object.values(Delivery);
const oldest = [
  "parse",
  "bind",
  "describe",
  "execute",
  "close",
  "sync",
  "query",
] as const satisfies readonly SentName[];

// biome-ignore format: a table
const table: Readonly<Record<ReplyName, readonly [Effect, Effect, Effect, Effect, Effect, Effect, Effect]>> = {
  //                     parse   bind    describe execute close   sync    query
  authentication:       ["more", "more", "more", "more", "more", "more", "more"],
  parameterStatus:      ["none", "none", "none", "none", "none", "none", "none"],
  backendKeyData:       ["more", "more", "more", "more", "more", "more", "more"],
  readyForQuery:        ["lost", "lost", "lost", "lost", "lost", "last", "last"],
  parseComplete:        ["last", "lost", "lost", "lost", "lost", "lost", "lost"],
  bindComplete:         ["lost", "last", "lost", "lost", "lost", "lost", "lost"],
  closeComplete:        ["lost", "lost", "lost", "lost", "last", "lost", "lost"],
  rowDescription:       ["more", "more", "last", "more", "more", "more", "more"],
  noData:               ["more", "more", "last", "more", "more", "more", "more"],
  dataRow:              ["more", "more", "more", "more", "more", "more", "more"],
  commandComplete:      ["more", "more", "more", "last", "more", "more", "more"],
  emptyQueryResponse:   ["more", "more", "more", "last", "more", "more", "more"],
  portalSuspended:      ["more", "more", "more", "last", "more", "more", "more"],
  errorResponse:        ["skip", "skip", "skip", "skip", "skip", "more", "more"],
  noticeResponse:       ["more", "more", "more", "more", "more", "more", "more"],
  notificationResponse: ["none", "none", "none", "none", "none", "none", "none"],
  copyInResponse:       ["more", "more", "more", "more", "more", "more", "more"],
};

describe.each(Object.keys(table).filter((name): name is ReplyName => name in Backend))("%s", (reply) => {
  test.each(oldest)("when the reply to a %s is owed", (sent) => {
    const effect = table[reply][oldest.indexOf(sent)];
    for (const route of routes) {
      const { owed, events } = watched();
      owed.push(RequestKind[sent], route, true);
      owed.push(RequestKind.bind, Delivery.capture, true);
      owed.push(RequestKind.sync, Delivery.capture);
      if (effect === "lost") {
        expect(() => owed.answer(Backend[reply])).toThrow(ProtocolDesync);
        continue;
      }
      expect(owed.answer(Backend[reply])).toBe(effect === "none" ? Delivery.relay : route);
      expect(events).toEqual(
        { last: ["confirmed"], skip: ["failed", "skipped"], more: [], none: [] }[effect ?? "none"],
      );
      expect(owed.headDelivery).toBe(effect === "last" || effect === "skip" ? Delivery.capture : route);
      expect(owed.skipping).toBe(false);
      const toCome = {
        last: [Backend.bindComplete, Backend.readyForQuery],
        skip: [Backend.readyForQuery],
        more: [],
        none: [],
      }[effect ?? "none"];
      for (const next of toCome) expect(owed.answer(next)).toBe(Delivery.capture);
      expect(owed.empty).toBe(effect === "last" || effect === "skip");
    }
  });

  test("when nothing is owed", () => {
    const { owed } = watched();
    const answers = ["parseComplete", "bindComplete", "closeComplete", "readyForQuery"];
    const answer = () => {
      try {
        return owed.answer(Backend[reply]);
      } catch (cause) {
        return cause;
      }
    };
    expect(answer()).toEqual(answers.includes(reply) ? expect.any(ProtocolDesync) : Delivery.relay);
  });
});

describe("an error", () => {
  test("of a Query or a Sync clears nothing: its ReadyForQuery is still to come", () => {
    for (const sent of [RequestKind.query, RequestKind.sync]) {
      const { owed } = watched();
      owed.push(sent, Delivery.drop);
      owed.push(RequestKind.parse);
      expect(owed.answer(Backend.errorResponse)).toBe(Delivery.drop);
      expect(owed.skipping).toBe(false);
      expect(owed.answer(Backend.readyForQuery)).toBe(Delivery.drop);
      expect(owed.answer(Backend.parseComplete)).toBe(Delivery.relay);
      expect(owed.empty).toBe(true);
    }
  });

  test("of an extended message clears everything up to the next Sync, queued Queries included, and nothing behind it", () => {
    const { owed } = watched();
    for (const sent of [
      RequestKind.parse,
      RequestKind.bind,
      RequestKind.query,
      RequestKind.describe,
      RequestKind.copyEnd,
      RequestKind.close,
    ])
      owed.push(sent);
    owed.push(RequestKind.sync, Delivery.drop);
    owed.push(RequestKind.query, Delivery.capture);
    expect(owed.answer(Backend.errorResponse)).toBe(Delivery.relay);
    expect(owed.answer(Backend.readyForQuery)).toBe(Delivery.drop);
    expect(owed.answer(Backend.readyForQuery)).toBe(Delivery.capture);
    expect(owed.empty).toBe(true);
  });

  test("with no Sync sent yet leaves nothing owed, and what is sent before the Sync is not noted", () => {
    const { owed } = watched();
    owed.push(RequestKind.bind);
    owed.push(RequestKind.execute);
    owed.answer(Backend.errorResponse);
    expect(owed.empty).toBe(true);
    expect(owed.skipping).toBe(true);
    for (const sent of [
      RequestKind.parse,
      RequestKind.bind,
      RequestKind.describe,
      RequestKind.execute,
      RequestKind.close,
      RequestKind.query,
      RequestKind.copyEnd,
    ]) {
      owed.push(sent);
      expect(owed.empty).toBe(true);
      expect(owed.skipping).toBe(true);
    }
    owed.push(RequestKind.sync, Delivery.drop);
    expect(owed.skipping).toBe(false);
    owed.push(RequestKind.parse);
    expect(owed.answer(Backend.readyForQuery)).toBe(Delivery.drop);
    expect(owed.answer(Backend.parseComplete)).toBe(Delivery.relay);
    expect(owed.empty).toBe(true);
  });

  test("that nothing is owed for, such as FATAL, goes to the client and changes nothing", () => {
    const { owed } = watched();
    expect(owed.answer(Backend.errorResponse)).toBe(Delivery.relay);
    expect(owed.empty).toBe(true);
  });
});

describe("each Sync has one ReadyForQuery", () => {
  test("in a row of Syncs", () => {
    const { owed } = watched();
    for (const route of routes) owed.push(RequestKind.sync, route);
    for (const route of routes) expect(owed.answer(Backend.readyForQuery)).toBe(route);
    expect(() => owed.answer(Backend.readyForQuery)).toThrow(ProtocolDesync);
  });

  test("also when it fails itself, after a CommandComplete", () => {
    const { owed } = watched();
    owed.push(RequestKind.execute);
    owed.push(RequestKind.sync, Delivery.drop);
    expect(owed.answer(Backend.commandComplete)).toBe(Delivery.relay);
    expect(owed.answer(Backend.errorResponse)).toBe(Delivery.drop);
    expect(owed.answer(Backend.readyForQuery)).toBe(Delivery.drop);
    expect(owed.skipping).toBe(false);
  });
});

test("replies to injected messages are told apart from the client's around them", () => {
  const { owed } = watched();
  owed.push(RequestKind.bind);
  owed.push(RequestKind.parse, Delivery.drop);
  owed.push(RequestKind.execute, Delivery.capture);
  owed.push(RequestKind.describe, Delivery.rows);
  owed.push(RequestKind.execute, Delivery.rows);
  owed.push(RequestKind.sync);
  const { drop, capture, rows, relay } = Delivery;
  const replies: readonly [ReplyName, Delivery][] = [
    ["bindComplete", relay],
    ["parseComplete", drop],
    ["noticeResponse", capture],
    ["dataRow", capture],
    ["notificationResponse", relay],
    ["commandComplete", capture],
    ["rowDescription", rows],
    ["dataRow", rows],
    ["portalSuspended", rows],
    ["parameterStatus", relay],
    ["readyForQuery", relay],
  ];
  for (const [reply, route] of replies) expect([reply, owed.answer(Backend[reply])]).toEqual([reply, route]);
  expect(owed.empty).toBe(true);
});

describe("tracked messages", () => {
  test("are confirmed in their order, and others are not", () => {
    const { owed, events } = watched();
    owed.push(RequestKind.parse, Delivery.relay, true);
    owed.push(RequestKind.parse);
    owed.push(RequestKind.close, Delivery.drop, true);
    owed.push(RequestKind.query, Delivery.relay, true);
    owed.answer(Backend.parseComplete);
    expect(events).toEqual(["confirmed"]);
    owed.answer(Backend.parseComplete);
    expect(events).toEqual(["confirmed"]);
    owed.answer(Backend.closeComplete);
    expect(events).toEqual(["confirmed", "confirmed"]);
    owed.answer(Backend.errorResponse);
    expect(events).toEqual(["confirmed", "confirmed"]);
    owed.answer(Backend.readyForQuery);
    expect(events).toEqual(["confirmed", "confirmed", "confirmed"]);
  });

  test("fail, or are skipped when an earlier one failed, tracked or not", () => {
    const { owed, events } = watched();
    owed.push(RequestKind.parse, Delivery.relay, true);
    owed.push(RequestKind.bind);
    owed.push(RequestKind.close, Delivery.relay, true);
    owed.push(RequestKind.query, Delivery.relay, true);
    owed.push(RequestKind.sync);
    owed.push(RequestKind.parse, Delivery.relay, true);
    owed.answer(Backend.parseComplete);
    owed.answer(Backend.errorResponse);
    expect(events).toEqual(["confirmed", "skipped", "skipped"]);
    owed.answer(Backend.readyForQuery);
    owed.answer(Backend.errorResponse);
    expect(events).toEqual(["confirmed", "skipped", "skipped", "failed"]);
  });

  test("that are sent while Postgres skips are skipped at once", () => {
    const { owed, events } = watched();
    owed.push(RequestKind.parse);
    owed.answer(Backend.errorResponse);
    owed.push(RequestKind.parse, Delivery.relay, true);
    owed.push(RequestKind.bind);
    expect(events).toEqual(["skipped"]);
  });
});

test("the queue grows as long as the client sends, wherever it began", () => {
  const { owed } = watched();
  for (let turn = 0; turn < 40; turn += 1) {
    owed.push(RequestKind.sync);
    owed.answer(Backend.readyForQuery);
  }
  const sent = 5_000;
  for (let i = 0; i < sent; i += 1)
    owed.push(i % 2 === 0 ? RequestKind.parse : RequestKind.bind, routes[i % routes.length]);
  for (let i = 0; i < sent; i += 1) {
    expect(owed.answer(i % 2 === 0 ? Backend.parseComplete : Backend.bindComplete)).toBe(routes[i % routes.length]);
  }
  expect(owed.empty).toBe(true);
});

function watched() {
  const events: ("confirmed" | "failed" | "skipped")[] = [];
  const owed = new PendingReplies({
    confirmed: () => events.push("confirmed"),
    discarded: (skipped) => events.push(skipped ? "skipped" : "failed"),
  });
  return { owed, events };
}
