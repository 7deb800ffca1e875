// TypeORM on node-postgres: repositories, the entity manager, query builders.

import { DataSource, EntitySchema, In } from "typeorm";
import { person, play, three, Undo, undone, wide } from "./stage.mjs";

const text = { type: "text", nullable: true };
const Contact = new EntitySchema({
  name: "Contact",
  schema: "hubspot",
  tableName: "contacts",
  columns: {
    id: { type: "text", primary: true, generated: "uuid" },
    email: { ...text, unique: true },
    firstname: text,
    lastname: text,
    phone: text,
    company: text,
    annualrevenue: { type: "numeric", nullable: true },
    optedIn: { type: "boolean", name: "opted_in", nullable: true },
    interests: { type: "text", array: true, nullable: true },
    lastVisit: { type: "timestamptz", name: "last_visit", nullable: true },
    // What only the API sets.
    createdate: { type: "timestamptz", nullable: true, insert: false, update: false },
  },
});

const eve = person("eve", "Eve");
const repository = (db) => db.getRepository(Contact);
const builder = (db) => repository(db).createQueryBuilder();

await play(
  async (url) => {
    const db = new DataSource({ type: "postgres", url, entities: [Contact], installExtensions: false, poolSize: 1 });
    await db.initialize();
    await db.query("select 1");
    return db;
  },
  (db) => db.destroy(),
  {
    insert: (db) => repository(db).insert({ ...eve }),
    "save a new one": (db) => repository(db).save({ ...eve }),
    "save a new one, all columns": (db) => repository(db).save({ ...wide }),
    "save a new one, numbers, nulls and booleans": (db) =>
      repository(db).save({
        ...eve,
        annualrevenue: 12.5,
        optedIn: true,
        lastname: null,
        interests: ["product", "events"],
        lastVisit: new Date("2026-03-01T12:30:00.000Z"),
      }),
    "insert by builder": (db) =>
      builder(db)
        .insert()
        .into(Contact)
        .values({ ...eve })
        .returning("*")
        .execute(),
    "insert by builder, an expression": (db) =>
      builder(db)
        .insert()
        .values({ email: () => "lower('Eve@Example.com')", firstname: "Eve" })
        .execute(),
    "bulk insert": (db) => repository(db).insert(three.map((row) => ({ ...row }))),
    "bulk insert by save": (db) => repository(db).save(three.map((row) => ({ ...row }))),
    "bulk insert by save, in portions": (db) =>
      repository(db).save(
        three.map((row) => ({ ...row })),
        { chunk: 2 },
      ),
    "bulk insert by builder": (db) =>
      builder(db)
        .insert()
        .values(three.map((row) => ({ ...row })))
        .returning(["id", "email"])
        .execute(),
    "upsert, do nothing": (db) => builder(db).insert().values(person("ada", "Ada")).orIgnore().execute(),
    "upsert, do update": (db) => repository(db).upsert(person("ada", "Adele"), ["email"]),
    "upsert, do update, unchanged skipped": (db) =>
      repository(db).upsert([person("ada", "Adele"), { ...eve }], {
        conflictPaths: ["email"],
        skipUpdateIfNoValuesChanged: true,
      }),
    "upsert by builder": (db) =>
      builder(db).insert().values(person("ada", "Adele")).orUpdate(["firstname"], ["email"]).returning("*").execute(),
    "save with a key of one's own": (db) => repository(db).save({ id: "501", firstname: "Adele" }),
    "update by key": (db) => repository(db).update("501", { firstname: "Adele" }),
    "update by where": (db) => repository(db).update({ company: "Acme" }, { phone: "+4930123456" }),
    "update by list": (db) => repository(db).update({ id: In(["501", "503"]) }, { lastname: "Ray" }),
    "update by builder": (db) =>
      builder(db)
        .update()
        .set({ firstname: "Adele", lastname: null })
        .where("id = :id", { id: "501" })
        .returning("*")
        .execute(),
    "update by expression": (db) => repository(db).increment({ id: "501" }, "annualrevenue", 5),
    "delete by key": (db) => repository(db).delete("501"),
    "delete by where": (db) => repository(db).delete({ company: "Acme" }),
    "delete by builder": (db) =>
      builder(db).delete().where("company = :company", { company: "Acme" }).returning("id").execute(),
    "find, then save": async (db) => {
      const found = await repository(db).findOneByOrFail({ email: "ada@example.com" });
      await repository(db).save({ ...found, firstname: "Adele" });
    },
    "find, then save unchanged": async (db) => {
      const found = await repository(db).findOneByOrFail({ email: "ada@example.com" });
      await repository(db).save(found);
    },
    "find several, then save": async (db) => {
      const found = await repository(db).find({ where: { company: "Acme" }, order: { email: "ASC" } });
      await repository(db).save(found.map((row, at) => ({ ...row, firstname: `Name ${at}` })));
    },
    "find, then remove": async (db) => {
      const found = await repository(db).findOneByOrFail({ email: "ada@example.com" });
      await repository(db).remove(found);
    },
    "find several, then remove": async (db) => {
      const found = await repository(db).find({ where: { company: "Acme" }, order: { email: "ASC" } });
      await repository(db).remove(found);
    },
    "insert, then save, then delete": async (db) => {
      const made = await repository(db).save({ ...eve });
      await repository(db).save({ ...made, firstname: "Evelyn" });
      await repository(db).delete(made.id);
    },
    "transaction: insert": (db) => db.transaction((manager) => manager.insert(Contact, { ...eve })),
    "transaction: save a new one": (db) => db.transaction((manager) => manager.save(Contact, { ...eve })),
    "transaction: find for update, then save": (db) =>
      db.transaction(async (manager) => {
        const lock = { mode: "pessimistic_write" };
        const found = await manager.findOneOrFail(Contact, { where: { email: "ada@example.com" }, lock });
        await manager.save(Contact, { ...found, firstname: "Adele" });
      }),
    "transaction: with an isolation level": (db) =>
      db.transaction("REPEATABLE READ", (manager) => manager.insert(Contact, { ...eve })),
    "transaction: two writes": (db) =>
      db.transaction(async (manager) => {
        await manager.insert(Contact, { ...eve });
        await manager.delete(Contact, "501");
      }),
    "transaction: rolled back": (db) =>
      undone(
        db.transaction(async (manager) => {
          await manager.insert(Contact, { ...eve });
          throw new Undo();
        }),
      ),
    "savepoint: insert": (db) =>
      db.transaction((manager) => manager.transaction((manager) => manager.insert(Contact, { ...eve }))),
    "savepoint: rolled back": (db) =>
      db.transaction((manager) =>
        undone(
          manager.transaction(async (manager) => {
            await manager.insert(Contact, { ...eve });
            throw new Undo();
          }),
        ),
      ),
    "savepoint: a refused insert, then another": (db) =>
      db.transaction(async (manager) => {
        await manager.transaction((manager) => manager.insert(Contact, person("ada", "Ada"))).catch(() => undefined);
        await manager.insert(Contact, { ...eve });
      }),
  },
);
