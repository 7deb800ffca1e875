# SQLAlchemy 1.4 on psycopg2: the ORM's unit of work, Core statements, bulk methods.

import sys

# The module of this name is Debian's, not this file.
sys.path.append(sys.path.pop(0))

from datetime import datetime, timezone

from sqlalchemy import Boolean, Column, DateTime, Numeric, Text
from sqlalchemy import create_engine, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, declarative_base
from sqlalchemy.pool import StaticPool
from stage import EVE, THREE, Undo, WIDE, person, play


class Contact(declarative_base()):
    __tablename__ = "contacts"
    __table_args__ = {"schema": "hubspot"}
    id = Column(Text, primary_key=True, server_default=text("'throughline:' || gen_random_uuid()"))
    email = Column(Text, unique=True)
    firstname = Column(Text)
    lastname = Column(Text)
    phone = Column(Text)
    company = Column(Text)
    annualrevenue = Column(Numeric)
    opted_in = Column(Boolean)
    interests = Column(ARRAY(Text))
    last_visit = Column(DateTime(timezone=True))
    createdate = Column(DateTime(timezone=True))


class Eager(declarative_base()):
    """Reads again in the same statement what the database has set."""

    __tablename__ = "contacts"
    __table_args__ = {"schema": "hubspot"}
    __mapper_args__ = {"eager_defaults": True}
    id = Column(Text, primary_key=True, server_default=text("'throughline:' || gen_random_uuid()"))
    email = Column(Text, unique=True)
    firstname = Column(Text)
    createdate = Column(DateTime(timezone=True), server_default=text("null"), server_onupdate=text("null"))


TABLE = Contact.__table__
ADA = Contact.email == "ada@example.com"


def connect(url):
    engine = create_engine(url.replace("postgres://", "postgresql://"), poolclass=StaticPool)
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    return engine


def core(statement, *rows):
    """One statement in a transaction."""

    def perform(engine):
        with engine.begin() as connection:
            connection.execute(statement, *rows)

    return perform


def autocommitted(statement):
    def perform(engine):
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(statement)

    return perform


def orm(work):
    """One unit of work."""

    def perform(engine):
        with Session(engine, future=True) as session:
            work(session)
            session.commit()

    return perform


def new(row, model=Contact):
    return orm(lambda session: session.add(model(**row)))


def read_afterwards(session):
    made = Contact(**EVE)
    session.add(made)
    session.commit()
    return made.createdate


def find(session, lock=False):
    query = select(Contact).where(ADA)
    return session.execute(query.with_for_update() if lock else query).scalar_one()


def find_then_save(session, lock=False):
    find(session, lock).firstname = "Adele"


def save_eager(session):
    session.get(Eager, "501").firstname = "Adele"


def found(session):
    return session.execute(select(Contact).where(Contact.company == "Acme").order_by(Contact.email)).scalars().all()


def save_several(session):
    for at, contact in enumerate(found(session)):
        contact.firstname = f"Name {at}"


def save_different_columns(session):
    bob, cyd = found(session)
    bob.firstname, cyd.lastname = "Bert", None


def remove_several(session):
    for contact in found(session):
        session.delete(contact)


def insert_save_delete(session):
    made = Contact(**EVE)
    session.add(made)
    session.commit()
    made.firstname = "Evelyn"
    session.commit()
    session.delete(made)


def rolled_back(engine):
    with Session(engine, future=True) as session:
        session.add(Contact(**EVE))
        session.flush()
        session.rollback()


def isolated(engine):
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        connection.execute(insert(TABLE).values(EVE))


def two_writes(session):
    session.add(Contact(**EVE))
    session.delete(find(session))


def nested(session):
    with session.begin_nested():
        session.add(Contact(**EVE))


def nested_rolled_back(session):
    try:
        with session.begin_nested():
            session.add(Contact(**EVE))
            session.flush()
            raise Undo
    except Undo:
        pass


def refused_in_savepoint(session):
    try:
        with session.begin_nested():
            session.add(Contact(**person("ada", "Ada")))
    except IntegrityError:
        pass
    session.add(Contact(**EVE))


MIXED = {
    **EVE,
    "annualrevenue": 12.5,
    "opted_in": True,
    "lastname": None,
    "interests": ["product", "events"],
    "last_visit": datetime(2026, 3, 1, 12, 30, tzinfo=timezone.utc),
}
UPSERT = pg_insert(TABLE).values(person("ada", "Adele"))
KEY = TABLE.c.id == "501"
ACME = TABLE.c.company == "Acme"
LIST = TABLE.c.id.in_(["501", "503"])
SEVERAL = [{"id": "501", "firstname": "Adele"}, {"id": "502", "firstname": "Bert"}]
CHANGED = update(TABLE).where(KEY).values(firstname="Adele").returning(TABLE.c.id, TABLE.c.firstname).cte("changed")
PHONE = update(Contact).where(Contact.company == "Acme").values(phone="+4930123456")
EVALUATED = {"synchronize_session": "evaluate"}
FETCHED = {"synchronize_session": "fetch"}

play(
    connect,
    lambda engine: engine.dispose(),
    {
        "insert": core(insert(TABLE).values(EVE)),
        "insert, autocommit": autocommitted(insert(TABLE).values(EVE)),
        "insert returning": core(insert(TABLE).values(EVE).returning(TABLE)),
        "insert, no implicit returning": core(insert(TABLE).inline().values(EVE)),
        "insert, an expression": core(insert(TABLE).values(email=func.lower("Eve@Example.com"), firstname="Eve")),
        "add": new(EVE),
        "add, all columns": new(WIDE),
        "add, numbers, nulls and booleans": new(MIXED),
        "add, eager defaults": new(EVE, Eager),
        "add, then read": orm(read_afterwards),
        "bulk insert by Core": core(insert(TABLE), THREE),
        "bulk insert by Core, one VALUES": core(insert(TABLE).values(THREE).returning(TABLE.c.id)),
        "add_all": orm(lambda session: session.add_all([Contact(**row) for row in THREE])),
        "add_all, rows of different columns": orm(
            lambda session: session.add_all([Contact(**EVE), Contact(email="fay@example.com", lastname="Fay")])
        ),
        "bulk_save_objects": orm(lambda session: session.bulk_save_objects([Contact(**row) for row in THREE])),
        "bulk_insert_mappings": orm(lambda session: session.bulk_insert_mappings(Contact, THREE)),
        "upsert, do nothing": core(UPSERT.on_conflict_do_nothing()),
        "upsert, do nothing with a target": core(
            UPSERT.on_conflict_do_nothing(index_elements=["email"]).returning(TABLE.c.id)
        ),
        "upsert, do update": core(
            UPSERT.on_conflict_do_update(index_elements=["email"], set_={"firstname": UPSERT.excluded.firstname})
        ),
        "update by key": core(update(TABLE).where(KEY).values(firstname="Adele")),
        "update by key returning": core(
            update(TABLE).where(KEY).values(firstname="Adele", lastname=None).returning(TABLE.c.id, TABLE.c.firstname)
        ),
        "update by where": core(update(TABLE).where(ACME).values(phone="+4930123456")),
        "update by list": core(update(TABLE).where(LIST).values(lastname="Ray")),
        "update by expression": core(update(TABLE).where(KEY).values(annualrevenue=TABLE.c.annualrevenue + 5)),
        "update in a CTE": core(select(CHANGED)),
        "update by the ORM, evaluated": orm(
            lambda session: session.execute(PHONE, execution_options=EVALUATED)
        ),
        "update by the ORM, fetched": orm(
            lambda session: session.execute(PHONE, execution_options=FETCHED)
        ),
        "bulk_update_mappings": orm(lambda session: session.bulk_update_mappings(Contact, SEVERAL)),
        "merge": orm(lambda session: session.merge(Contact(id="501", firstname="Adele"))),
        "delete by key": core(delete(TABLE).where(KEY)),
        "delete by where": core(delete(TABLE).where(ACME).returning(TABLE.c.id)),
        "delete by the ORM, fetched": orm(
            lambda session: session.execute(delete(Contact).where(Contact.company == "Acme"), execution_options=FETCHED)
        ),
        "find, then save": orm(find_then_save),
        "find, then save, eager defaults": orm(save_eager),
        "find, then delete": orm(lambda session: session.delete(find(session))),
        "find several, then save": orm(save_several),
        "find several, then save different columns": orm(save_different_columns),
        "find several, then delete": orm(remove_several),
        "insert, then save, then delete": orm(insert_save_delete),
        "transaction: find for update, then save": orm(lambda session: find_then_save(session, lock=True)),
        "transaction: with an isolation level": isolated,
        "transaction: two writes": orm(two_writes),
        "transaction: rolled back": rolled_back,
        "savepoint: insert": orm(nested),
        "savepoint: rolled back": orm(nested_rolled_back),
        "savepoint: a refused insert, then another": orm(refused_in_savepoint),
    },
)
