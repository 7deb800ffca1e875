# Django 3.2 on psycopg2: models, managers, querysets, atomic.

import os
import sys

# The module of this name is Debian's, not this file.
sys.path.append(sys.path.pop(0))

from datetime import datetime, timezone
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Upper
from django.contrib.postgres.fields import ArrayField
from stage import EVE, THREE, Undo, WIDE, person, play

where = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": where.path[1:],
            "USER": where.username,
            "HOST": where.hostname,
            "PORT": where.port,
        }
    },
)
django.setup()


class GeneratedKey(models.AutoField):
    """A key that the database sets and that is text: left out of an INSERT, and returned by it."""

    def get_internal_type(self):
        return "TextField"

    def rel_db_type(self, connection):
        return "text"

    def to_python(self, value):
        return value

    def get_prep_value(self, value):
        return value


class Contact(models.Model):
    id = GeneratedKey(primary_key=True)
    email = models.TextField(null=True, unique=True)
    firstname = models.TextField(null=True)
    lastname = models.TextField(null=True)
    phone = models.TextField(null=True)
    company = models.TextField(null=True)
    annualrevenue = models.DecimalField(null=True, max_digits=20, decimal_places=2)
    opted_in = models.BooleanField(null=True)
    interests = ArrayField(models.TextField(), null=True)
    last_visit = models.DateTimeField(null=True)

    class Meta:
        app_label = "corpus"
        managed = False
        db_table = 'hubspot"."contacts'


contacts = Contact.objects


def connect(_url):
    with connection.cursor() as cursor:
        cursor.execute("select 1")


def ada():
    return contacts.get(email="ada@example.com")


def acme():
    return contacts.filter(company="Acme")


def find_then_save(**options):
    found = ada()
    found.firstname = "Adele"
    found.save(**options)


def find_then_bulk_update():
    found = list(acme().order_by("email"))
    for at, contact in enumerate(found):
        contact.firstname = f"Name {at}"
    contacts.bulk_update(found, ["firstname"])


def create_save_delete():
    made = contacts.create(**EVE)
    made.firstname = "Evelyn"
    made.save()
    made.delete()


@transaction.atomic
def lock_then_save():
    found = contacts.select_for_update().get(email="ada@example.com")
    found.firstname = "Adele"
    found.save()


@transaction.atomic
def create_in_transaction():
    contacts.create(**EVE)


@transaction.atomic
def two_writes():
    contacts.create(**EVE)
    contacts.filter(id="501").delete()


def rolled_back():
    try:
        with transaction.atomic():
            contacts.create(**EVE)
            raise Undo
    except Undo:
        pass


@transaction.atomic
def savepoint_rolled_back():
    rolled_back()


@transaction.atomic
def savepoint():
    create_in_transaction()


@transaction.atomic
def refused_in_savepoint():
    try:
        with transaction.atomic():
            contacts.create(**person("ada", "Ada"))
    except IntegrityError:
        pass
    contacts.create(**EVE)


def raw():
    with connection.cursor() as cursor:
        cursor.execute("insert into hubspot.contacts (email, firstname) values (%s, %s) returning id", list(EVE.values()))


MIXED = {
    **EVE,
    "annualrevenue": "12.5",
    "opted_in": True,
    "lastname": None,
    "interests": ["product", "events"],
    "last_visit": datetime(2026, 3, 1, 12, 30, tzinfo=timezone.utc),
}


def objects(rows):
    return [Contact(**row) for row in rows]


shapes = {
    "create": lambda: contacts.create(**EVE),
    "create, all columns": lambda: contacts.create(**WIDE),
    "create, numbers, nulls and booleans": lambda: contacts.create(**MIXED),
    "create, an expression": lambda: contacts.create(email="eve@example.com", firstname=Upper(models.Value("eve"))),
    "insert by a raw cursor": raw,
    "save with a key of one's own": lambda: Contact(id="501", email="ada@example.com", firstname="Adele").save(),
    "save with a new key of one's own": lambda: Contact(id="601", email="eve@example.com").save(),
    "bulk_create": lambda: contacts.bulk_create(objects(THREE)),
    "bulk_create, in portions": lambda: contacts.bulk_create(objects(THREE), batch_size=2),
    "upsert, do nothing": lambda: contacts.bulk_create(objects([person("ada", "Ada"), EVE]), ignore_conflicts=True),
    "get_or_create, a new one": lambda: contacts.get_or_create(email="eve@example.com", defaults={"firstname": "Eve"}),
    "get_or_create, an old one": lambda: contacts.get_or_create(email="ada@example.com", defaults={"firstname": "A"}),
    "update_or_create, a new one": lambda: contacts.update_or_create(
        email="eve@example.com", defaults={"firstname": "Eve"}
    ),
    "update_or_create, an old one": lambda: contacts.update_or_create(
        email="ada@example.com", defaults={"firstname": "Adele"}
    ),
    "update by key": lambda: contacts.filter(pk="501").update(firstname="Adele"),
    "update by key, null": lambda: contacts.filter(pk="501").update(firstname="Adele", lastname=None),
    "update by where": lambda: acme().update(phone="+4930123456"),
    "update by list": lambda: contacts.filter(pk__in=["501", "503"]).update(lastname="Ray"),
    "update by expression": lambda: contacts.filter(pk="501").update(annualrevenue=models.F("annualrevenue") + 5),
    "delete by key": lambda: contacts.filter(pk="501").delete(),
    "delete by where": lambda: acme().delete(),
    "delete by where, raw": lambda: acme()._raw_delete(contacts.db),
    "find, then save": find_then_save,
    "find, then save one column": lambda: find_then_save(update_fields=["firstname"]),
    "find, then delete": lambda: ada().delete(),
    "find several, then bulk_update": find_then_bulk_update,
    "create, then save, then delete": create_save_delete,
    "transaction: create": create_in_transaction,
    "transaction: find for update, then save": lock_then_save,
    "transaction: two writes": two_writes,
    "transaction: rolled back": rolled_back,
    "savepoint: create": savepoint,
    "savepoint: rolled back": savepoint_rolled_back,
    "savepoint: a refused create, then another": refused_in_savepoint,
}

play(
    connect,
    lambda _: connection.close(),
    {shape: (lambda _, perform=perform: perform()) for shape, perform in shapes.items()},
)
