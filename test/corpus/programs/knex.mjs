// Knex on node-postgres.

import knex from "knex";
import { person, play, three, Undo, undone, wide } from "./stage.mjs";

const table = "hubspot.contacts";
const eve = person("eve", "Eve");

await play(
  async (connection) => {
    const db = knex({ client: "pg", connection, pool: { min: 0, max: 1 } });
    await db.raw("select 1");
    return db;
  },
  (db) => db.destroy(),
  {
    insert: (db) => db(table).insert(eve),
    "insert returning": (db) => db(table).insert(eve).returning("*"),
    "insert returning, one column": (db) => db(table).insert(eve, ["id"]),
    "insert returning, all columns": (db) => db(table).insert(wide, "*"),
    "insert with a schema of its own": (db) => db.withSchema("hubspot").insert(eve).into("contacts").returning("id"),
    "insert, an expression": (db) =>
      db(table)
        .insert({ email: db.raw("lower(?)", ["Eve@Example.com"]), firstname: "Eve" })
        .returning(["id", "email"]),
    "insert, a string of several statements": (db) =>
      db.raw(
        "insert into hubspot.contacts (email) values ('eve@example.com'); insert into hubspot.contacts (email) values ('fay@example.com')",
      ),
    "bulk insert": (db) => db(table).insert(three),
    "bulk insert returning": (db) => db(table).insert(three).returning(["id", "email"]),
    "bulk insert, rows of different columns": (db) =>
      db(table).insert([eve, { email: "fay@example.com", lastname: "Fay" }], ["id"]),
    "bulk insert, batchInsert": (db) => db.batchInsert(table, three, 30).returning("id"),
    "upsert, do nothing": (db) => db(table).insert(person("ada", "Ada")).onConflict("email").ignore(),
    "upsert, do nothing without a target": (db) =>
      db(table).insert(person("ada", "Ada")).onConflict().ignore().returning("id"),
    "upsert, do update": (db) => db(table).insert(person("ada", "Adele")).onConflict("email").merge().returning("*"),
    "upsert, do update, several rows": (db) =>
      db(table)
        .insert([person("ada", "Adele"), eve])
        .onConflict("email")
        .merge(["firstname"]),
    "update by key": (db) => db(table).where({ id: "501" }).update({ firstname: "Adele" }),
    "update by key returning": (db) =>
      db(table).where({ id: "501" }).update({ firstname: "Adele", lastname: null }, ["id", "firstname"]),
    "update by where": (db) => db(table).where("company", "Acme").update({ phone: "+4930123456" }).returning("*"),
    "update by list": (db) => db(table).whereIn("id", ["501", "503"]).update({ lastname: "Ray" }),
    "update by expression": (db) => db(table).where({ id: "501" }).increment("annualrevenue", 5),
    "update from a table": (db) =>
      db(`${table} as c`)
        .update({ company: db.ref("other.company") })
        .updateFrom(`${table} as other`)
        .where("c.id", "501")
        .where("other.id", "502"),
    "update in a CTE": (db) =>
      db
        .with("changed", db(table).where({ id: "501" }).update({ firstname: "Adele" }).returning(["id", "firstname"]))
        .select("*")
        .from("changed"),
    "delete by key": (db) => db(table).where({ id: "501" }).del(),
    "delete by where": (db) => db(table).where("company", "Acme").del().returning("id"),
    "find, then save": async (db) => {
      const found = await db(table).where({ email: "ada@example.com" }).first();
      await db(table).where({ id: found.id }).update({ firstname: "Adele" }).returning("*");
    },
    "insert, then save, then delete": async (db) => {
      const [{ id }] = await db(table).insert(eve).returning("id");
      await db(table).where({ id }).update({ firstname: "Evelyn" });
      await db(table).where({ id }).del();
    },
    "transaction: insert": (db) => db.transaction((trx) => trx(table).insert(eve).returning("id")),
    "transaction: find for update, then save": (db) =>
      db.transaction(async (trx) => {
        const { id } = await trx(table).where({ email: "ada@example.com" }).forUpdate().first();
        await trx(table).where({ id }).update({ firstname: "Adele" });
      }),
    "transaction: with an isolation level": (db) =>
      db.transaction((trx) => trx(table).insert(eve), { isolationLevel: "repeatable read" }),
    "transaction: two writes": (db) =>
      db.transaction(async (trx) => {
        await trx(table).insert(eve);
        await trx(table).where({ id: "501" }).del();
      }),
    "transaction: rolled back": (db) =>
      undone(
        db.transaction(async (trx) => {
          await trx(table).insert(eve);
          throw new Undo();
        }),
      ),
    "savepoint: insert": (db) =>
      db.transaction((outer) => outer.transaction((inner) => inner(table).insert(eve).returning("id"))),
    "savepoint: rolled back": (db) =>
      db.transaction((outer) =>
        undone(
          outer.transaction(async (inner) => {
            await inner(table).insert(eve);
            throw new Undo();
          }),
        ),
      ),
    "savepoint: a refused insert, then another": (db) =>
      db.transaction(async (outer) => {
        await outer.transaction((inner) => inner(table).insert(person("ada", "Ada"))).catch(() => undefined);
        await outer(table).insert(eve);
      }),
  },
);
