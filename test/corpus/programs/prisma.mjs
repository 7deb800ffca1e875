// Prisma's client on its adapter for node-postgres; it has no other way to Postgres.

import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "@prisma/client";
import { person, play, three, Undo, undone, wide } from "./stage.mjs";

const eve = person("eve", "Eve");
const where = { id: "501" };

await play(
  async (connectionString) => {
    const db = new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 1 }) });
    await db.$queryRaw`select 1`;
    return db;
  },
  (db) => db.$disconnect(),
  {
    create: (db) => db.contacts.create({ data: eve }),
    "create, one column selected": (db) => db.contacts.create({ data: eve, select: { id: true } }),
    "create, all columns": (db) => db.contacts.create({ data: wide }),
    "create, numbers, nulls and booleans": (db) =>
      db.contacts.create({
        data: {
          ...eve,
          annualrevenue: 12.5,
          opted_in: true,
          lastname: null,
          interests: ["product", "events"],
          last_visit: new Date("2026-03-01T12:30:00.000Z"),
        },
      }),
    createMany: (db) => db.contacts.createMany({ data: three }),
    "createMany, rows of different columns": (db) =>
      db.contacts.createMany({ data: [eve, { email: "fay@example.com", lastname: "Fay" }] }),
    createManyAndReturn: (db) => db.contacts.createManyAndReturn({ data: three }),
    "createManyAndReturn, one column selected": (db) =>
      db.contacts.createManyAndReturn({ data: three, select: { id: true } }),
    "upsert, do nothing": (db) => db.contacts.createMany({ data: [person("ada", "Ada")], skipDuplicates: true }),
    "upsert, do nothing, returning": (db) =>
      db.contacts.createManyAndReturn({ data: [person("ada", "Ada"), eve], skipDuplicates: true }),
    "upsert, in one statement": (db) =>
      db.contacts.upsert({
        where: { email: "ada@example.com" },
        create: person("ada", "Ada"),
        update: { firstname: "Adele" },
      }),
    "upsert, in several statements": (db) =>
      db.contacts.upsert({ where, create: person("ada", "Ada"), update: { firstname: "Adele" } }),
    "upsert, in several statements, a new one": (db) =>
      db.contacts.upsert({ where: { id: "0" }, create: eve, update: { firstname: "Evelyn" } }),
    "update by key": (db) => db.contacts.update({ where, data: { firstname: "Adele", lastname: null } }),
    "update by unique column": (db) =>
      db.contacts.update({ where: { email: "ada@example.com" }, data: { firstname: "Adele" }, select: { id: true } }),
    "update by expression": (db) => db.contacts.update({ where, data: { annualrevenue: { increment: 5 } } }),
    "updateMany by where": (db) =>
      db.contacts.updateMany({ where: { company: "Acme" }, data: { phone: "+4930123456" } }),
    "updateMany by list": (db) =>
      db.contacts.updateMany({ where: { id: { in: ["501", "503"] } }, data: { lastname: "Ray" } }),
    "updateMany, one": (db) =>
      db.contacts.updateMany({ where: { company: "Acme" }, data: { phone: "+4930123456" }, limit: 1 }),
    updateManyAndReturn: (db) =>
      db.contacts.updateManyAndReturn({ where: { company: "Acme" }, data: { phone: "+4930123456" } }),
    "delete by key": (db) => db.contacts.delete({ where }),
    "delete by unique column": (db) => db.contacts.delete({ where: { email: "ada@example.com" } }),
    "deleteMany by where": (db) => db.contacts.deleteMany({ where: { company: "Acme" } }),
    "deleteMany by list": (db) => db.contacts.deleteMany({ where: { id: { in: ["501", "503"] } } }),
    "raw insert": (db) =>
      db.$executeRaw`insert into hubspot.contacts (email, firstname) values (${eve.email}, ${eve.firstname})`,
    "raw insert returning": (db) =>
      db.$queryRaw`insert into hubspot.contacts (email, annualrevenue) values (${eve.email}, ${12.5}) returning id, annualrevenue`,
    "find, then update": async (db) => {
      const found = await db.contacts.findUnique({ where: { email: "ada@example.com" } });
      await db.contacts.update({ where: { id: found.id }, data: { firstname: "Adele" } });
    },
    "find several, then updateMany": async (db) => {
      const found = await db.contacts.findMany({ where: { company: "Acme" }, orderBy: { email: "asc" } });
      await db.contacts.updateMany({
        where: { id: { in: found.map(({ id }) => id) } },
        data: { phone: "+4930123456" },
      });
    },
    "create, then update, then delete": async (db) => {
      const { id } = await db.contacts.create({ data: eve });
      await db.contacts.update({ where: { id }, data: { firstname: "Evelyn" } });
      await db.contacts.delete({ where: { id } });
    },
    "transaction: create": (db) => db.$transaction((db) => db.contacts.create({ data: eve })),
    "transaction: find, then update": (db) =>
      db.$transaction(async (db) => {
        const { id } = await db.contacts.findFirstOrThrow({ where: { email: "ada@example.com" } });
        await db.contacts.update({ where: { id }, data: { firstname: "Adele" } });
      }),
    "transaction: with an isolation level": (db) =>
      db.$transaction((db) => db.contacts.create({ data: eve }), { isolationLevel: "RepeatableRead" }),
    "transaction: two writes": (db) =>
      db.$transaction(async (db) => {
        await db.contacts.create({ data: eve });
        await db.contacts.delete({ where });
      }),
    "transaction: a list of two writes": (db) =>
      db.$transaction([db.contacts.create({ data: eve }), db.contacts.deleteMany({ where })]),
    "transaction: rolled back": (db) =>
      undone(
        db.$transaction(async (db) => {
          await db.contacts.create({ data: eve });
          throw new Undo();
        }),
      ),
    "savepoint: create": (db) => db.$transaction((db) => db.$transaction((db) => db.contacts.create({ data: eve }))),
    "savepoint: rolled back": (db) =>
      db.$transaction((db) =>
        undone(
          db.$transaction(async (db) => {
            await db.contacts.create({ data: eve });
            throw new Undo();
          }),
        ),
      ),
  },
);
