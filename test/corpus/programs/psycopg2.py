# psycopg2: it writes the values into the text and uses the simple protocol; a transaction is open unless autocommit is on.

import sys

# The module of this name is Debian's, not this file.
sys.path.append(sys.path.pop(0))

from datetime import date, datetime, timezone
from decimal import Decimal

import psycopg2
from psycopg2 import sql
from psycopg2.extras import Json, RealDictCursor, execute_batch, execute_values
from stage import EVE, THREE, WIDE, person, play

INSERT = "insert into hubspot.contacts (email, firstname) values (%(email)s, %(firstname)s)"
PAIRS = [(row["email"], row["firstname"]) for row in THREE]


def connect(url):
    db = psycopg2.connect(url)
    db.autocommit = True
    db.cursor().execute("select 1")
    return db


def run(*args):
    """One statement with autocommit."""
    return lambda db: db.cursor().execute(*args)


def in_transaction(*statements):
    def perform(db):
        db.autocommit = False
        cursor = db.cursor()
        for statement in statements:
            cursor.execute(*statement)
        db.commit()

    return perform


def insert_composed(db):
    names = sql.SQL(", ").join(map(sql.Identifier, WIDE))
    marks = sql.SQL(", ").join(map(sql.Placeholder, WIDE))
    query = sql.SQL("insert into {} ({}) values ({}) returning *")
    db.cursor().execute(query.format(sql.Identifier("hubspot", "contacts"), names, marks), WIDE)


def find(cursor, suffix=""):
    cursor.execute(f"select * from hubspot.contacts where email = %s{suffix}", ["ada@example.com"])
    return cursor.fetchone()["id"]


def find_then_save(db):
    cursor = db.cursor(cursor_factory=RealDictCursor)
    cursor.execute("update hubspot.contacts set firstname = %s where id = %s", ["Adele", find(cursor)])


def lock_then_save(db):
    db.autocommit = False
    with db, db.cursor(cursor_factory=RealDictCursor) as cursor:
        id_ = find(cursor, " for update")
        cursor.execute("update hubspot.contacts set firstname = %s where id = %s", ["Adele", id_])


def insert_save_delete(db):
    cursor = db.cursor()
    cursor.execute(f"{INSERT} returning id", EVE)
    (id_,) = cursor.fetchone()
    cursor.execute("update hubspot.contacts set firstname = %s where id = %s", ["Evelyn", id_])
    cursor.execute("delete from hubspot.contacts where id = any(%s)", [[id_]])


def rolled_back(db):
    db.autocommit = False
    db.cursor().execute(INSERT, EVE)
    db.rollback()


def isolated(db):
    db.set_session(isolation_level="REPEATABLE READ", autocommit=False)
    db.cursor().execute(INSERT, EVE)
    db.commit()


def refused_in_savepoint(db):
    db.autocommit = False
    cursor = db.cursor()
    cursor.execute("savepoint one")
    try:
        cursor.execute(INSERT, person("ada", "Ada"))
    except psycopg2.errors.UniqueViolation:
        cursor.execute("rollback to savepoint one")
    cursor.execute(INSERT, EVE)
    db.commit()


MIXED = """insert into hubspot.contacts (email, annualrevenue, opted_in, lastname, interests, renewal_date, last_visit)
values (%s, %s, %s, %s, %s, %s, %s) returning id, annualrevenue, opted_in, lastname, interests, renewal_date, last_visit"""
VISIT = datetime(2026, 3, 1, 12, 30, tzinfo=timezone.utc)
OTHER = INSERT.replace("%(email)s", "%(other)s")
ON_EMAIL = "on conflict (email) do update set firstname = excluded.firstname"

play(
    connect,
    lambda db: db.close(),
    {
        "insert": run(INSERT, EVE),
        "insert returning": run(f"{INSERT} returning id, email", EVE),
        "insert returning, all columns": insert_composed,
        "insert returning, numbers, nulls and booleans": run(
            MIXED, [EVE["email"], Decimal("12.5"), True, None, ["product", "events"], date(2026, 3, 1), VISIT]
        ),
        "insert, a string of several statements": run(f"{INSERT}; {OTHER}", {**EVE, "other": "fay@example.com"}),
        "bulk insert, executemany": lambda db: db.cursor().executemany(INSERT, THREE),
        "bulk insert, execute_batch": lambda db: execute_batch(db.cursor(), INSERT, THREE),
        "bulk insert, execute_values": lambda db: execute_values(
            db.cursor(), "insert into hubspot.contacts (email, firstname) values %s", PAIRS
        ),
        "bulk insert, execute_values returning": lambda db: execute_values(
            db.cursor(), "insert into hubspot.contacts (email, firstname) values %s returning id", PAIRS, fetch=True
        ),
        "bulk insert, json": run(
            """insert into hubspot.contacts (email, firstname)
            select email, firstname from json_to_recordset(%s) as r(email text, firstname text) returning id""",
            [Json(THREE)],
        ),
        "upsert, do nothing": run(f"{INSERT} on conflict do nothing", person("ada", "Ada")),
        "upsert, do update": run(f"{INSERT} {ON_EMAIL} returning id", person("ada", "Adele")),
        "update by key": run("update hubspot.contacts set firstname = %s where id = %s", ["Adele", "501"]),
        "update by where": run(
            "update hubspot.contacts set phone = %s where company = %s returning *", ["+4930123456", "Acme"]
        ),
        "update by list": run("update hubspot.contacts set lastname = %s where id in %s", ["Ray", ("501", "503")]),
        "update by array": run("update hubspot.contacts set lastname = %s where id = any(%s)", ["Ray", ["501", "503"]]),
        "update by expression": run(
            "update hubspot.contacts set annualrevenue = annualrevenue + %s where id = %s returning annualrevenue",
            [Decimal(5), "501"],
        ),
        "update several, execute_batch": lambda db: execute_batch(
            db.cursor(),
            "update hubspot.contacts set firstname = %s where id = %s",
            [("Adele", "501"), ("Bert", "502"), ("Cyn", "503")],
        ),
        "update several, execute_values": lambda db: execute_values(
            db.cursor(),
            """update hubspot.contacts c set firstname = v.firstname
            from (values %s) as v(id, firstname) where c.id = v.id""",
            [("501", "Adele"), ("502", "Bert")],
        ),
        "delete by key": run("delete from hubspot.contacts where id = %s", ["501"]),
        "delete by where": run("delete from hubspot.contacts where company = %s returning id", ["Acme"]),
        "find, then save": find_then_save,
        "insert, then save, then delete": insert_save_delete,
        "transaction: insert": in_transaction([f"{INSERT} returning id", EVE]),
        "transaction: find for update, then save": lock_then_save,
        "transaction: with an isolation level": isolated,
        "transaction: two writes": in_transaction(
            [INSERT, EVE], ["delete from hubspot.contacts where id = %s", ["501"]]
        ),
        "transaction: rolled back": rolled_back,
        "savepoint: insert": in_transaction(["savepoint one"], [INSERT, EVE], ["release savepoint one"]),
        "savepoint: rolled back": in_transaction(["savepoint one"], [INSERT, EVE], ["rollback to savepoint one"]),
        "savepoint: a refused insert, then another": refused_in_savepoint,
    },
)
