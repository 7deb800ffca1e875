// Random sequences with writes to a mirror: the client hears what an ordinary table gives (P10), and afterwards the mirror holds what
// upstream holds (P6), whatever was undone on the way. A failure prints its seed.

import fc from "fast-check";
import { serialize } from "pg-protocol";
import { beforeEach, expect, inject, test } from "vitest";
import { mirrored, upstream } from "../support/answers.js";
import { query } from "../support/conversation.js";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";
import { type Message, shown, WireClient } from "../support/wire.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({
    seed: [
      { email: "ada@x.com", firstname: "Ada" },
      { email: "bob@x.com", firstname: "Bob" },
    ],
  });
  await stack.admin.query(`create table public.plain (email text);
    create table public.ledger (no int primary key); grant all on public.plain, public.ledger to app`);
  return () => stack.close();
});

const seed = 20250211;
const steering = ["begin", "savepoint s", "rollback to s", "release s", "commit", "rollback"];
const chains = ["commit and chain", "rollback and chain"];

/** The text of a statement; `no` makes its rows other rows each time. */
type Make = (table: string, no: number) => string;

const write = fc.constantFrom<Make>(
  (t, n) => `insert into ${t} (email) values ('w${n}@x.com') returning email`,
  (t, n) => `insert into ${t} (email) values ('w${n}@x.com')`,
  (t, n) => `insert into ${t} (email) values ('a${n}@x.com'), ('b${n}@x.com'), ('c${n}@x.com') returning email`,
  (t, n) => `with x as (insert into ${t} (email) values ('w${n}@x.com') returning email) select email || '!' from x`,
);
const local = fc.constantFrom<Make>(
  (_, n) => `insert into ledger values (${n})`,
  () => "insert into ledger values (0)",
  () => "select 1",
  () => "select 1/0",
  () => "",
);
const control = fc.constantFrom(...steering, "begin", ...chains).map(
  (text): Make =>
    () =>
      text,
);
const statement = fc.oneof({ weight: 5, arbitrary: write }, { weight: 3, arbitrary: local });

interface Execution {
  readonly make: Make;
  /** Of rows; 0 is none. */
  readonly limit: number;
  readonly more: number;
  readonly described: "" | "S" | "P";
  readonly named: boolean;
  readonly flushed: boolean;
}
type Batch =
  | { readonly kind: "pipeline"; readonly executions: readonly Execution[] }
  | { readonly kind: "string"; readonly makes: readonly Make[] };

const execution: fc.Arbitrary<Execution> = fc.record({
  make: statement,
  limit: fc.nat(2),
  more: fc.nat(2),
  described: fc.constantFrom("", "S", "P"),
  named: fc.boolean(),
  flushed: fc.boolean(),
});
const several = fc.array(fc.oneof(statement, control), { minLength: 1, maxLength: 4 });
const batch: fc.Arbitrary<Batch> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .array(execution, { minLength: 1, maxLength: 4 })
      .map((executions) => ({ kind: "pipeline" as const, executions })),
  },
  { weight: 2, arbitrary: several.map((makes) => ({ kind: "string" as const, makes })) },
  { weight: 2, arbitrary: control.map((make) => ({ kind: "string" as const, makes: [make] })) },
);

function messagesOf(one: Batch, table: string, base: number): Buffer[] {
  if (one.kind === "string") return query(one.makes.map((make, i) => make(table, base + i)).join("; "));
  const executed = one.executions.flatMap(({ make, limit, more, described, named, flushed }, i) => {
    const name = named ? `n${base + i}` : "";
    return [
      serialize.parse({ name, text: make(table, base + i) }),
      ...(described === "S" ? [serialize.describe({ type: described, name })] : []),
      serialize.bind({ statement: name, portal: name }),
      ...(described === "P" ? [serialize.describe({ type: described, name })] : []),
      ...Array.from({ length: limit > 0 ? 1 + more : 1 }, () => serialize.execute({ portal: name, rows: limit })),
      ...(flushed ? [serialize.flush()] : []),
    ];
  });
  return [...executed, serialize.sync()];
}

/** What is said, but for our warnings, and what is left in the ordinary table beside. */
async function heard(port: number, batches: readonly (readonly Buffer[])[], together: boolean) {
  await stack.admin.query("truncate public.ledger");
  const wire = await WireClient.login(port, "app", stack.database);
  wire.send(...query("set throughline.transaction = immediate"));
  await wire.until("Z");
  const messages: Message[] = [];
  if (together) wire.send(...batches.flat());
  for (const one of batches) {
    if (!together) wire.send(...one);
    messages.push(...(await wire.until("Z")));
  }
  wire.close();
  const { rows } = await stack.admin.query("select no from public.ledger order by no");
  return { said: shown(messages).filter((message) => message !== "N 01000"), ledger: rows.map(({ no }) => no) };
}

test("P10: any sequence with writes is answered as on an ordinary table, sent message by message or all at once", async () => {
  const direct = Number(new URL(inject("postgres")).port);
  let walks = 0;
  const walk = fc.asyncProperty(
    fc.array(batch, { minLength: 2, maxLength: 7 }),
    fc.boolean(),
    async (batches, together) => {
      walks += 1;
      const base = 1000 * walks;
      const of = (table: string) => batches.map((one, i) => messagesOf(one, table, base + 10 * i));
      const native = await heard(direct, of("public.plain"), false);
      expect(await heard(stack.port, of("hubspot.contacts"), together)).toEqual(native);
    },
  );
  await fc.assert(walk, { seed, numRuns: 7, endOnFailure: true });
});

test("P6: whatever a sequence in mode immediate changes and undoes, the mirror holds what upstream holds", async () => {
  const word = fc.constantFrom("A", "B", "C");
  const who = fc.constantFrom("ada@x.com", "bob@x.com", "eve@x.com");
  const text = fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(who, word)
        .map(([email, name]) => `update hubspot.contacts set firstname = '${name}' where email = '${email}'`),
    },
    { weight: 1, arbitrary: word.map((name) => `update hubspot.contacts set firstname = '${name}'`) },
    { weight: 2, arbitrary: who.map((email) => `insert into hubspot.contacts (email) values ('${email}')`) },
    { weight: 1, arbitrary: who.map((email) => `delete from hubspot.contacts where email = '${email}'`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(who, word)
        .map(
          ([email, name]) =>
            `insert into hubspot.contacts (email, firstname) values ('${email}', '${name}') on conflict (email) do update set firstname = excluded.firstname`,
        ),
    },
    { weight: 3, arbitrary: fc.constantFrom(...steering, "savepoint s", ...chains, "select 1/0") },
  );
  const strings = fc.array(text, { minLength: 1, maxLength: 3 }).map((texts) => texts.join("; "));
  const walk = fc.asyncProperty(fc.array(strings, { minLength: 3, maxLength: 9 }), async (texts) => {
    const client = await stack.client();
    await client.query("set throughline.transaction = 'immediate'");
    for (const one of texts) await client.query(one).catch(() => undefined);
    await client.end();
    await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
    expect(await mirrored(stack)).toEqual(upstream(stack));
  });
  await fc.assert(walk, { seed, numRuns: 5, endOnFailure: true });
});
