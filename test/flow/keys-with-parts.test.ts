// Keys of several columns, of which the API assigns some or none: test/support/keys.yaml.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { idPrefix } from "../support/echo.js";
import { type EchoStack, startEchoStack } from "../support/echo-stack.js";
import { pastGuard } from "../support/past-guard.js";

const nth = (n: number) => `${idPrefix}${String(n).padStart(12, "0")}`;

/** What JSON and Postgres quote, each in its own way. */
const odd = 'a "quoted" back\\slash, tab\t, {brace} and é';

describe("a key whose second column the API assigns", () => {
  let stack: EchoStack;
  beforeAll(async () => {
    stack = await startEchoStack("forge", "keys.yaml", "issues");
  });
  afterAll(() => stack.close());
  beforeEach(async () => {
    stack.echo.reset([
      { id: "1", fields: { repo: "a", title: "one" } },
      { id: "2", fields: { repo: odd, title: "two" } },
      { id: "3", fields: { repo: "a", title: "three" } },
    ]);
    await pastGuard(stack.admin, "forge.issues", "delete from forge.issues");
    await stack.pull();
    stack.echo.reset(stack.echo.records());
  });
  const mirrored = async () =>
    (await stack.admin.query('select repo, id, title from forge.issues order by id collate "C"')).rows;

  test("P1: rows are created, and RETURNING has the whole key", async () => {
    const client = await stack.client();
    const { rows } = await client.query(
      "insert into forge.issues (repo, title) values ($1, 'four'), ('b', 'five') returning repo, id, title",
      [odd],
    );
    expect(rows).toEqual([
      { repo: odd, id: nth(1), title: "four" },
      { repo: "b", id: nth(2), title: "five" },
    ]);
    expect(stack.echo.requests).toEqual(["POST /records/create"]);
    expect((await mirrored()).slice(-2)).toEqual(rows);
  });

  test("P1: rows are changed and deleted by their key", async () => {
    const client = await stack.client();
    const changed = await client.query("update forge.issues set title = upper(title) where repo = $1 returning *", [
      odd,
    ]);
    expect(changed.rows).toEqual([{ repo: odd, id: "2", title: "TWO" }]);
    await client.query("update forge.issues set title = 'both' where (repo, id) in (('a', '1'), ('a', '3'))");
    await client.query("delete from forge.issues where id = '1'");
    expect(stack.echo.requests).toEqual(["PATCH /records/2", "POST /records/update", "DELETE /records/1"]);
    expect(await mirrored()).toEqual([
      { repo: odd, id: "2", title: "TWO" },
      { repo: "a", id: "3", title: "both" },
    ]);
  });

  test("a key part of the API's own can't be given, and the client's part can be neither changed nor left out", async () => {
    const client = await stack.client();
    const statements = [
      "insert into forge.issues (repo, id, title) values ('a', '9', 'x')",
      "update forge.issues set repo = 'b' where id = '1'",
      "update forge.issues set id = '9' where id = '1'",
      "insert into forge.issues (title) values ('x')",
    ];
    const codes = [];
    for (const sql of statements) codes.push((await refused(client.query(sql))).code);
    expect(codes).toEqual(["428C9", "428C9", "428C9", "23502"]);
    expect(stack.echo.requests).toEqual([]);
  });

  test("P6: rows that the client rolls back are repaired by their key", async () => {
    const client = await stack.client();
    await client.query("begin; update forge.issues set title = 'kept' where id = '2'");
    await client.query("rollback");
    await client.query("begin");
    await client.query("delete from forge.issues where id = '3'");
    await client.query("rollback");
    expect(await mirrored()).toEqual([
      { repo: "a", id: "1", title: "one" },
      { repo: odd, id: "2", title: "kept" },
    ]);
  });

  test("two rows may share the assigned part of their keys", async () => {
    await pastGuard(
      stack.admin,
      "forge.issues",
      "insert into forge.issues (repo, id, title) values ('b', '1', 'same number')",
    );
    const client = await stack.client();
    await client.query("update forge.issues set title = 'first' where id = '1' and repo = 'a'");
    expect((await mirrored()).map(({ repo, title }) => [repo, title])).toContainEqual(["b", "same number"]);
  });
});

describe("a key that is given with the INSERT", () => {
  let stack: EchoStack;
  beforeAll(async () => {
    stack = await startEchoStack("crm", "keys.yaml", "links");
  });
  afterAll(() => stack.close());

  test("P1: is what the row is created, read again, changed and deleted by", async () => {
    stack.echo.reset([]);
    const client = await stack.client();
    const made = await client.query(
      "insert into crm.links (origin, target, label) values (9007199254740993, $1, 'x') returning *",
      ["b/c"],
    );
    const row = { origin: "9007199254740993", target: "b/c", label: "x" };
    expect(made.rows).toEqual([row]);
    const changed = await client.query("update crm.links set label = 'y' where target = 'b/c' returning *");
    expect(changed.rows).toEqual([{ ...row, label: "y" }]);
    await client.query("delete from crm.links");
    const path = "/records/9007199254740993~b%2Fc";
    const read = "POST /records/read";
    expect(stack.echo.requests).toEqual([`PUT ${path}`, read, `PATCH ${path}`, read, `DELETE ${path}`]);
    expect(stack.echo.records()).toEqual([]);
  });

  test("P5: one that is there already is Postgres's own error, and one that only the API has is the API's", async () => {
    const client = await stack.client();
    const twice = "insert into crm.links (origin, target) values (1, 'a')";
    await client.query(twice);
    stack.echo.reset(stack.echo.records());
    expect(await refused(client.query(twice))).toMatchObject({ code: "23505", constraint: "links_pkey" });
    expect(await refused(client.query(`${twice} on conflict do nothing`))).toEqual({ code: "accepted" });
    expect(stack.echo.requests).toEqual([]);
    await pastGuard(stack.admin, "crm.links", "delete from crm.links");
    expect(await refused(client.query(twice))).toMatchObject({
      code: "23505",
      message: expect.stringContaining("1~a"),
    });
  });
});
