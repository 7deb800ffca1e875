// Kysely on node-postgres; 0.28 is its last version for Node 20.

import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { person, play, three, Undo, undone, wide } from "./stage.mjs";

const table = "hubspot.contacts";
const eve = person("eve", "Eve");

await play(
  async (connectionString) => {
    const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString, max: 1 }) }) });
    await sql`select 1`.execute(db);
    return db;
  },
  (db) => db.destroy(),
  {
    insert: (db) => db.insertInto(table).values(eve).execute(),
    "insert returning": (db) => db.insertInto(table).values(eve).returningAll().executeTakeFirstOrThrow(),
    "insert returning, one column": (db) => db.insertInto(table).values(eve).returning("id").executeTakeFirst(),
    "insert returning, all columns": (db) => db.insertInto(table).values(wide).returningAll().execute(),
    "insert, an expression": (db) =>
      db
        .insertInto(table)
        .values(({ fn, val }) => ({ email: fn("lower", [val("Eve@Example.com")]), firstname: "Eve" }))
        .execute(),
    "insert with a schema of its own": (db) =>
      db.withSchema("hubspot").insertInto("contacts").values(eve).returning(["id", "email as address"]).execute(),
    "insert from select": (db) =>
      db
        .insertInto(table)
        .columns(["email", "firstname"])
        .expression((query) =>
          query
            .selectFrom(table)
            .select((column) => [sql`'x' || email`.as("email"), column.ref("firstname").as("firstname")])
            .where("id", "=", "501"),
        )
        .returning("id")
        .execute(),
    "bulk insert": (db) => db.insertInto(table).values(three).execute(),
    "bulk insert returning": (db) => db.insertInto(table).values(three).returningAll().execute(),
    "bulk insert, rows of different columns": (db) =>
      db
        .insertInto(table)
        .values([eve, { email: "fay@example.com", lastname: "Fay" }])
        .returningAll()
        .execute(),
    "upsert, do nothing": (db) =>
      db
        .insertInto(table)
        .values(person("ada", "Ada"))
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    "upsert, do nothing with a target": (db) =>
      db
        .insertInto(table)
        .values(person("ada", "Ada"))
        .onConflict((conflict) => conflict.column("email").doNothing())
        .returning("id")
        .execute(),
    "upsert, do update": (db) =>
      db
        .insertInto(table)
        .values(person("ada", "Adele"))
        .onConflict((conflict) => conflict.column("email").doUpdateSet({ firstname: "Adele" }))
        .returningAll()
        .execute(),
    "upsert, do update from excluded": (db) =>
      db
        .insertInto(table)
        .values([person("ada", "Adele"), eve])
        .onConflict((conflict) =>
          conflict.column("email").doUpdateSet((column) => ({ firstname: column.ref("excluded.firstname") })),
        )
        .execute(),
    merge: (db) =>
      db
        .mergeInto(`${table} as c`)
        .using(`${table} as other`, "c.id", "other.id")
        .whenMatchedAnd("other.id", "=", "501")
        .thenUpdateSet({ firstname: "Adele" })
        .executeTakeFirst(),
    "update by key": (db) => db.updateTable(table).set({ firstname: "Adele" }).where("id", "=", "501").execute(),
    "update by key returning": (db) =>
      db
        .updateTable(table)
        .set({ firstname: "Adele", lastname: null })
        .where("id", "=", "501")
        .returningAll()
        .executeTakeFirst(),
    "update by where": (db) =>
      db.updateTable(table).set("phone", "+4930123456").where("company", "=", "Acme").returningAll().execute(),
    "update by list": (db) =>
      db.updateTable(table).set({ lastname: "Ray" }).where("id", "in", ["501", "503"]).executeTakeFirst(),
    "update by expression": (db) =>
      db
        .updateTable(table)
        .set((column) => ({ annualrevenue: column("annualrevenue", "+", 5) }))
        .where("id", "=", "501")
        .returning("annualrevenue")
        .execute(),
    "update from a table": (db) =>
      db
        .updateTable(`${table} as c`)
        .from(`${table} as other`)
        .set((column) => ({ company: column.ref("other.company") }))
        .where("c.id", "=", "501")
        .where("other.id", "=", "502")
        .returning(["c.id", "c.company"])
        .execute(),
    "update in a CTE": (db) =>
      db
        .with("changed", (query) =>
          query.updateTable(table).set({ firstname: "Adele" }).where("id", "=", "501").returning(["id", "firstname"]),
        )
        .selectFrom("changed")
        .selectAll()
        .execute(),
    "delete by key": (db) => db.deleteFrom(table).where("id", "=", "501").executeTakeFirst(),
    "delete by where": (db) => db.deleteFrom(table).where("company", "=", "Acme").returning("id").execute(),
    "delete using a table": (db) =>
      db
        .deleteFrom(`${table} as c`)
        .using(`${table} as other`)
        .whereRef("c.company", "=", "other.company")
        .where("other.id", "=", "502")
        .returning("c.id")
        .execute(),
    "find, then save": async (db) => {
      const found = await db.selectFrom(table).selectAll().where("email", "=", "ada@example.com").executeTakeFirst();
      await db.updateTable(table).set({ firstname: "Adele" }).where("id", "=", found.id).returningAll().execute();
    },
    "insert, then save, then delete": async (db) => {
      const { id } = await db.insertInto(table).values(eve).returning("id").executeTakeFirst();
      await db.updateTable(table).set({ firstname: "Evelyn" }).where("id", "=", id).execute();
      await db.deleteFrom(table).where("id", "=", id).execute();
    },
    "transaction: insert": (db) =>
      db.transaction().execute((db) => db.insertInto(table).values(eve).returningAll().execute()),
    "transaction: find for update, then save": (db) =>
      db.transaction().execute(async (db) => {
        const find = db.selectFrom(table).selectAll().where("email", "=", "ada@example.com").forUpdate();
        const { id } = await find.executeTakeFirst();
        await db.updateTable(table).set({ firstname: "Adele" }).where("id", "=", id).execute();
      }),
    "transaction: with an isolation level": (db) =>
      db
        .transaction()
        .setIsolationLevel("repeatable read")
        .execute((db) => db.insertInto(table).values(eve).execute()),
    "transaction: two writes": (db) =>
      db.transaction().execute(async (db) => {
        await db.insertInto(table).values(eve).execute();
        await db.deleteFrom(table).where("id", "=", "501").execute();
      }),
    "transaction: rolled back": (db) =>
      undone(
        db.transaction().execute(async (db) => {
          await db.insertInto(table).values(eve).execute();
          throw new Undo();
        }),
      ),
    "savepoint: insert": async (db) => {
      const begun = await db.startTransaction().execute();
      const saved = await begun.savepoint("one").execute();
      await saved.insertInto(table).values(eve).execute();
      const released = await saved.releaseSavepoint("one").execute();
      await released.commit().execute();
    },
    "savepoint: rolled back": async (db) => {
      const begun = await db.startTransaction().execute();
      const saved = await begun.savepoint("one").execute();
      await saved.insertInto(table).values(eve).execute();
      const restored = await saved.rollbackToSavepoint("one").execute();
      await restored.commit().execute();
    },
  },
);
