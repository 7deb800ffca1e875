// What throughline.yaml says of one table: who may write what, which columns are mirrored, and under which names.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { startShelfStack } from "../support/foreign/stack.js";

const start = () =>
  startShelfStack({
    table: {
      as: "volumes",
      columns: ["title", "isbn", "pages"],
      rename: { pages: "length" },
      write: [
        { role: "app", verbs: ["insert", "update"], columns: ["title", "length"], rows: 2 },
        { verbs: ["insert", "update", "delete"] },
      ],
    },
  });

let stack: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  stack = await start();
  stack.api.seed([
    { title: "one", isbn: "1", pages: 1 },
    { title: "two", isbn: "2", pages: 2 },
    { title: "three", isbn: "3", pages: 3 },
  ]);
  await stack.pull();
});
afterAll(() => stack.close());
beforeEach(() => stack.api.clearLog());

test("the mirror has its name and columns from the config, and they travel under the API's", async () => {
  const { rows } = await stack.admin.query(
    "select array_agg(attname::text order by attnum) as names from pg_attribute where attrelid = 'shelf.volumes'::regclass and attnum > 0",
  );
  expect(rows).toEqual([{ names: ["id", "title", "isbn", "length"] }]);
  const client = await stack.client();
  const made = await client.query(
    "insert into shelf.volumes (title, length) values ('four', 4) returning title, length",
  );
  expect(made.rows).toEqual([{ title: "four", length: 4 }]);
  expect(stack.api.log[0]?.sent).toEqual({ title: "four", pages: 4 });
  expect(stack.api.log[0]?.query).toBe("");
});

const refusals: readonly (readonly [string, object])[] = [
  [
    "delete from shelf.volumes where isbn = '1'",
    { code: "42501", message: 'throughline: role "app" may not DELETE on "shelf"."volumes"' },
  ],
  [
    "update shelf.volumes set isbn = '9' where isbn = '1'",
    {
      code: "42501",
      column: "isbn",
      message: 'throughline: role "app" may not write column "isbn" of "shelf"."volumes"',
    },
  ],
  [
    "update shelf.volumes set length = 0",
    { code: "54000", message: 'throughline: role "app" may write 2 rows of "shelf"."volumes" in one statement, not 4' },
  ],
];

test.each(refusals)("%s is refused by the policy before anything is sent", async (sql, error) => {
  const client = await stack.client();
  expect(await refused(client.query(sql))).toMatchObject({
    ...error,
    hint: 'Nothing was sent. The rule is "write" of apis.shelf.tables.books in throughline.yaml.',
  });
  expect(stack.api.log).toEqual([]);
});

test("a rule is for the role that the statement runs as", async () => {
  const client = await stack.client();
  const two = await client.query("update shelf.volumes set length = 7 where isbn in ('1', '2')");
  expect(two.rowCount).toBe(2);
  const owner = await stack.client("postgres");
  await owner.query("delete from shelf.volumes where isbn = '3'");
  expect(stack.api.records().map(({ isbn }) => isbn)).not.toContain("3");
});
