// Which texts a session's are worth parsing, by the words in them.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Classifier } from "../../src/sql/classifier.js";
import type { WatchedName } from "../../src/sql/function-names.js";
import { Lookout } from "../../src/sql/lookout.js";
import { WatchList } from "../../src/sql/watch-list.js";

const near = { schema: "public", name: "orders", owner: "dev" };
const words = { functions: ["lower"], keywords: [] };
const far = { schema: "crm", name: "contacts", owner: "eve" };

function session(tables: readonly WatchedName[], functions: readonly WatchedName[] = [], role = "app") {
  const list = new WatchList({
    tables,
    functions,
    words,
    paths: { schemas: ["public"], roles: ["reporter"], trusted: ["dba"] },
  });
  const lookout = new Lookout(new Classifier(list), { role, movesSearchPath: false }, () => undefined);
  return { lookout, isSuspect: (text: string) => isSuspect(lookout, text) };
}

function isSuspect(lookout: Lookout, text: string): boolean {
  const bytes = Buffer.from(text);
  return lookout.read(bytes).suspect;
}

test("a text is suspected by a verb and a table's name, whatever their case, and no name means no suspicion", () => {
  const { isSuspect } = session([near]);
  expect(isSuspect("INSERT INTO Orders VALUES (1)")).toBe(true);
  expect(isSuspect('insert/**/into"orders"values(1)')).toBe(true);
  expect(isSuspect("select * from orders")).toBe(false);
  expect(isSuspect("insert into orders_of_others values (1)")).toBe(false);
  expect(isSuspect("insert into y values (1)")).toBe(false);
  expect(isSuspect('insert into U&"\\006frders" values (1)')).toBe(true);
  expect(isSuspect("prepare transaction 'x'")).toBe(true);
  expect(session([]).isSuspect("insert into orders values (1)")).toBe(false);
  expect(session([]).lookout.awake).toBe(false);
});

test("a name with other characters is found by its longest run, and one with none by everything", () => {
  expect(session([{ schema: null, name: "wéird.name+", owner: "eve" }]).isSuspect('delete from "wéird.name+"')).toBe(
    true,
  );
  expect(session([{ schema: null, name: "wéird.name+", owner: "eve" }]).isSuspect("delete from weirdxname")).toBe(
    false,
  );
  expect(session([{ schema: null, name: "é", owner: "eve" }]).isSuspect("delete from t")).toBe(true);
});

const call = "select count(*) from t";
const eves = [{ schema: "eve", name: "count", owner: "eve" }];

test("P15: what a role has made in its own schema matters to a text that names the schema, and to no other", () => {
  const { isSuspect } = session([far], eves);
  expect(isSuspect(call)).toBe(false);
  expect(isSuspect("update contacts set a = 1")).toBe(false);
  expect(isSuspect("select eve.count(1)")).toBe(true);
  expect(isSuspect("update crm.contacts set a = 1")).toBe(true);
  expect(isSuspect("update users set role = 'x', schema=1; set local timezone = 1")).toBe(false);
  expect(isSuspect(call)).toBe(false);
});

test.each([
  "set search_path to eve",
  "select set_config($1, $2, false)",
  "set schema 'eve'; update t set a = 1",
  "SET LOCAL ROLE eve",
  "set session authorization eve",
])("a session that has sent %s finds names in any schema", (text) => {
  const { isSuspect } = session([far], eves);
  isSuspect(text);
  expect(isSuspect(call)).toBe(true);
});

test.each(["eve", "crm", "reporter"])(
  "the sessions of %s, which has a schema, a path or objects of its own, find names in any schema",
  (role) => {
    expect(session([far], eves, role).isSuspect(call)).toBe(true);
  },
);

test("what a trusted role has made is found in whichever schema it is, and under a name of Postgres's own as well", () => {
  const { isSuspect } = session(
    [{ schema: "crm", name: "contacts", owner: "dba" }],
    [{ schema: "crm", name: "lower", owner: "dba" }],
  );
  expect(isSuspect("update contacts set a = 1")).toBe(true);
  expect(isSuspect("select lower('A')")).toBe(true);
});

test("a role that gets a path of its own looks elsewhere from the next look at the catalogue on", () => {
  const names = { tables: [far], functions: eves, words };
  const list = new WatchList({ ...names, paths: { schemas: ["public"], roles: [], trusted: [] } });
  const lookout = new Lookout(new Classifier(list), { role: "app", movesSearchPath: false }, () => undefined);
  expect(isSuspect(lookout, call)).toBe(false);
  list.set({ ...names, paths: { schemas: ["public"], roles: ["app"], trusted: [] } });
  expect(isSuspect(lookout, call)).toBe(true);
});

test("a word that is longer than Postgres keeps is the name that it keeps", () => {
  const name = "n".repeat(63);
  expect(session([{ ...near, name }]).isSuspect(`delete from ${name}xx`)).toBe(true);
});

test("P15: a function with the name of one of Postgres's own is a matter for those who name its schema, wherever it lies", () => {
  const { isSuspect } = session([near], [{ schema: "public", name: "lower", owner: "eve" }]);
  expect(isSuspect("select lower('A')")).toBe(false);
  expect(isSuspect("select public.lower('A')")).toBe(true);
});

test("what a session defines is found at once by the sessions of its role, by all when the role is trusted, and by others with the next look", async () => {
  const names = { tables: [near], functions: [], words, paths: { schemas: ["public"], roles: [], trusted: ["dba"] } };
  const list = new WatchList(names);
  const classifier = new Classifier(list);
  const noted: string[] = [];
  const open = (role: string) => new Lookout(classifier, { role, movesSearchPath: false }, () => noted.push(role));
  const [own, other, dba, fellow] = [open("app"), open("eve"), open("dba"), open("app")];
  const define = (view: string) => ({
    bytes: Buffer.from(`create view ${view} as select * from orders`),
    encoding: "utf8" as const,
  });
  await own.classify(define("mine"));
  expect(noted).toEqual(["app"]);
  for (const lookout of [own, fellow, open("app")]) expect(isSuspect(lookout, "delete from mine")).toBe(true);
  for (const lookout of [other, dba]) expect(isSuspect(lookout, "delete from mine")).toBe(false);
  await dba.classify(define("everybodys"));
  for (const lookout of [own, other, fellow]) expect(isSuspect(lookout, "delete from everybodys")).toBe(true);
  const text = { bytes: Buffer.from("delete from mine"), encoding: "utf8" } as const;
  expect(await own.classify(text)).toMatchObject({ kind: "write", relations: [{ table: "mine" }] });
  expect(await other.classify(text)).toEqual({ kind: "other", defines: [] });
  list.set({ ...names, tables: [near, { schema: "public", name: "mine", owner: "app" }] });
  expect(isSuspect(other, "delete from mine")).toBe(true);
});

test("what a session defines in a schema is found at once by the sessions of every role that name the schema, until the catalogue has it", async () => {
  const names = { tables: [near], functions: [], words, paths: { schemas: ["public"], roles: [], trusted: [] } };
  const list = new WatchList(names);
  const classifier = new Classifier(list);
  const open = (role: string) => new Lookout(classifier, { role, movesSearchPath: false }, () => undefined);
  const [own, other] = [open("app"), open("eve")];
  const textOf = (sql: string) => ({ bytes: Buffer.from(sql), encoding: "utf8" as const });
  await own.classify(textOf("create view desk.mine as select * from orders"));
  await own.classify(textOf("create function desk.put() returns void language sql as 'delete from orders'"));
  const [write, call] = [textOf("delete from desk.mine"), textOf("select desk.put()")];
  for (const { bytes } of [write, call]) expect(other.read(bytes).suspect).toBe(true);
  for (const text of ["delete from mine", "select put()", "delete from desk.yours", "delete from orders_of_desk"])
    expect(isSuspect(other, text), text).toBe(false);
  expect(await other.classify(write)).toMatchObject({ kind: "write", relations: [{ schema: "desk", table: "mine" }] });
  expect(await other.classify(call)).toMatchObject({ kind: "write", functions: [{ schema: "desk", table: "put" }] });
  expect(other.known(write)).toBeUndefined();
  list.set({
    ...names,
    tables: [near, { schema: "desk", name: "mine", owner: "app" }],
    functions: [{ schema: "desk", name: "put", owner: "app" }],
  });
  expect(other.known(write)).toBeUndefined();
  const meaning = await other.classify(write);
  expect(other.known(write)).toBe(meaning);
});

test("P15: what a role defines again and again has the sessions of others look out for a few names", async () => {
  const list = new WatchList({
    tables: [near],
    functions: [],
    words,
    paths: { schemas: ["public"], roles: [], trusted: [] },
  });
  const classifier = new Classifier(list);
  const open = (role: string) => new Lookout(classifier, { role, movesSearchPath: false }, () => undefined);
  const [eve, other] = [open("eve"), open("app")];
  for (let n = 0; n < 100; n += 1)
    await eve.classify({ bytes: Buffer.from(`create view e.v${n} as select * from orders`), encoding: "utf8" });
  expect(classifier.shared.farIn(Buffer.from("delete from e.v99"))).toHaveLength(20);
  expect(isSuspect(other, "delete from v99")).toBe(false);
});

test("a text that was understood is known from then on, until the names change", async () => {
  const names = { tables: [near], functions: [], words, paths: { schemas: ["public"], roles: [], trusted: [] } };
  const list = new WatchList(names);
  const classifier = new Classifier(list);
  const text = { bytes: Buffer.from("delete from orders"), encoding: "utf8" } as const;
  expect(classifier.known(text)).toBeUndefined();
  const meaning = await classifier.classify(text, []);
  expect(classifier.known(text)).toBe(meaning);
  list.set(names);
  expect(classifier.known(text)).toBe(meaning);
  list.set({ ...names, tables: [near, far] });
  expect(classifier.known(text)).toBeUndefined();
});

test("P15: a watched word is found wherever it stands among bytes of any kind", () => {
  const { lookout } = session([near]);
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const edge = fc.constantFrom(" ", "\n", ".", '"', "(", "\xff", "$");
  fc.assert(
    fc.property(noise, edge, noise, edge, noise, (before, left, between, right, behind) => {
      const text = Buffer.concat([
        before,
        Buffer.from(`${left}oRders${right}`, "latin1"),
        between,
        Buffer.from(`${right}delete${left}`, "latin1"),
        behind,
      ]);
      return lookout.read(text).suspect;
    }),
    { seed: 12 },
  );
});
