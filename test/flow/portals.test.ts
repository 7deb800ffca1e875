// A portal of a write is refused, with nothing sent, once its statement has changed or another has run since its Bind.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { mirrored, upstream } from "../support/answers.js";
import { conversation, query, type Step } from "../support/conversation.js";
import { type Stack, startStack } from "../support/stack.js";
import { startThings, type Things } from "../support/things.js";
import { WireClient } from "../support/wire.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

/** Nothing was sent, and nothing is written anywhere. */
async function untouched(): Promise<void> {
  const labels = { a: "one", b: "two" };
  expect({ mirror: await things.labels(), plain: await things.labels("plain"), requests: things.api.requests }).toEqual(
    {
      mirror: labels,
      plain: labels,
      requests: [],
    },
  );
}

describe("a portal", () => {
  let wire: WireClient;
  beforeEach(async () => {
    wire = await WireClient.login(things.port, "app", things.database);
    return () => wire.close();
  });
  const update = (table: string) => `update ${table} set label = $1 where target = 'a' returning computed`;
  const other = "delete from mirror.things where label <> $1 and origin = 1 returning target";
  const bound = (name: string, text = update("mirror.things"), value = "old") => [
    serialize.parse({ name, text }),
    serialize.bind({ statement: name, portal: "p", values: [value] }),
  ];
  const closed = serialize.close({ type: "S", name: "w" });
  const run = (text: string) => [
    serialize.parse({ name: "s", text }),
    serialize.bind({ statement: "s" }),
    serialize.execute({}),
  ];
  const execute = [serialize.execute({ portal: "p" }), serialize.sync()];

  test.each([
    ["closed", [...bound("w"), closed]],
    ["closed, and its name another's", [...bound("w"), closed, serialize.parse({ name: "w", text: other })]],
    ["replaced, being unnamed, by another write", [...bound(""), serialize.parse({ text: other })]],
    [
      "replaced, being unnamed, by what reads",
      [...bound(""), serialize.parse({ text: "select 7" }), serialize.bind({})],
    ],
  ])("P2: is refused when its statement was %s", async (_, messages) => {
    const said = await wire.ask(...messages, ...execute);
    expect(said.slice(-2)).toEqual(["E 0A000", "Z I"]);
    await untouched();
  });

  const changes: readonly (readonly [string, string, readonly Buffer[], string])[] = [
    ["search_path, to the mirror's", "plain", bound("w", update("things")), "set search_path = mirror"],
    ["search_path, away from the mirror's", "mirror", bound("w", update("things")), "set search_path = plain"],
    [
      "the order of days and months",
      "mirror",
      bound("w", "update things set at = $1 where target = 'a' returning at", "03/02/2026"),
      "set datestyle = 'ISO, DMY'",
    ],
  ];
  test.each(changes)(
    "P2: is refused when a statement has run since its Bind: of %s",
    async (_, path, messages, change) => {
      await wire.ask(serialize.query(`set search_path = ${path}`));
      expect((await wire.ask(...messages, ...run(change), ...execute)).slice(-2)).toEqual(["E 0A000", "Z I"]);
      await wire.ask(serialize.query("deallocate all; begin"));
      await wire.ask(...messages, serialize.sync());
      await wire.ask(serialize.query(change));
      expect(await wire.ask(...execute)).toEqual(["E 0A000", "Z E"]);
      await wire.ask(serialize.query("rollback"));
      await untouched();
    },
  );
});

describe("P2: a write by a portal that no longer matches its statement is refused, and nothing is sent", () => {
  let stack: Stack;
  beforeEach(async () => {
    stack = await startStack({ seed: [{ email: "ada@x.com", firstname: "Ada" }], waitMs: 8_000 });
    await stack.admin.query("create table public.ledger (no int); grant all on public.ledger to app");
    stack.sandbox.clearLog();
    return async () => {
      // A session that hangs would hold up the proxy's end.
      await stack.admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app' and datname = current_database()",
      );
      await stack.close();
    };
  }, 30_000);
  const { bind, close, execute, parse, sync } = serialize;
  const insert = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com') returning email`;
  const update = (name: string) => `update hubspot.contacts set firstname = '${name}' where email = 'ada@x.com'`;
  const remove = "delete from hubspot.contacts where email = 'ada@x.com'";
  async function expectNothing(said: readonly string[]): Promise<void> {
    const errors = said.filter((message) => message.startsWith("E"));
    expect({ errors, writes: stack.writes() }).toEqual({ errors: ["E 0A000"], writes: [] });
    expect(upstream(stack)).toEqual(["ada@x.com Ada"]);
    expect(await mirrored(stack)).toEqual(["ada@x.com Ada"]);
  }
  const rebound = (first: string, then: string) => [
    [
      parse({ text: first }),
      bind({ portal: "p" }),
      parse({ text: then }),
      bind({ portal: "q" }),
      execute({ portal: "p" }),
      sync(),
    ],
  ];
  test.each<[what: string, steps: readonly Step[]]>([
    ["the unnamed statement has become another write", rebound(insert("a"), insert("b"))],
    ["the unnamed statement has become a read", rebound(insert("a"), "select 1")],
    ["an UPDATE has become a DELETE", rebound(update("X"), remove)],
    [
      "its statement was closed",
      [
        [
          parse({ name: "w", text: insert("a") }),
          bind({ statement: "w" }),
          close({ type: "S", name: "w" }),
          execute({}),
          sync(),
        ],
      ],
    ],
    [
      "its statement was closed, and another has its name",
      [
        [
          parse({ name: "w", text: insert("a") }),
          bind({ statement: "w" }),
          close({ type: "S", name: "w" }),
          parse({ name: "w", text: insert("b") }),
          execute({}),
          sync(),
        ],
      ],
    ],
    [
      "in a transaction, the unnamed statement has become a read",
      [
        query("begin"),
        "Z",
        [parse({ text: insert("a") }), bind({ portal: "C_1" }), sync()],
        "Z",
        [parse({ text: "select 1" }), sync()],
        "Z",
        [execute({ portal: "C_1", rows: 2 }), sync()],
        "Z",
        query("rollback"),
      ],
    ],
    [
      "another statement ran since its Bind",
      [
        [
          parse({ name: "w", text: update("X") }),
          bind({ statement: "w", portal: "p" }),
          parse({ name: "n", text: "insert into ledger values (1)" }),
          bind({ statement: "n", portal: "q" }),
          execute({ portal: "q" }),
          execute({ portal: "p" }),
          sync(),
        ],
      ],
    ],
    [
      "in a transaction, another statement ran since its Bind",
      [
        query("begin"),
        "Z",
        [parse({ name: "w", text: update("X") }), bind({ statement: "w", portal: "p" }), sync()],
        "Z",
        query("insert into ledger values (1)"),
        "Z",
        [execute({ portal: "p" }), sync()],
        "Z",
        query("rollback"),
      ],
    ],
  ])("%s", { timeout: 15_000 }, async (_, steps) => {
    await expectNothing(await conversation(stack.port, stack.database, steps));
  });
});
