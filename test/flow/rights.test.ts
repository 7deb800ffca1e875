// What a signed argument of ours is worth in an attacker's hand, and what reaches a mirror past its guard. The tests sign themselves.

import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Signer } from "../../src/postgres/mac.js";
import { refused } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
let signer: Signer;
let before: unknown;
const snapshot = async () => (await stack.admin.query("select * from hubspot.contacts order by id")).rows;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com", firstname: "Ada" }, { email: "bob@example.com" }] });
  signer = await Signer.register(stack.opened.pool);
  before = await snapshot();
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

interface Signed {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Real calls of our functions, signed for that session. */
async function signedFor(client: pg.Client) {
  const [{ pid }] = (await client.query("select pg_backend_pid() as pid")).rows;
  const call = randomUUID();
  const { proxy } = signer;
  const plan: Signed = {
    text: "select throughline.plan($1, $2, $3, $4)",
    values: [call, 100, proxy, signer.mac(`plan|${call}|100`, pid)],
  };
  const [{ row }] = (await stack.admin.query("select row_to_json(c) as row from hubspot.contacts c where id = '501'"))
    .rows;
  const rows = JSON.stringify([{ n: null, key: "501", row: { ...row, firstname: "Forged" }, local: {} }]);
  const stage: Signed = {
    text: "select throughline.stage($1, $2, $3, $4)",
    values: [call, rows, proxy, signer.mac(`stage|${call}|${rows}`, pid)],
  };
  return { plan, stage };
}

/** Where nobody reads the text. */
const forge = "do $$begin execute 'update hubspot.con' || 'tacts set firstname = ''Forged'''; end$$";

const attacks: readonly (readonly [name: string, statements: readonly (string | "plan" | "stage")[]])[] = [
  ["plan by itself", ["plan"]],
  ["plan, a write, COMMIT", ["begin", "plan", forge, "commit"]],
  ["plan, a write, COMMIT AND CHAIN", ["begin", "plan", forge, "commit and chain"]],
  ["plan in a savepoint that is released", ["begin", "savepoint a", "plan", "release a", forge, "commit"]],
  ["plan behind SET CONSTRAINTS", ["begin", "set constraints all immediate", "plan", forge, "commit"]],
  ["plan before SET CONSTRAINTS", ["begin", "plan", forge, "set constraints all immediate"]],
  [
    "plan, constraints deferred by name, a write, COMMIT",
    ["begin", "plan", "set constraints throughline.left_open deferred", forge, "commit"],
  ],
  ["stage by itself", ["stage"]],
  ["stage, a write, COMMIT", ["begin", "stage", forge, "commit"]],
];

test.each(attacks)("P14: a real signature changes no mirror: %s", async (_, statements) => {
  for (const client of [await stack.direct(), await stack.client()]) {
    const signed = await signedFor(client);
    const errors: unknown[] = [];
    for (const statement of statements) {
      const query = statement === "plan" || statement === "stage" ? signed[statement] : statement;
      await client.query(typeof query === "string" ? query : { ...query, values: [...query.values] }).catch((cause) => {
        errors.push(cause.code);
      });
    }
    expect(errors).toEqual(["42501"]);
    await client.query("rollback");
    expect(await snapshot()).toEqual(before);
    expect((await stack.admin.query("select from throughline.opened")).rowCount).toBe(0);
  }
  expect(stack.writes()).toEqual([]);
});

test("P14: a call that was committed open, as a superuser can, opens nothing for anybody", async () => {
  const call = randomUUID();
  await stack.admin.query(`alter table throughline.opened disable trigger left_open;
    insert into throughline.opened (call, mode) values ('${call}', 'apply');
    insert into throughline.staged (call, key, full_row) values ('${call}', '501', '{"firstname": "Forged"}');
    alter table throughline.opened enable always trigger left_open`);
  const direct = await stack.direct();
  for (const mode of ["plan", "apply", "close"]) {
    await direct.query(`set throughline.call = '${mode}:${call}'`);
    expect(await refused(direct.query("update hubspot.contacts set firstname = 'x'"))).toMatchObject({ code: "0A000" });
    expect(await refused(direct.query("delete from hubspot.contacts"))).toMatchObject({ code: "0A000" });
  }
  expect(await snapshot()).toEqual(before);
  await stack.admin.query("delete from throughline.opened; delete from throughline.staged");
});

test("P14: the guard fires for a session that says it is a replica", async () => {
  await stack.admin.query("set session_replication_role = replica");
  for (const sql of [
    "update hubspot.contacts set firstname = 'x'",
    "delete from hubspot.contacts",
    "insert into hubspot.contacts (email) values ('x')",
    "truncate hubspot.contacts",
  ])
    expect(await refused(stack.admin.query(sql)), sql).toMatchObject({ code: "0A000" });
  await stack.admin.query("reset session_replication_role");
  expect(await snapshot()).toEqual(before);
});

test.each(["~zzz", "~throughline_z", "~throughline0"])(
  "P14: a trigger that fires behind the guard changes nothing of upstream's: %s",
  async (name) => {
    await stack.admin.query(`create function public.meddle() returns trigger language plpgsql as 'begin new.firstname := ''late''; return new; end';
    create trigger "${name}" before update on hubspot.contacts for each row execute function public.meddle()`);
    const direct = await stack.direct();
    expect(await refused(direct.query("update hubspot.contacts set firstname = firstname"))).toMatchObject({
      code: "27000",
      table: "contacts",
    });
    const client = await stack.client();
    expect(await refused(client.query("update hubspot.contacts set lastname = 'x' where id = '501'"))).toMatchObject({
      code: "0A000",
    });
    await stack.admin.query("drop function public.meddle() cascade");
    expect(await snapshot()).toEqual(before);
    expect(stack.writes()).toEqual([]);
  },
);
