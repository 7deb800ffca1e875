// An error between acceptance and the end of COMMIT is TL002, so that no client repeats the statement.

import { beforeEach, describe, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com", firstname: "Ada" }] });
  return () => stack.close();
});

const insert = "insert into hubspot.contacts (email, firstname) values ('NEW@x.com', 'New')";
/** The API writes e-mail addresses in lower case: what is accepted is not what was planned. */
const canonical = "new@x.com";

interface After {
  readonly what: string;
  /** Run as an administrator. */
  readonly given?: string;
  readonly sql?: string;
  readonly code: string;
}

const errors: readonly After[] = [
  {
    what: "RETURNING fails on the canonical row",
    sql: `${insert} returning 1 / (email <> lower(email))::int`,
    code: "22012",
  },
  {
    what: "a CHECK of the user's refuses the canonical row",
    given: "alter table hubspot.contacts add constraint loud check (email <> 'new@x.com')",
    code: "23514",
  },
  {
    what: "an AFTER trigger of the user's fails on it",
    given: `create function public.fail() returns trigger language plpgsql as $$begin if new.email = 'new@x.com' then raise 'no' using errcode = '40001'; end if; return new; end$$;
      create trigger fail after insert on hubspot.contacts for each row execute function public.fail()`,
    code: "40001",
  },
  {
    what: "a unique index of the user's has its value",
    given: `create table public.taken (email text primary key); insert into public.taken values ('new@x.com');
      create function public.claim() returns trigger language plpgsql security definer as $$begin insert into public.taken values (new.email); return new; end$$;
      create trigger claim after insert on hubspot.contacts for each row when (new.email = 'new@x.com') execute function public.claim()`,
    code: "23505",
  },
  {
    what: "row security lets nobody see it",
    given: `alter table hubspot.contacts enable row level security; create policy loud on hubspot.contacts to app using (true) with check (email <> 'new@x.com')`,
    code: "42501",
  },
  {
    what: "a deadlock is found while it is applied",
    given: `create function public.dead() returns trigger language plpgsql as $$begin if new.email = 'new@x.com' then raise 'dead' using errcode = '40P01'; end if; return new; end$$;
      create trigger dead after insert on hubspot.contacts for each row execute function public.dead()`,
    code: "40P01",
  },
];

describe.each([false, true])("in a transaction of the client's: %s", (explicit) => {
  test.each(errors)("TL002: $what", async ({ given = "", sql = insert, code }) => {
    if (given !== "") await stack.admin.query(given);
    const client = await stack.client();
    if (explicit) await client.query("begin");
    const error = await client.query(sql).catch((cause) => cause);
    expect(error).toMatchObject({
      code: "TL002",
      message: expect.stringMatching(/accepted upstream .* do not repeat/),
      detail: expect.stringContaining(code),
    });
    expect(stack.sandbox.records("contacts").map(({ properties }) => properties["email"])).toContain(canonical);
  });
});

test.each([
  [
    "a serialization failure of a later statement",
    "40001",
    ["do $$begin raise 'again' using errcode = '40001'; end$$"],
  ],
  ["a deadlock of a later statement", "40P01", ["do $$begin raise 'dead' using errcode = '40P01'; end$$"]],
  ["a serialization failure at COMMIT", "40001", ["insert into public.late values (1)", "commit"]],
])("TL002: %s", async (_, code, texts) => {
  await stack.admin.query(`create table public.late (no int); grant all on public.late to app;
    create function public.late() returns trigger language plpgsql as $$begin raise 'late' using errcode = '40001'; end$$;
    create constraint trigger late after insert on public.late deferrable initially deferred for each row execute function public.late()`);
  const client = await stack.client();
  await client.query("begin");
  await client.query(insert);
  const outcomes = [];
  for (const text of texts)
    outcomes.push(
      await client.query(text).then(
        () => undefined,
        (cause) => cause,
      ),
    );
  expect(outcomes.at(-1)).toMatchObject({ code: "TL002", detail: expect.stringContaining(code) });
  await client.query("rollback");
  const { rowCount } = await stack.admin.query("select from hubspot.contacts where email = $1", [canonical]);
  expect(rowCount).toBe(1);
});

test("P4: an error before acceptance is Postgres's own, and nothing is sent", async () => {
  const client = await stack.client();
  for (const [sql, code] of [
    [`${insert} returning 1 / 0`, "22012"],
    ["insert into hubspot.contacts (email) values ('ada@x.com')", "23505"],
    ["do $$begin raise 'again' using errcode = '40001'; end$$", "40001"],
  ]) {
    expect(await client.query(sql ?? "").catch((cause) => cause)).toMatchObject({ code });
  }
  expect(stack.writes()).toEqual([]);
});
