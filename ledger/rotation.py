"""Rotate the key that channel tokens and personal keys are encrypted with (promise P40).

Three steps, each safe to die after: the new key joins the old one in the key file; everything
is encrypted anew in one transaction; the old key leaves the file.
"""

from __future__ import annotations

from dataclasses import replace

from cryptography.fernet import Fernet
from sqlalchemy import Connection, Table, select, update

from ledger.database import Ledger
from ledger.keys import Keys, replace_keys
from ledger.paused import forget_place
from ledger.tables import accounts, contributors, outbox, told_pages


def rotate_keys(ledger: Ledger) -> int:
    """Encrypt every stored secret under a new key; returns how many.

    Other processes of the instance have to be stopped: they still know only the old key.
    """
    both = replace(ledger.keys, fernet=(Fernet.generate_key().decode(), *ledger.keys.fernet))
    replace_keys(ledger.settings.home, both)
    with ledger.write() as connection:
        changed = (
            _renew(connection, both, accounts, "secret")
            + _renew(connection, both, outbox, "sealed_body")
            + _renew(connection, both, outbox, "sealed_composer")
            + _renew(connection, both, told_pages, "sealed_post")
            + _renew(connection, both, contributors, "sealed_key")
        )
        forget_place(connection)
    replace_keys(ledger.settings.home, replace(both, fernet=both.fernet[:1]))
    return changed


def _renew(connection: Connection, keys: Keys, table: Table, name: str) -> int:
    column = table.c[name]
    rows = connection.execute(select(table.c.id, column)).all()
    changed = 0
    for row in rows:
        stored = row[1]
        if not stored:
            continue
        text = keys.decrypt(stored.decode() if isinstance(stored, bytes) else stored)
        renewed = keys.encrypt(text)
        value = renewed.encode() if isinstance(stored, bytes) else renewed
        connection.execute(update(table).where(table.c.id == row.id).values({name: value}))
        changed += 1
    return changed


def rotate_signing_key(ledger: Ledger) -> None:
    """Sign with a new key from now on. What former keys signed can be verified as before.

    Other processes of the instance have to be stopped: they would go on signing with the old one.
    """
    replace_keys(ledger.settings.home, ledger.keys.with_new_signing_key())
    with ledger.write() as connection:
        forget_place(connection)
