// Until Postgres has let the client in, nothing that it sends is looked at.

import { afterAll, beforeAll, expect, test } from "vitest";
import { PendingReplies } from "../../protocol/pending-replies.js";
import { nextTurn, type Turn } from "../../src/proxy/authentication.js";
import { FrontendReader } from "../../src/proxy/frontend.js";
import { Inflow } from "../../src/proxy/inflow.js";
import { Statements } from "../../src/proxy/statements.js";
import { type Stack, startStack } from "../support/stack.js";
import { message, query, startup, terminate } from "./build.js";
import { Raw } from "./raw.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const codes = { ok: 0, password: 3, sasl: 10, saslContinue: 11, saslFinal: 12 };

test("whose turn it is follows Postgres's requests, and a message that comes early takes no turn", () => {
  const table: readonly [Turn, number | "message", Turn][] = [
    ["postgres", codes.ok, "done"],
    ["postgres", codes.password, "client"],
    ["postgres", codes.sasl, "client"],
    ["postgres", codes.saslContinue, "client"],
    ["postgres", codes.saslFinal, "postgres"],
    ["postgres", "message", "postgres"],
    ["client", codes.ok, "done"],
    ["client", codes.password, "client"],
    ["client", codes.sasl, "client"],
    ["client", codes.saslContinue, "client"],
    ["client", codes.saslFinal, "postgres"],
    ["client", "message", "postgres"],
    ["done", codes.ok, "done"],
    ["done", codes.password, "done"],
    ["done", "message", "done"],
  ];
  for (const [turn, event, next] of table)
    expect(nextTurn(turn, event === "message" ? { kind: "message" } : { kind: "request", code: event })).toBe(next);
});

test("P15: no text is looked at before AuthenticationOk, whatever Postgres asks for, and all of it is kept for later", () => {
  const seen: string[] = [];
  const lookout = {
    awake: true,
    read: (bytes: Buffer) => {
      seen.push(bytes.toString("latin1"));
      return { suspect: false, executes: false };
    },
    known: () => undefined,
  };
  const statements = new Statements();
  const replies = new PendingReplies(statements);
  const reader = new FrontendReader(replies, statements, lookout, {
    transaction: { isOurs: false, hasFailed: false },
    isUnfollowed: false,
    textEncoding: "utf8",
    hold: () => undefined,
    goodbye: () => undefined,
  });
  const inflow = new Inflow(reader);
  const password = message("p", "secret\0");
  expect(inflow.readOwned(Buffer.concat([password, query("insert into contacts")]))).toHaveLength(0);
  reader.authenticate(codes.password);
  expect(inflow.read()).toEqual(password);
  expect(inflow.read()).toHaveLength(0);
  expect(seen).toEqual([]);
  reader.authenticate(codes.ok);
  expect(inflow.read()).toEqual(query("insert into contacts"));
  expect(seen).toHaveLength(1);
});

test("P10: what a client sends behind its startup packet is answered once Postgres has let it in", async () => {
  const raw = new Raw({ host: "127.0.0.1", port: stack.port });
  const insert = query("insert into hubspot.contacts (email) values ('early@one.example')");
  raw.send(
    Buffer.concat([
      startup([
        ["user", "app"],
        ["database", stack.database],
      ]),
      insert,
      query("select 1"),
      terminate,
    ]),
  );
  await raw.untilEnd();
  expect(raw.letters.replace(/^.*?Z/, "")).toBe(" C Z T D C Z");
  expect(stack.writes()).toHaveLength(1);
});
