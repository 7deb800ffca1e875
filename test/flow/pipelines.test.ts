// Mirror writes anywhere in a pipeline, as drivers send them (Query, or Parse/Bind/Execute with or without a Sync behind each).

import { serialize } from "pg-protocol";
import { beforeEach, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
let wire: WireClient;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }] });
  await stack.admin.query("create table public.ledger (no int primary key); grant all on public.ledger to app");
  wire = await WireClient.login(stack.port, "app", stack.database);
  return async () => {
    wire.close();
    await stack.close();
  };
});

const write = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com') returning email`;
const note = (no: number) => `insert into public.ledger values (${no})`;
const run = (text: string, rows = 0) => [
  serialize.parse({ text }),
  serialize.bind({}),
  serialize.describe({ type: "P" }),
  serialize.execute({ rows }),
];
const ledger = async () =>
  (await stack.admin.query("select no from public.ledger order by no")).rows.map(({ no }) => no);
const told = async (until = "Z") => shown(await wire.until(until)).filter((message) => !/^[12nT3]$/.test(message));

test("a write first, in the middle or last is one transaction with the local statements around it", async () => {
  for (const [place, name] of ["a", "b", "c"].entries()) {
    const statements = [note(10 * place), note(10 * place + 1)];
    statements.splice(place, 0, write(name));
    wire.send(...statements.flatMap((text) => run(text)), serialize.sync());
    const answers = ["C INSERT 0 1", "C INSERT 0 1"];
    answers.splice(place, 0, `D ${name}@x.com`, "C INSERT 0 1");
    expect(await told()).toEqual([...answers, "Z I"]);
  }
  expect(await ledger()).toEqual([0, 1, 10, 11, 20, 21]);
  expect(stack.writes()).toHaveLength(3);
});

test("P4: an error behind a write undoes the local statements, and not the call", async () => {
  wire.send(...[note(1), write("a"), "select 1/0", note(2)].flatMap((text) => run(text)), serialize.sync());
  expect(await told()).toEqual(["C INSERT 0 1", "D a@x.com", "C INSERT 0 1", "E 22012", "N 01000", "Z I"]);
  expect(await ledger()).toEqual([]);
  expect(stack.writes()).toHaveLength(1);
  expect((await stack.admin.query("select from hubspot.contacts where email = 'a@x.com'")).rowCount).toBe(1);
});

test.each([
  ["a failing Parse", serialize.parse({ text: "select nonsense from nowhere" })],
  ["a failing Bind", serialize.bind({ statement: "unknown" })],
  ["a failing Execute", serialize.execute({ portal: "unknown" })],
  ["a failing Describe", serialize.describe({ type: "S", name: "unknown" })],
])("P4: behind %s nothing is sent, whether or not the error has come back", async (_, failing) => {
  wire.send(failing, ...run(write("a")), serialize.sync());
  expect((await told()).at(-1)).toBe("Z I");
  wire.send(failing, serialize.flush());
  await wire.until("E");
  wire.send(...run(write("a")), serialize.sync());
  expect(await told()).toEqual(["Z I"]);
  expect(stack.sandbox.log.filter(({ method }) => method !== "GET")).toEqual([]);
});

test("P1: a second write before the Sync is refused, and the first is kept", async () => {
  wire.send(...run(write("a")), ...run(write("b")), serialize.sync());
  expect(await told()).toEqual(["D a@x.com", "C INSERT 0 1", "E 0A000", "N 01000", "Z I"]);
  expect(stack.writes()).toHaveLength(1);
  wire.send(...run(write("c")), serialize.sync(), ...run(write("d")), serialize.sync());
  expect(await told()).toEqual(["D c@x.com", "C INSERT 0 1", "Z I"]);
  expect(await told()).toEqual(["D d@x.com", "C INSERT 0 1", "Z I"]);
});

test("asyncpg: a named statement, described before it is bound, and Execute with a limit of one row", async () => {
  wire.send(
    serialize.parse({
      name: "__asyncpg_stmt_1__",
      text: "insert into hubspot.contacts (email) values ($1) returning email",
    }),
    serialize.describe({ type: "S", name: "__asyncpg_stmt_1__" }),
    serialize.flush(),
  );
  expect(shown(await wire.until("T"))).toEqual(["1", "t", "T"]);
  wire.send(
    serialize.bind({ statement: "__asyncpg_stmt_1__", values: ["a@x.com"] }),
    serialize.execute({ rows: 1 }),
    serialize.sync(),
  );
  expect(shown(await wire.until("Z"))).toEqual(["2", "D a@x.com", "s", "Z I"]);
  expect(stack.writes()).toHaveLength(1);
});

test("rows are fetched by several Executes, with one call", async () => {
  const three = "insert into hubspot.contacts (email) values ('1@x.com'), ('2@x.com'), ('3@x.com') returning email";
  wire.send(...run(three, 1), serialize.execute({ rows: 1 }), serialize.execute({ rows: 5 }), serialize.sync());
  expect(await told()).toEqual(["D 1@x.com", "s", "D 2@x.com", "s", "D 3@x.com", "C INSERT 0 1", "Z I"]);
  expect(stack.writes()).toHaveLength(1);
});

test("Postgrex's savepoint mode: Queries around an Execute that no Sync follows", async () => {
  wire.send(serialize.query("begin"));
  await wire.until("Z");
  wire.send(serialize.parse({ name: "ecto", text: write("a") }), serialize.sync());
  await wire.until("Z");
  wire.send(
    serialize.query("SAVEPOINT postgrex_query"),
    serialize.bind({ statement: "ecto" }),
    serialize.execute({}),
    serialize.query("RELEASE SAVEPOINT postgrex_query"),
  );
  expect(await told()).toEqual(["C SAVEPOINT", "Z T"]);
  expect(await told()).toEqual(["D a@x.com", "C INSERT 0 1", "C RELEASE", "Z T"]);
  wire.send(serialize.query("commit"));
  expect(await told()).toEqual(["C COMMIT", "Z I"]);
  expect(stack.writes()).toHaveLength(1);
});

test("pgjdbc: BEGIN and the extended messages in one write, and each batch by one Sync", async () => {
  wire.send(serialize.query("BEGIN"), ...run(write("a")), serialize.sync());
  expect(await told()).toEqual(["C BEGIN", "Z T"]);
  expect(await told()).toEqual(["D a@x.com", "C INSERT 0 1", "Z T"]);
  wire.send(
    serialize.parse({ name: "S_4", text: "COMMIT" }),
    serialize.bind({ statement: "S_4" }),
    serialize.execute({ rows: 1 }),
    serialize.sync(),
  );
  expect(await told()).toEqual(["C COMMIT", "Z I"]);
  expect(stack.writes()).toHaveLength(1);
});

test("lib/pq: the unnamed statement is bound behind another Sync", async () => {
  wire.send(
    serialize.parse({ text: "insert into hubspot.contacts (email) values ($1)" }),
    serialize.describe({ type: "S" }),
    serialize.sync(),
  );
  expect(shown(await wire.until("Z"))).toEqual(["1", "t", "n", "Z I"]);
  wire.send(serialize.bind({ values: ["a@x.com"] }), serialize.execute({}), serialize.sync());
  expect(await told()).toEqual(["C INSERT 0 1", "Z I"]);
  expect(stack.writes()).toHaveLength(1);
});

test("a pipeline whose Sync never comes is undone, and its write settled", async () => {
  wire.send(...run(note(1)), ...run(write("a")), serialize.flush());
  expect(await told("C")).toEqual(["C INSERT 0 1"]);
  await wire.until("C");
  wire.close();
  await stack.admin.query(
    "do $$begin for i in 1..500 loop perform pg_sleep(0.01); exit when exists (select from hubspot.contacts where email = 'a@x.com'); end loop; end$$",
  );
  expect(await ledger()).toEqual([]);
  expect((await stack.admin.query("select from hubspot.contacts where email = 'a@x.com'")).rowCount).toBe(1);
});

test("P4: a BEGIN of the client's stays open though the write behind it in one batch fails", async () => {
  wire.send(...run("begin"), ...run(write("ada")), serialize.sync());
  expect(await told()).toEqual(["C BEGIN", "E 23505", "Z E"]);
  wire.send(...run(write("b")), serialize.sync());
  expect(await told()).toEqual(["E 25P02", "Z E"]);
  wire.send(serialize.query("rollback"));
  expect(await told()).toEqual(["C ROLLBACK", "Z I"]);
  expect(stack.writes()).toEqual([]);
});

test("a write by Query works behind a pipeline with a write", async () => {
  wire.send(...run("select 1"), ...run(write("a")), serialize.sync());
  expect((await told()).at(-1)).toBe("Z I");
  wire.send(serialize.query(write("b")));
  expect(await told()).toEqual(["D b@x.com", "C INSERT 0 1", "Z I"]);
});

test.each(["notice", "error"])(
  "P4: a BEGIN in the same batch stays the client's, with client_min_messages %s",
  async (level) => {
    wire.send(serialize.query(`set client_min_messages = '${level}'`));
    await wire.until("Z");
    wire.send(
      ...run("begin"),
      ...run("insert into public.ledger values (1)"),
      serialize.parse({ text: "insert into hubspot.contacts (email) values ($1)" }),
      serialize.bind({ values: ["j@x.com"] }),
      serialize.execute({}),
      serialize.sync(),
    );
    expect(shown(await wire.until("Z")).at(-1)).toBe("Z T");
    wire.send(serialize.query("rollback"));
    await wire.until("Z");
    expect(await ledger()).toEqual([]);
    wire.send(serialize.query("show client_min_messages"));
    expect(shown(await wire.until("Z"))).toContain(`D ${level}`);
  },
);

test("P4: after a refusal and a failing pipeline the next write finds a clean session", async () => {
  const ask = async (text: string) => {
    wire.send(serialize.query(text));
    return shown(await wire.until("Z"));
  };
  for (const text of ["begin", "savepoint s", "insert into hubspot.contacts (email) values ('bad')", "rollback to s"])
    await ask(text);
  const part = (text: string) => [serialize.parse({ text }), serialize.bind({}), serialize.execute({})];
  wire.send(
    ...part("select 1/0"),
    ...part("insert into hubspot.contacts (email) values ('p@x.com')"),
    serialize.sync(),
  );
  await wire.until("Z");
  await ask("rollback");
  expect(await ask("insert into hubspot.contacts (email) values ('after@x.com')")).toEqual(["C INSERT 0 1", "Z I"]);
});

test("P4: a BEGIN behind a write in one pipeline leaves the transaction open, as Postgres does", async () => {
  const statusAfter = async (write: string) => {
    const other = await WireClient.login(stack.port, "app", stack.database);
    other.send(...run(write), ...run("begin"), serialize.sync());
    const last = shown(await other.until("Z")).at(-1);
    other.close();
    return last;
  };
  const native = await statusAfter("insert into public.ledger values (1)");
  expect(await statusAfter("insert into hubspot.contacts (email) values ('p@example.com')")).toBe(native);
});
