// Which texts a session's are worth parsing, by the words in them.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Classifier } from "../../src/sql/classifier.js";
import type { WatchedName } from "../../src/sql/function-names.js";
import { Lookout } from "../../src/sql/lookout.js";
import { WatchList } from "../../src/sql/watch-list.js";

const near = { schema: "public", name: "orders" };
const words = { functions: ["lower"], keywords: [] };
const far = { schema: "crm", name: "contacts" };

function session(tables: readonly WatchedName[], functions: readonly WatchedName[] = [], role = "app") {
  const list = new WatchList({ tables, functions, words, paths: { schemas: ["public"], roles: ["reporter"] } });
  const lookout = new Lookout(list, new Classifier(list), { role, movesSearchPath: false }, () => undefined);
  return { lookout, isSuspect: (text: string) => isSuspect(lookout, text) };
}

function isSuspect(lookout: Lookout, text: string): boolean {
  const bytes = Buffer.from(text);
  return lookout.read(bytes, 0, bytes.length).suspect;
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
  expect(session([{ schema: null, name: "wéird.name+" }]).isSuspect('delete from "wéird.name+"')).toBe(true);
  expect(session([{ schema: null, name: "wéird.name+" }]).isSuspect("delete from weirdxname")).toBe(false);
  expect(session([{ schema: null, name: "é" }]).isSuspect("delete from t")).toBe(true);
});

test("P15: a name in a schema in which nobody looks by himself is a matter for those who name the schema, or set their path", () => {
  const call = "select count(*) from t";
  const { isSuspect } = session([far], [{ schema: "eve", name: "count" }]);
  expect(isSuspect(call)).toBe(false);
  expect(isSuspect("update contacts set a = 1")).toBe(false);
  expect(isSuspect("select eve.count(1)")).toBe(true);
  expect(isSuspect("update crm.contacts set a = 1")).toBe(true);
  expect(isSuspect("update users set role = 'x' where schema = 1")).toBe(false);
  expect(isSuspect(call)).toBe(false);
  for (const path of ["set search_path to eve", "set schema 'eve'", "SET ROLE eve", "set session authorization eve"]) {
    const { isSuspect } = session([far], [{ schema: "eve", name: "count" }]);
    isSuspect(path);
    expect(isSuspect(call)).toBe(true);
  }
  expect(session([far], [{ schema: "eve", name: "count" }], "eve").isSuspect(call)).toBe(true);
  expect(session([far], [{ schema: "eve", name: "count" }], "reporter").isSuspect(call)).toBe(true);
});

test("P15: a function with the name of one of Postgres's own is a matter for those who name its schema, wherever it lies", () => {
  const { isSuspect } = session([near], [{ schema: "public", name: "lower" }]);
  expect(isSuspect("select lower('A')")).toBe(false);
  expect(isSuspect("select public.lower('A')")).toBe(true);
});

test("what a session defines is watched for that session, and for no other", async () => {
  const list = new WatchList({ tables: [near], functions: [], words, paths: { schemas: ["public"], roles: [] } });
  const classifier = new Classifier(list);
  const noted: string[] = [];
  const open = () =>
    new Lookout(list, classifier, { role: "app", movesSearchPath: false }, () => noted.push("defined"));
  const [own, other] = [open(), open()];
  const bytes = Buffer.from("create view mine as select * from orders");
  await own.classify({ bytes, encoding: "utf8" });
  expect(noted).toEqual(["defined"]);
  expect(isSuspect(own, "delete from mine")).toBe(true);
  expect(isSuspect(other, "delete from mine")).toBe(false);
  const text = { bytes: Buffer.from("delete from mine"), encoding: "utf8" } as const;
  expect(await own.classify(text)).toMatchObject({ kind: "write", relations: [{ table: "mine" }] });
  expect(await other.classify(text)).toEqual({ kind: "other", defines: [] });
});

test("a text that was understood is known from then on, until the names change", async () => {
  const names = { tables: [near], functions: [], words, paths: { schemas: ["public"], roles: [] } };
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
      return lookout.read(text, 0, text.length).suspect;
    }),
    { seed: 12 },
  );
});
