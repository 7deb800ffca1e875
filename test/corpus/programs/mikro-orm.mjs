// MikroORM on node-postgres: the unit of work, the entity manager's own methods, query builders.
// 6 is its last version for Node 20.

import { EntitySchema, LockMode, MikroORM, raw } from "@mikro-orm/postgresql";
import { person, play, three, Undo, undone, wide } from "./stage.mjs";

const text = { type: "text", nullable: true };
const Contact = new EntitySchema({
  name: "Contact",
  tableName: "contacts",
  schema: "hubspot",
  properties: {
    id: { type: "text", primary: true, defaultRaw: "'throughline:' || gen_random_uuid()" },
    email: { ...text, unique: true },
    firstname: text,
    lastname: text,
    phone: text,
    company: text,
    annualrevenue: { type: "decimal", nullable: true },
    optedIn: { type: "boolean", fieldName: "opted_in", nullable: true },
    interests: { type: "string[]", nullable: true },
    lastVisit: { type: "Date", fieldName: "last_visit", columnType: "timestamptz", nullable: true },
  },
});

const eve = person("eve", "Eve");
const where = { id: "501" };
const add = (em, row) => em.persist(em.create(Contact, { ...row })).flush();
const findAda = (em, options) => em.findOneOrFail(Contact, { email: "ada@example.com" }, options);

let orm;
await play(
  async (clientUrl) => {
    orm = await MikroORM.init({ clientUrl, entities: [Contact], pool: { min: 0, max: 1 } });
    const em = orm.em.fork();
    await em.getConnection().execute("select 1");
    return em;
  },
  () => orm.close(),
  {
    insert: (em) => em.insert(Contact, eve),
    "persist and flush": (em) => add(em, eve),
    "persist and flush, all columns": (em) => add(em, wide),
    "persist and flush, numbers, nulls and booleans": (em) =>
      add(em, {
        ...eve,
        annualrevenue: "12.5",
        optedIn: true,
        lastname: null,
        interests: ["product", "events"],
        lastVisit: new Date("2026-03-01T12:30:00.000Z"),
      }),
    "insert by builder": (em) => em.createQueryBuilder(Contact).insert(eve).returning("*").execute(),
    "insert, an expression": (em) =>
      em.insert(Contact, { email: raw("lower(?)", ["Eve@Example.com"]), firstname: "Eve" }),
    "bulk insert": (em) => em.insertMany(Contact, three),
    "bulk insert, persist and flush": (em) => {
      for (const row of three) em.persist(em.create(Contact, { ...row }));
      return em.flush();
    },
    "bulk insert, rows of different columns": (em) => {
      em.persist(em.create(Contact, { ...eve }));
      em.persist(em.create(Contact, { email: "fay@example.com", lastname: "Fay" }));
      return em.flush();
    },
    "upsert, do nothing": (em) => em.upsert(Contact, person("ada", "Ada"), { onConflictAction: "ignore" }),
    "upsert, do update": (em) => em.upsert(Contact, person("ada", "Adele")),
    "upsert, do update, several rows": (em) => em.upsertMany(Contact, [person("ada", "Adele"), eve]),
    "upsert by builder": (em) =>
      em.createQueryBuilder(Contact).insert(person("ada", "Adele")).onConflict("email").merge(["firstname"]).execute(),
    "update by key": (em) => em.nativeUpdate(Contact, where, { firstname: "Adele" }),
    "update by where": (em) => em.nativeUpdate(Contact, { company: "Acme" }, { phone: "+4930123456" }),
    "update by list": (em) => em.nativeUpdate(Contact, { id: ["501", "503"] }, { lastname: "Ray" }),
    "update by builder": (em) =>
      em
        .createQueryBuilder(Contact)
        .update({ firstname: "Adele", annualrevenue: raw("annualrevenue + 5") })
        .where(where)
        .returning(["id", "firstname"])
        .execute(),
    "update by expression": async (em) => {
      const ada = await findAda(em);
      ada.firstname = raw("upper(firstname)");
      await em.flush();
    },
    "update by reference": async (em) => {
      em.getReference(Contact, "501").firstname = "Adele";
      await em.flush();
    },
    "delete by key": (em) => em.nativeDelete(Contact, where),
    "delete by where": (em) => em.nativeDelete(Contact, { company: "Acme" }),
    "delete by reference": (em) => em.remove(em.getReference(Contact, "501")).flush(),
    "find, then save": async (em) => {
      const ada = await findAda(em);
      ada.firstname = "Adele";
      await em.flush();
    },
    "find several, then save": async (em) => {
      const found = await em.find(Contact, { company: "Acme" }, { orderBy: { email: "asc" } });
      for (const [at, contact] of found.entries()) contact.firstname = `Name ${at}`;
      await em.flush();
    },
    "find several, then save different columns": async (em) => {
      const [bob, cyd] = await em.find(Contact, { company: "Acme" }, { orderBy: { email: "asc" } });
      bob.firstname = "Bert";
      cyd.lastname = null;
      await em.flush();
    },
    "find, then remove": async (em) => em.remove(await findAda(em)).flush(),
    "find several, then remove": async (em) => {
      for (const contact of await em.find(Contact, { company: "Acme" }, { orderBy: { email: "asc" } }))
        em.remove(contact);
      await em.flush();
    },
    "insert, then save, then remove": async (em) => {
      const made = em.create(Contact, { ...eve });
      await em.persist(made).flush();
      made.firstname = "Evelyn";
      await em.flush();
      await em.remove(made).flush();
    },
    "a new one, a changed one and a removed one in one flush": async (em) => {
      const [bob, cyd] = await em.find(Contact, { company: "Acme" }, { orderBy: { email: "asc" } });
      em.persist(em.create(Contact, { ...eve }));
      bob.firstname = "Bert";
      em.remove(cyd);
      await em.flush();
    },
    "transaction: insert": (em) => em.transactional((em) => add(em, eve)),
    "transaction: find for update, then save": (em) =>
      em.transactional(async (em) => {
        const ada = await findAda(em, { lockMode: LockMode.PESSIMISTIC_WRITE });
        ada.firstname = "Adele";
      }),
    "transaction: with an isolation level": (em) =>
      em.transactional((em) => add(em, eve), { isolationLevel: "repeatable read" }),
    "transaction: two writes": (em) =>
      em.transactional(async (em) => {
        await add(em, eve);
        await em.nativeDelete(Contact, where);
      }),
    "transaction: rolled back": (em) =>
      undone(
        em.transactional(async (em) => {
          await add(em, eve);
          throw new Undo();
        }),
      ),
    "savepoint: insert": (em) => em.transactional((em) => em.transactional((em) => add(em, eve))),
    "savepoint: rolled back": (em) =>
      em.transactional((em) =>
        undone(
          em.transactional(async (em) => {
            await add(em, eve);
            throw new Undo();
          }),
        ),
      ),
  },
);
