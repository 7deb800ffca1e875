// A command that Postgres runs in no transaction block can't stand behind a write in one string: then nothing is sent.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { conversation } from "../support/conversation.js";
import { startThings, type Things } from "../support/things.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

const write = "update mirror.things set label = 'lone' where target = 'a'";

test.each([
  "reindex (concurrently) table plain.things",
  "reindex schema plain",
  "cluster",
  "commit prepared 'x'",
  "rollback prepared 'x'",
])("P5: behind a write, a command that has to be alone is refused before anything is sent: %s", async (sql) => {
  const client = await things.client();
  expect(await refused(client.query(`${write}; ${sql}`))).toMatchObject({ code: "25001" });
  expect(things.api.requests).toEqual([]);
});

test.each(["vacuum", "create database nope", "discard all"])(
  "P5: a string that can't run to its end sends nothing: a write, then %s",
  async (last) => {
    const said = await conversation(things.port, things.database, [[serialize.query(`${write}; ${last}`)], "Z"]);
    expect({ errors: said.filter((message) => message.startsWith("E")), writes: things.api.requests }).toEqual({
      errors: [expect.any(String)],
      writes: [],
    });
  },
);
