# psycopg 3: unnamed statements, statements prepared after some uses or at once, binary, pipelines, client-side cursors.

from datetime import date, datetime, timezone
from decimal import Decimal

import psycopg
from psycopg.rows import dict_row
from stage import EVE, THREE, Undo, WIDE, person, play

INSERT = "insert into hubspot.contacts (email, firstname) values (%(email)s, %(firstname)s)"
ID = f"{INSERT} returning id"


def connect(url):
    db = psycopg.connect(url, autocommit=True)
    db.execute("select 1")
    return db


def run(*args, **kwargs):
    """One statement with autocommit."""
    return lambda db: db.execute(*args, **kwargs)


def in_transaction(*statements):
    def perform(db):
        with db.transaction():
            for statement in statements:
                db.execute(*statement)

    return perform


def many_times(times, **kwargs):
    def perform(db):
        for at in range(times):
            db.execute(ID, person(f"n{at}", f"N {at}"), **kwargs)

    return perform


def many(query, rows, returning=False):
    def perform(db):
        with db.cursor() as cursor:
            cursor.executemany(query, rows, returning=returning)

    return perform


def pipelined(db):
    with db.pipeline():
        cursors = [db.execute(ID, row) for row in THREE]
        return [cursor.fetchone() for cursor in cursors]


def pipelined_transaction(db):
    with db.pipeline(), db.transaction():
        db.execute(INSERT, EVE)
        db.execute("update hubspot.contacts set firstname = %s where id = %s", ["Adele", "501"])


def pipelined_with_syncs(db):
    with db.pipeline() as pipeline:
        for row in THREE:
            db.execute(INSERT, row)
            pipeline.sync()


def by_client_cursor(db):
    other = INSERT.replace("%(email)s", "%(other)s")
    psycopg.ClientCursor(db).execute(f"{INSERT}; {other}", {**EVE, "other": "fay@example.com"})


def streamed(db):
    values = ", ".join(["(%s, %s)"] * 3)
    pairs = [value for row in THREE for value in row.values()]
    with db.cursor() as cursor:
        list(cursor.stream(f"insert into hubspot.contacts (email, firstname) values {values} returning id", pairs))


def find(db, suffix=""):
    with db.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"select * from hubspot.contacts where email = %s{suffix}", ["ada@example.com"])
        return cursor.fetchone()["id"]


def save(db, id_, firstname, **kwargs):
    db.execute("update hubspot.contacts set firstname = %s where id = %s", [firstname, id_], **kwargs)


def lock_then_save(db):
    with db.transaction():
        save(db, find(db, " for update"), "Adele")


def insert_save_delete(db):
    (id_,) = db.execute(ID, EVE).fetchone()
    save(db, id_, "Evelyn")
    db.execute("delete from hubspot.contacts where id = any(%s)", [[id_]])


def insert_save_delete_binary(db):
    (id_,) = db.execute(ID, EVE, binary=True).fetchone()
    db.execute("update hubspot.contacts set firstname = %b where id = %b", ["Evelyn", id_])
    db.execute("delete from hubspot.contacts where id = %b", [id_])


def implicit(db):
    db.autocommit = False
    db.execute(ID, EVE)
    db.commit()


def isolated(db):
    db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    in_transaction([INSERT, EVE])(db)


def rolled_back(db):
    try:
        with db.transaction():
            db.execute(INSERT, EVE)
            raise Undo
    except Undo:
        pass


def savepoint(db):
    with db.transaction(), db.transaction():
        db.execute(ID, EVE)


def savepoint_rolled_back(db):
    with db.transaction():
        rolled_back(db)


def refused_in_savepoint(db):
    with db.transaction():
        try:
            with db.transaction("one"):
                db.execute(INSERT, person("ada", "Ada"))
        except psycopg.errors.UniqueViolation:
            pass
        db.execute(INSERT, EVE)


NAMES = ", ".join(WIDE)
MARKS = ", ".join(f"%({name})s" for name in WIDE)
MIXED = """insert into hubspot.contacts (email, annualrevenue, opted_in, lastname, interests, renewal_date, last_visit)
values ({}) returning id, annualrevenue, opted_in, lastname, interests, renewal_date, last_visit"""
VISIT = datetime(2026, 3, 1, 12, 30, tzinfo=timezone.utc)
VALUES = [EVE["email"], Decimal("12.5"), True, None, ["product", "events"], date(2026, 3, 1), VISIT]
PLAIN = "insert into hubspot.contacts (email) values"
ON_EMAIL = "on conflict (email) do update set firstname = excluded.firstname"

play(
    connect,
    lambda db: db.close(),
    {
        "insert": run(INSERT, EVE),
        "insert without parameters": run(f"{PLAIN} ('eve@example.com') returning id"),
        "insert returning": run(f"{INSERT} returning id, email", EVE),
        "insert returning, all columns": run(
            f"insert into hubspot.contacts ({NAMES}) values ({MARKS}) returning *", WIDE
        ),
        "insert returning, numbers, nulls and booleans": run(MIXED.format(", ".join(["%s"] * 7)), VALUES),
        "insert returning, binary": run(MIXED.format(", ".join(["%b"] * 7)), VALUES, binary=True),
        "insert returning, whole numbers": run(
            "insert into hubspot.contacts (email, annualrevenue, num_notes) values (%s, %s, %s) returning annualrevenue",
            [EVE["email"], 70000, 7],
        ),
        "insert, a statement used seven times": many_times(7),
        "insert, prepared at once, used twice": many_times(2, prepare=True),
        "insert, a string of several statements": run(
            f"{PLAIN} ('eve@example.com'); {PLAIN} ('fay@example.com')"
        ),
        "insert, values in the text, several statements": by_client_cursor,
        "insert, rows streamed": streamed,
        "bulk insert, executemany": many(INSERT, THREE),
        "bulk insert, executemany returning": many(ID, THREE, returning=True),
        "bulk insert, pipeline": pipelined,
        "bulk insert, pipeline with syncs": pipelined_with_syncs,
        "bulk insert, unnest": run(
            "insert into hubspot.contacts (email, firstname) select * from unnest(%s::text[], %s::text[]) returning id",
            [[row["email"] for row in THREE], [row["firstname"] for row in THREE]],
        ),
        "upsert, do nothing": run(f"{INSERT} on conflict do nothing", person("ada", "Ada")),
        "upsert, do update": run(f"{INSERT} {ON_EMAIL} returning id", person("ada", "Adele")),
        "update by key": lambda db: save(db, "501", "Adele"),
        "update by where": run(
            "update hubspot.contacts set phone = %s where company = %s returning *", ["+4930123456", "Acme"]
        ),
        "update by array": run("update hubspot.contacts set lastname = %s where id = any(%s)", ["Ray", ["501", "503"]]),
        "update by expression": run(
            "update hubspot.contacts set annualrevenue = annualrevenue + %s where id = %s returning annualrevenue",
            [5, "501"],
        ),
        "update several, executemany": many(
            "update hubspot.contacts set firstname = %s where id = %s",
            [("Adele", "501"), ("Bert", "502"), ("Cyn", "503")],
        ),
        "delete by key": run("delete from hubspot.contacts where id = %s", ["501"]),
        "delete by where": run("delete from hubspot.contacts where company = %s returning id", ["Acme"]),
        "find, then save": lambda db: save(db, find(db), "Adele"),
        "insert, then save, then delete": insert_save_delete,
        "insert, then save, then delete, binary": insert_save_delete_binary,
        "transaction: insert": in_transaction([ID, EVE]),
        "transaction: insert, begun by itself": implicit,
        "transaction: find for update, then save": lock_then_save,
        "transaction: with an isolation level": isolated,
        "transaction: two writes": in_transaction(
            [INSERT, EVE], ["delete from hubspot.contacts where id = %s", ["501"]]
        ),
        "transaction: two writes in a pipeline": pipelined_transaction,
        "transaction: rolled back": rolled_back,
        "savepoint: insert": savepoint,
        "savepoint: rolled back": savepoint_rolled_back,
        "savepoint: a refused insert, then another": refused_in_savepoint,
    },
)
