// Drizzle on node-postgres.

import { and, eq, inArray, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { boolean, numeric, pgSchema, text, timestamp } from "drizzle-orm/pg-core";
import pg from "pg";
import { person, play, three, Undo, undone, wide } from "./stage.mjs";

const contacts = pgSchema("hubspot").table("contacts", {
  id: text("id").primaryKey().default(sql`'throughline:' || gen_random_uuid()`),
  email: text("email").unique(),
  firstname: text("firstname"),
  lastname: text("lastname"),
  phone: text("phone"),
  company: text("company"),
  annualrevenue: numeric("annualrevenue"),
  optedIn: boolean("opted_in"),
  interests: text("interests").array(),
  lastVisit: timestamp("last_visit", { withTimezone: true }),
  createdate: timestamp("createdate", { withTimezone: true }),
});

const eve = person("eve", "Eve");
const byId = (id) => eq(contacts.id, id);
const find = async (db, email) => {
  const [found] = await db.select().from(contacts).where(eq(contacts.email, email)).limit(1);
  return found;
};

await play(
  async (connectionString) => {
    const pool = new pg.Pool({ connectionString, max: 1 });
    const db = drizzle({ client: pool, schema: { contacts } });
    await db.execute(sql`select 1`);
    return db;
  },
  (db) => db.$client.end(),
  {
    insert: (db) => db.insert(contacts).values(eve),
    "insert returning": (db) => db.insert(contacts).values(eve).returning(),
    "insert returning, one column": (db) => db.insert(contacts).values(eve).returning({ id: contacts.id }),
    "insert returning, all columns": (db) => db.insert(contacts).values(wide).returning(),
    "insert returning, numbers, nulls and booleans": (db) =>
      db
        .insert(contacts)
        .values({
          ...eve,
          annualrevenue: "12.5",
          optedIn: true,
          lastname: null,
          interests: ["product", "events"],
          lastVisit: new Date("2026-03-01T12:30:00.000Z"),
        })
        .returning(),
    "insert, a prepared statement used twice": async (db) => {
      const insert = db
        .insert(contacts)
        .values({ email: sql.placeholder("email"), firstname: sql.placeholder("firstname") })
        .returning({ id: contacts.id })
        .prepare("new_contact");
      await insert.execute(three[0]);
      await insert.execute(three[1]);
    },
    "insert, an expression": (db) =>
      db.insert(contacts).values({ email: sql`lower(${"Eve@Example.com"})`, firstname: sql`upper(${"eve"})` }),
    "insert from select": (db) =>
      db
        .insert(contacts)
        .select((query) =>
          query
            .select({
              id: sql`'throughline:' || gen_random_uuid()`.as("id"),
              email: sql`'x' || ${contacts.email}`.as("email"),
              firstname: contacts.firstname,
              lastname: contacts.lastname,
              phone: contacts.phone,
              company: contacts.company,
              annualrevenue: contacts.annualrevenue,
              optedIn: contacts.optedIn,
              interests: contacts.interests,
              lastVisit: contacts.lastVisit,
              createdate: contacts.createdate,
            })
            .from(contacts)
            .where(byId("501")),
        )
        .returning({ id: contacts.id }),
    "bulk insert": (db) => db.insert(contacts).values(three),
    "bulk insert returning": (db) => db.insert(contacts).values(three).returning(),
    "bulk insert, rows of different columns": (db) =>
      db
        .insert(contacts)
        .values([eve, { email: "fay@example.com", lastname: "Fay" }])
        .returning(),
    "upsert, do nothing": (db) => db.insert(contacts).values(person("ada", "Ada")).onConflictDoNothing(),
    "upsert, do nothing with a target": (db) =>
      db.insert(contacts).values(person("ada", "Ada")).onConflictDoNothing({ target: contacts.email }).returning(),
    "upsert, do update": (db) =>
      db
        .insert(contacts)
        .values(person("ada", "Adele"))
        .onConflictDoUpdate({ target: contacts.email, set: { firstname: "Adele" } })
        .returning(),
    "upsert, do update, several rows": (db) =>
      db
        .insert(contacts)
        .values([person("ada", "Adele"), eve])
        .onConflictDoUpdate({ target: contacts.email, set: { firstname: sql`excluded.firstname` } }),
    "update by key": (db) => db.update(contacts).set({ firstname: "Adele" }).where(byId("501")),
    "update by key returning": (db) =>
      db.update(contacts).set({ firstname: "Adele", lastname: null }).where(byId("501")).returning(),
    "update by where": (db) =>
      db.update(contacts).set({ phone: "+4930123456" }).where(eq(contacts.company, "Acme")).returning(),
    "update by list": (db) =>
      db
        .update(contacts)
        .set({ lastname: "Ray" })
        .where(inArray(contacts.id, ["501", "503"])),
    "update by expression": (db) =>
      db
        .update(contacts)
        .set({ annualrevenue: sql`${contacts.annualrevenue} + 5` })
        .where(byId("501"))
        .returning(),
    "update from a table": (db) => {
      const other = db.$with("other").as(db.select().from(contacts).where(byId("502")));
      return db
        .with(other)
        .update(contacts)
        .set({ company: sql`${other.company}` })
        .from(other)
        .where(byId("501"))
        .returning({ id: contacts.id, company: contacts.company });
    },
    "delete by key": (db) => db.delete(contacts).where(byId("501")),
    "delete by where": (db) =>
      db
        .delete(contacts)
        .where(and(eq(contacts.company, "Acme"), eq(contacts.firstname, "Bob")))
        .returning(),
    "delete with a CTE": (db) => {
      const old = db.$with("old").as(db.select({ id: contacts.id }).from(contacts).where(eq(contacts.company, "Acme")));
      return db.with(old).delete(contacts).where(sql`${contacts.id} in (select id from old)`).returning();
    },
    "find, then save": async (db) => {
      const found = await find(db, "ada@example.com");
      await db.update(contacts).set({ firstname: "Adele" }).where(byId(found.id)).returning();
    },
    "find by the relational query, then save": async (db) => {
      const found = await db.query.contacts.findFirst({ where: eq(contacts.email, "ada@example.com") });
      await db.update(contacts).set({ firstname: "Adele" }).where(byId(found.id));
    },
    "insert, then save, then delete": async (db) => {
      const [made] = await db.insert(contacts).values(eve).returning({ id: contacts.id });
      await db.update(contacts).set({ firstname: "Evelyn" }).where(byId(made.id));
      await db.delete(contacts).where(byId(made.id));
    },
    "transaction: insert": (db) => db.transaction((db) => db.insert(contacts).values(eve).returning()),
    "transaction: find for update, then save": (db) =>
      db.transaction(async (db) => {
        const [found] = await db.select().from(contacts).where(eq(contacts.email, "ada@example.com")).for("update");
        await db.update(contacts).set({ firstname: "Adele" }).where(byId(found.id));
      }),
    "transaction: with an isolation level": (db) =>
      db.transaction((db) => db.insert(contacts).values(eve), { isolationLevel: "repeatable read" }),
    "transaction: two writes": (db) =>
      db.transaction(async (db) => {
        await db.insert(contacts).values(eve);
        await db.delete(contacts).where(byId("501"));
      }),
    "transaction: rolled back": (db) =>
      undone(
        db.transaction(async (db) => {
          await db.insert(contacts).values(eve);
          throw new Undo();
        }),
      ),
    "savepoint: insert": (db) =>
      db.transaction((db) => db.transaction((db) => db.insert(contacts).values(eve).returning())),
    "savepoint: rolled back": (db) =>
      db.transaction(async (db) => {
        await undone(
          db.transaction(async (db) => {
            await db.insert(contacts).values(eve);
            throw new Undo();
          }),
        );
      }),
    "savepoint: a refused insert, then another": (db) =>
      db.transaction(async (db) => {
        await db.transaction((db) => db.insert(contacts).values(person("ada", "Ada"))).catch(() => undefined);
        await db.insert(contacts).values(eve);
      }),
  },
);
