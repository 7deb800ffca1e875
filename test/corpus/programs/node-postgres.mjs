// node-postgres: unnamed and named statements, the simple protocol, binary values and results.

import pg from "pg";
import { play, three, wide } from "./stage.mjs";

const insert = "insert into hubspot.contacts (email, firstname) values ($1, $2)";
const names = Object.keys(wide);

/** @param {pg.Client} db @param {string} email */
async function findId(db, email) {
  const { rows } = await db.query("select id, email, firstname from hubspot.contacts where email = $1", [email]);
  return rows[0].id;
}

await play(
  async (connectionString) => {
    const db = new pg.Client({ connectionString });
    await db.connect();
    await db.query("select 1");
    return db;
  },
  (db) => db.end(),
  {
    insert: (db) => db.query(insert, ["eve@example.com", "Eve"]),
    "insert, simple protocol": (db) =>
      db.query("insert into hubspot.contacts (email, firstname) values ('eve@example.com', 'Eve')"),
    "insert returning": (db) => db.query(`${insert} returning id, email`, ["eve@example.com", "Eve"]),
    "insert returning, all columns": (db) => {
      const marks = names.map((_, at) => `$${at + 1}`).join(", ");
      const text = `insert into hubspot.contacts (${names.join(", ")}) values (${marks}) returning *`;
      return db.query(text, Object.values(wide));
    },
    "insert returning, numbers, nulls and booleans": (db) =>
      db.query(
        "insert into hubspot.contacts (email, annualrevenue, opted_in, lastname, interests, renewal_date, last_visit) values ($1, $2, $3, $4, $5, $6, $7) returning id, annualrevenue, opted_in, lastname, interests, renewal_date, last_visit",
        [
          "eve@example.com",
          12.5,
          true,
          null,
          ["product", "events"],
          "2026-03-01",
          new Date("2026-03-01T12:30:00.000Z"),
        ],
      ),
    "insert returning, binary": (db) =>
      db.query({
        text: "insert into hubspot.contacts (email, firstname, annualrevenue) values ($1, $2, $3) returning id, email, annualrevenue, opted_in, createdate",
        values: [Buffer.from("eve@example.com"), "Eve", "42"],
        binary: true,
      }),
    "insert, a named statement used three times": async (db) => {
      for (const { email, firstname } of three) {
        await db.query({ name: "new-contact", text: `${insert} returning id`, values: [email, firstname] });
      }
    },
    "insert, a string of several statements": (db) =>
      db.query(
        "insert into hubspot.contacts (email) values ('eve@example.com'); insert into hubspot.contacts (email) values ('fay@example.com')",
      ),
    "insert, begin and commit in the string": (db) =>
      db.query("begin; insert into hubspot.contacts (email) values ('eve@example.com'); commit"),
    "insert, rows fetched in portions": async (db) => {
      await db.query({
        text: "insert into hubspot.contacts (email, firstname) values ($1, $2), ($3, $4), ($5, $6) returning id",
        values: three.flatMap(({ email, firstname }) => [email, firstname]),
        rows: 2,
      });
    },
    "bulk insert returning": (db) =>
      db.query(
        "insert into hubspot.contacts (email, firstname) values ($1, $2), ($3, $4), ($5, $6) returning id, email",
        three.flatMap(({ email, firstname }) => [email, firstname]),
      ),
    "bulk insert, unnest": (db) =>
      db.query(
        "insert into hubspot.contacts (email, firstname) select * from unnest($1::text[], $2::text[]) returning id",
        [three.map(({ email }) => email), three.map(({ firstname }) => firstname)],
      ),
    "bulk insert, json": (db) =>
      db.query(
        "insert into hubspot.contacts (email, firstname) select email, firstname from json_to_recordset($1::json) as r(email text, firstname text) returning id",
        [JSON.stringify(three)],
      ),
    "upsert, do nothing": (db) => db.query(`${insert} on conflict do nothing`, ["ada@example.com", "Ada"]),
    "upsert, do update": (db) =>
      db.query(`${insert} on conflict (email) do update set firstname = excluded.firstname returning id, firstname`, [
        "ada@example.com",
        "Adele",
      ]),
    "update by key": (db) => db.query("update hubspot.contacts set firstname = $1 where id = $2", ["Adele", "501"]),
    "update by where": (db) =>
      db.query("update hubspot.contacts set phone = $1 where company = $2 returning *", ["+4930123456", "Acme"]),
    "update by list": (db) =>
      db.query("update hubspot.contacts set lastname = $1 where id = any($2) returning id", ["Ray", ["501", "503"]]),
    "update by expression": (db) =>
      db.query("update hubspot.contacts set annualrevenue = annualrevenue + $1 where id = $2 returning annualrevenue", [
        5,
        "501",
      ]),
    "update from values": (db) =>
      db.query(
        "update hubspot.contacts c set firstname = v.firstname from (values ($1, $2), ($3, $4)) v(id, firstname) where c.id = v.id returning c.id, c.firstname",
        ["501", "Adele", "502", "Bert"],
      ),
    "update in a CTE": (db) =>
      db.query(
        "with changed as (update hubspot.contacts set firstname = $1 where id = $2 returning id, firstname) select * from changed",
        ["Adele", "501"],
      ),
    "delete by key": (db) => db.query("delete from hubspot.contacts where id = $1", ["501"]),
    "delete by where": (db) => db.query("delete from hubspot.contacts where company = $1 returning id", ["Acme"]),
    "find, then save": async (db) => {
      const id = await findId(db, "ada@example.com");
      await db.query("update hubspot.contacts set firstname = $1 where id = $2", ["Adele", id]);
    },
    "insert, then save, then delete": async (db) => {
      const { rows } = await db.query(`${insert} returning id`, ["eve@example.com", "Eve"]);
      await db.query("update hubspot.contacts set firstname = $1 where id = $2", ["Evelyn", rows[0].id]);
      await db.query("delete from hubspot.contacts where id = $1", [rows[0].id]);
    },
    "transaction: insert": async (db) => {
      await db.query("begin");
      await db.query(`${insert} returning id`, ["eve@example.com", "Eve"]);
      await db.query("commit");
    },
    "transaction: find for update, then save": async (db) => {
      await db.query("begin");
      const { rows } = await db.query("select * from hubspot.contacts where email = $1 for update", [
        "ada@example.com",
      ]);
      await db.query("update hubspot.contacts set firstname = $1 where id = $2", ["Adele", rows[0].id]);
      await db.query("commit");
    },
    "transaction: two writes": async (db) => {
      await db.query("begin");
      await db.query(insert, ["eve@example.com", "Eve"]);
      await db.query("delete from hubspot.contacts where id = $1", ["501"]);
      await db.query("commit");
    },
    "transaction: rolled back": async (db) => {
      await db.query("begin");
      await db.query(insert, ["eve@example.com", "Eve"]);
      await db.query("rollback");
    },
    "savepoint: insert": async (db) => {
      await db.query("begin");
      await db.query("savepoint one");
      await db.query(insert, ["eve@example.com", "Eve"]);
      await db.query("release savepoint one");
      await db.query("commit");
    },
    "savepoint: rolled back": async (db) => {
      await db.query("begin");
      await db.query("savepoint one");
      await db.query(insert, ["eve@example.com", "Eve"]);
      await db.query("rollback to savepoint one");
      await db.query("commit");
    },
    "savepoint: a refused insert, then another": async (db) => {
      await db.query("begin");
      await db.query("savepoint one");
      await db.query(insert, ["ada@example.com", "Ada"]).catch(() => db.query("rollback to savepoint one"));
      await db.query(insert, ["eve@example.com", "Eve"]);
      await db.query("commit");
    },
  },
);
