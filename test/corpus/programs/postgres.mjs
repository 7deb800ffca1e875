// postgres.js: named statements by default, unnamed ones, pipelined queries, the simple protocol.

import postgres from "postgres";
import { person, play, three, Undo, undone, wide } from "./stage.mjs";

const ids = ["501", "503"];
const eve = person("eve", "Eve");
const table = (sql) => sql`hubspot.contacts`;

await play(
  async (url) => {
    const sql = postgres(url, { max: 1, onnotice: () => undefined });
    await sql`select 1`;
    return sql;
  },
  (sql) => sql.end(),
  {
    insert: (sql) => sql`insert into hubspot.contacts (email, firstname) values (${eve.email}, ${eve.firstname})`,
    "insert returning": (sql) => sql`insert into ${table(sql)} ${sql(eve)} returning id, email`,
    "insert returning, all columns": (sql) => sql`insert into ${table(sql)} ${sql(wide)} returning *`,
    "insert returning, numbers, nulls and booleans": (sql) =>
      sql`insert into ${table(sql)} (email, annualrevenue, opted_in, lastname, interests, renewal_date, last_visit)
        values (${eve.email}, ${12.5}, ${true}, ${null}, ${["product", "events"]}, ${"2026-03-01"}, ${new Date("2026-03-01T12:30:00.000Z")})
        returning id, annualrevenue, opted_in, lastname, interests, renewal_date, last_visit`,
    "insert returning, unnamed": async (sql) => {
      const name = "Eve";
      await sql.unsafe("insert into hubspot.contacts (email, firstname) values ($1, $2) returning id", [
        eve.email,
        name,
      ]);
    },
    "insert returning, simple protocol": (sql) =>
      sql`insert into hubspot.contacts (email, firstname) values ('eve@example.com', 'Eve') returning id`.simple(),
    "insert, a string of several statements": (sql) =>
      sql.unsafe(
        "insert into hubspot.contacts (email) values ('eve@example.com'); insert into hubspot.contacts (email) values ('fay@example.com')",
      ),
    "insert, a statement used three times": async (sql) => {
      for (const { email, firstname } of three) {
        await sql`insert into hubspot.contacts (email, firstname) values (${email}, ${firstname}) returning id`;
      }
    },
    "insert, three pipelined": (sql) =>
      Promise.all(
        three.map(
          ({ email, firstname }) =>
            sql`insert into hubspot.contacts (email, firstname) values (${email}, ${firstname}) returning id`,
        ),
      ),
    "insert, described first": async (sql) => {
      await sql`insert into hubspot.contacts (email) values (${eve.email}) returning id`.describe();
      await sql`insert into hubspot.contacts (email) values (${eve.email}) returning id`;
    },
    "insert, rows through a cursor": (sql) =>
      sql`insert into ${table(sql)} ${sql(three)} returning id`.cursor(2, () => undefined),
    "bulk insert returning": (sql) => sql`insert into ${table(sql)} ${sql(three, "email", "firstname")} returning *`,
    "bulk insert, unnest": (sql) =>
      sql`insert into hubspot.contacts (email, firstname)
        select * from unnest(${three.map(({ email }) => email)}::text[], ${three.map(({ firstname }) => firstname)}::text[]) returning id`,
    "upsert, do nothing": (sql) =>
      sql`insert into ${table(sql)} ${sql(person("ada", "Ada"))} on conflict do nothing returning id`,
    "upsert, do update": (sql) =>
      sql`insert into ${table(sql)} ${sql(person("ada", "Adele"))}
        on conflict (email) do update set firstname = excluded.firstname returning id, firstname`,
    "update by key": (sql) => sql`update ${table(sql)} set ${sql({ firstname: "Adele" })} where id = ${"501"}`,
    "update by where": (sql) =>
      sql`update hubspot.contacts set phone = ${"+4930123456"} where company = ${"Acme"} returning *`,
    "update by list": (sql) =>
      sql`update hubspot.contacts set lastname = ${"Ray"} where id in ${sql(ids)} returning id`,
    "update by array": (sql) =>
      sql`update hubspot.contacts set lastname = ${"Ray"} where id = any(${ids}) returning id`,
    "update from values": (sql) =>
      sql`update hubspot.contacts as c set firstname = v.firstname
        from (values ${sql([
          ["501", "Adele"],
          ["502", "Bert"],
        ])}) as v(id, firstname)
        where c.id = v.id returning c.id, c.firstname`,
    "update, a result set of nothing": (sql) =>
      sql`update hubspot.contacts set firstname = ${"No"} where id = ${"0"} returning id`,
    "delete by key": (sql) => sql`delete from ${table(sql)} where id = ${"501"}`,
    "delete by where": (sql) => sql`delete from ${table(sql)} where company = ${"Acme"} returning id`,
    "find, then save": async (sql) => {
      const [found] = await sql`select * from ${table(sql)} where email = ${"ada@example.com"}`;
      await sql`update ${table(sql)} set ${sql({ firstname: "Adele" }, "firstname")} where id = ${found.id} returning *`;
    },
    "insert, then save, then delete": async (sql) => {
      const [made] = await sql`insert into ${table(sql)} ${sql(eve)} returning id`;
      await sql`update ${table(sql)} set firstname = ${"Evelyn"} where id = ${made.id}`;
      await sql`delete from ${table(sql)} where id = ${made.id}`;
    },
    "transaction: insert": (sql) => sql.begin((sql) => sql`insert into ${table(sql)} ${sql(eve)} returning id`),
    "transaction: find for update, then save": (sql) =>
      sql.begin(async (sql) => {
        const [found] = await sql`select * from ${table(sql)} where email = ${"ada@example.com"} for update`;
        await sql`update ${table(sql)} set firstname = ${"Adele"} where id = ${found.id}`;
      }),
    "transaction: two writes, pipelined": (sql) =>
      sql.begin((sql) => [
        sql`insert into ${table(sql)} ${sql(eve)}`,
        sql`delete from ${table(sql)} where id = ${"501"}`,
      ]),
    "transaction: two writes": (sql) =>
      sql.begin(async (sql) => {
        await sql`insert into ${table(sql)} ${sql(eve)}`;
        await sql`delete from ${table(sql)} where id = ${"501"}`;
      }),
    "transaction: rolled back": (sql) =>
      undone(
        sql.begin(async (sql) => {
          await sql`insert into ${table(sql)} ${sql(eve)}`;
          throw new Undo();
        }),
      ),
    "savepoint: insert": (sql) =>
      sql.begin((sql) => sql.savepoint((sql) => sql`insert into ${table(sql)} ${sql(eve)} returning id`)),
    "savepoint: rolled back": (sql) =>
      sql.begin(async (sql) => {
        await undone(
          sql.savepoint("one", async (sql) => {
            await sql`insert into ${table(sql)} ${sql(eve)}`;
            throw new Undo();
          }),
        );
      }),
    "savepoint: a refused insert, then another": (sql) =>
      sql.begin(async (sql) => {
        await sql
          .savepoint((sql) => sql`insert into ${table(sql)} ${sql(person("ada", "Ada"))}`)
          .catch(() => undefined);
        await sql`insert into ${table(sql)} ${sql(eve)}`;
      }),
  },
);
