// The guard: no write reaches a mirror but through the proxy's write path, whoever makes it and however it is hidden.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    seed: [{ email: "ada@example.com", firstname: "Ada", city: "London" }, { email: "bob@example.com" }],
  });
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

interface Refused {
  readonly code: string;
  readonly message: string;
}
const refusal = (promise: Promise<unknown>): Promise<Refused> =>
  promise.then(
    () => ({ code: "accepted", message: "" }),
    (cause) => cause,
  );
const snapshot = async () => (await stack.admin.query("select * from hubspot.contacts order by id")).rows;

/** Where nobody reads the text, Postgres itself is the last to ask. */
const unseen = (sql: string) => `do $$begin execute replace('${sql}', '~', 'con' || 'tacts'); end$$`;

const writes = [
  "insert into hubspot.contacts (email) values ('direct@example.com')",
  "update hubspot.contacts set firstname = 'direct'",
  "delete from hubspot.contacts",
  "insert into hubspot.contacts (id, email) values ('501', 'x') on conflict (id) do update set email = 'direct'",
  "with w as (delete from hubspot.contacts returning *) select count(*) from w",
  "do $$begin delete from hubspot.contacts; end$$",
];

test.each(writes)("P9: a direct connection is refused by Postgres itself: %s", async (sql) => {
  const before = await snapshot();
  const direct = await stack.direct();
  const error = await refusal(direct.query(sql));
  expect(error.code).toBe("0A000");
  expect(error.message).toMatch(
    /^throughline: this \w+ of mirror table "hubspot"\."contacts" did not come through Throughline$/,
  );
  expect(await snapshot()).toEqual(before);
});

test("P9: a superuser's direct write, TRUNCATE and COPY are refused as well", async () => {
  const before = await snapshot();
  expect((await refusal(stack.admin.query(writes[1] ?? ""))).code).toBe("0A000");
  const truncate = await refusal(stack.admin.query("truncate hubspot.contacts"));
  expect(truncate).toMatchObject({
    code: "0A000",
    message: 'throughline: TRUNCATE of mirror table "hubspot"."contacts" is not offered',
  });
  expect(
    (await refusal(stack.admin.query("copy hubspot.contacts (email) from program 'echo x@example.com'"))).code,
  ).toBe("0A000");
  expect(await snapshot()).toEqual(before);
});

test("P9: a cascade into the mirror is refused, directly and through the proxy", async () => {
  await stack.admin.query("create table public.owner (id int primary key)");
  await stack.admin.query("insert into public.owner values (1)");
  await stack.admin.query(
    "alter table hubspot.contacts add column owner int references public.owner on delete cascade",
  );
  await stack.admin.query("update hubspot.contacts set owner = 1 where email = 'ada@example.com'");
  await stack.admin.query("grant all on public.owner to app");
  for (const client of [await stack.direct(), await stack.client(), stack.admin]) {
    const error = await refusal(client.query("delete from public.owner"));
    expect(error).toMatchObject({ code: "0A000" });
    expect(error.message).toContain("DELETE of mirror table");
  }
  expect(stack.writes()).toEqual([]);
  await stack.admin.query("alter table hubspot.contacts drop column owner");
});

test("P9: a write that only appears at run time is refused through the proxy as well, with no request", async () => {
  await stack.admin.query(
    "create function public.sneak() returns void language plpgsql as $$begin execute 'delete from hubspot.con' || 'tacts'; end$$",
  );
  await stack.admin.query("grant all on hubspot.contacts to app");
  const before = await snapshot();
  const client = await stack.client();
  for (const sql of [
    "select public.sneak()",
    unseen("delete from hubspot.~"),
    "select 1; select public.sneak()",
    "create temp table t (); begin; select public.sneak(); commit",
    "rollback; explain analyze select public.sneak()",
    "truncate hubspot.contacts",
  ]) {
    expect(await refusal(client.query(sql)), sql).toMatchObject({ code: "0A000" });
  }
  expect(stack.sandbox.log).toEqual([]);
  expect(await snapshot()).toEqual(before);
});

const call = "00000000-0000-0000-0000-000000000001";

test("P9: no setting opens the guard", async () => {
  const before = await snapshot();
  for (const client of [await stack.direct(), await stack.client()]) {
    for (const mode of ["plan", "apply", "close", "", ":", "plan:x", "apply:;drop"]) {
      for (const value of [`${mode}:${call}`, mode]) {
        await client.query("begin");
        await client.query(
          "select set_config('throughline.call', $1, false), set_config('throughline.n', '0', false)",
          [value],
        );
        await client.query(
          "select set_config('throughline.session', 'throughline', false), set_config('throughline.bypass', 'on', false)",
        );
        // By a function, so that no statement of the proxy's is in between.
        const error = await refusal(client.query(unseen("update hubspot.~ set firstname = upper(firstname)")));
        expect(error, value).toMatchObject({ code: "0A000" });
        await client.query("rollback");
      }
    }
  }
  expect(await snapshot()).toEqual(before);
});

test("P9: forged calls of Throughline's functions are refused, and none of its tables can be read", async () => {
  const uuid = `'${call}'::uuid`;
  const forged = [
    `select throughline.plan(${uuid}, 100, ${uuid}, '\\x00')`,
    `select throughline.plan(${uuid}, 100, null, null)`,
    `select throughline.planned(${uuid}, ${uuid}, '\\x00')`,
    `select throughline.lock(1, '["501"]', false, ${uuid}, null)`,
    `select throughline.stage(${uuid}, '[]', false, ${uuid}, '\\x00')`,
    `select throughline.refuse('TL002', 'forged', null, null, null, null, null, null, ${uuid}, '\\x00')`,
    `select throughline.close(${uuid}, 1, '[]', ${uuid}, '\\x00')`,
    `select throughline.seal('x', ${uuid})`,
    `select throughline.unseal('AAAA', ${uuid})`,
    `select throughline.check_mac('x', ${uuid}, '\\x00')`,
    `select throughline.apply_1('[]')`,
    `select throughline.lock_1('{501}', false)`,
    "select * from throughline.proxy_key",
    "select * from throughline.journal",
    "select * from throughline.opened",
    "select * from throughline.staged",
    "insert into throughline.applied values (gen_random_uuid())",
  ];
  for (const client of [await stack.direct(), await stack.client()]) {
    for (const sql of forged) expect(await refusal(client.query(sql)), sql).toMatchObject({ code: "42501" });
  }
});

test("P9: settings and tables of Throughline that a statement reads in RETURNING open nothing later", async () => {
  const client = await stack.client();
  const { rows } = await client.query(
    `insert into hubspot.contacts (email) values ('curious@example.com')
     returning current_setting('throughline.call', true) as call, current_setting('throughline.n', true) as n`,
  );
  const before = await snapshot();
  await client.query("select set_config('throughline.call', $1, false), set_config('throughline.n', '0', false)", [
    rows[0].call,
  ]);
  expect(await refusal(client.query(unseen("delete from hubspot.~")))).toMatchObject({
    code: "0A000",
  });
  expect(await snapshot()).toEqual(before);
  const names = await refusal(
    client.query(
      "insert into hubspot.contacts (email) values ('curious2@example.com') returning (select string_agg(key::text, '') from throughline.proxy_key)",
    ),
  );
  expect(names).toMatchObject({ code: "42501" });
  expect(stack.writes()).toHaveLength(1);
});

test("P9: a mirror row that a function changes during planning is planned, sent and applied with its statement", async () => {
  await stack.admin.query(
    `create function public.meddle() returns int language plpgsql as $$begin
       update hubspot.contacts set firstname = 'meddled' where email = 'bob@example.com'; return 1; end$$`,
  );
  const client = await stack.client();
  await client.query(
    "update hubspot.contacts set city = 'Paris' where email = 'ada@example.com' returning public.meddle()",
  );
  expect(stack.writes()).toEqual(["POST /crm/v3/objects/contacts/batch/update"]);
  const upstream = stack.sandbox
    .records("contacts")
    .find(({ properties }) => properties["email"] === "bob@example.com");
  expect(upstream?.properties["firstname"]).toBe("meddled");
  expect(
    (await stack.admin.query("select firstname from hubspot.contacts where email = 'bob@example.com'")).rows,
  ).toEqual([{ firstname: "meddled" }]);
});

test("P9: a mirror row that a function changes only while its statement is applied is not written", async () => {
  await stack.admin.query("create sequence public.turn");
  await stack.admin.query("grant all on public.turn to app");
  await stack.admin.query(
    `create function public.turncoat() returns int language plpgsql as $$begin
       if nextval('public.turn') > 2 then update hubspot.contacts set firstname = 'turned' where email = 'bob@example.com'; end if;
       return 1; end$$`,
  );
  const client = await stack.client();
  const before = await snapshot();
  await client.query(
    "update hubspot.contacts set city = 'Rome' where email = 'ada@example.com' returning public.turncoat()",
  );
  const bob = (rows: readonly { email: string; firstname: string }[]) =>
    rows.find(({ email }) => email === "bob@example.com")?.firstname;
  expect(bob(await snapshot())).toBe(bob(before));
});

test("an error shows nothing of Throughline's functions, and no statement or cursor of its own stays in the session", async () => {
  const client = await stack.client();
  await client.query("set log_parameter_max_length_on_error = -1");
  const error = await client.query("insert into hubspot.contacts (email) values ('nonsense')").catch((cause) => cause);
  expect(error).toMatchObject({ code: "22P02", where: undefined, routine: undefined, file: undefined });
  await client.query("insert into hubspot.contacts (email) values ('clean@example.com')");
  expect((await client.query("select name from pg_prepared_statements")).rows).toEqual([]);
  expect((await client.query("select name from pg_cursors")).rows).toEqual([]);
});

test("P9: the proxy's own login is not let in through the proxy", async () => {
  await expect(stack.client("throughline")).rejects.toMatchObject({ code: "28000" });
});
