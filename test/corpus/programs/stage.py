# The stage on which a program performs its shapes: each on a connection of its own, announced to capture.mjs on stdout.

import os
import sys


def play(open_, close, shapes):
    """`open_` connects, and says all that the client says before it is of use."""
    for shape, perform in shapes.items():
        say("begin connect")
        db = open_(os.environ["DATABASE_URL"])
        say(f"begin {shape}")
        perform(db)
        say("end")
        close(db)


def say(line):
    print(line, flush=True)
    sys.stdin.readline()


class Undo(Exception):
    """What a program raises to have its transaction rolled back."""


def person(email, firstname):
    return {"email": f"{email}@example.com", "firstname": firstname}


EVE = person("eve", "Eve")
# Three rows for a bulk insert.
THREE = [person("tia", "Tia"), person("tom", "Tom"), person("tim", "Tim")]
# A row with a value in all columns that a client may write.
WIDE = {
    "email": "wide@example.com",
    "firstname": "Wanda",
    "lastname": "O'Wide",
    "phone": "+491701234567",
    "company": "Größe & Söhne",
    "annualrevenue": "1234.50",
}
