"""Rotate the key that channel tokens and personal keys are encrypted with (promise P40).

Three steps, each safe to die after: the new key joins the old one in the key file; everything
is encrypted anew in one transaction; the old key leaves the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from cryptography.fernet import Fernet
from sqlalchemy import Connection, Table, select, update

from ledger.contributors import new_id
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.keys import Keys, read_keys, replace_keys
from ledger.leases import WORKER, acquire, release
from ledger.paused import forget_place
from ledger.tables import accounts, contributors, outbox, told_pages

#: How long workers stand by. One that starts later than this has read a file with both keys.
STANDBY = timedelta(minutes=1)


def rotate_keys(ledger: Ledger) -> int:
    """Encrypt every stored secret under a new key; returns how many.

    Other processes of the instance have to be stopped: they still know only the old key.
    Raises DefinedbyError, with nothing changed, while a worker is at work.
    """
    home = ledger.settings.home
    with _without_worker(ledger):
        stored = read_keys(home)
        both = replace(stored, fernet=(Fernet.generate_key().decode(), *stored.fernet))
        replace_keys(home, both)
        with ledger.write() as connection:
            changed = (
                _renew(connection, both, accounts, "secret")
                + _renew(connection, both, outbox, "sealed_body")
                + _renew(connection, both, outbox, "sealed_composer")
                + _renew(connection, both, outbox, "sealed_attachment")
                + _renew(connection, both, told_pages, "sealed_post")
                + _renew(connection, both, contributors, "sealed_key")
            )
            forget_place(connection)
        replace_keys(home, replace(both, fernet=both.fernet[:1]))
        return changed


@contextlib.contextmanager
def _without_worker(ledger: Ledger) -> Iterator[None]:
    """Hold the worker's lease, so that none works with keys that are going."""
    with ledger.write() as connection:
        lease = acquire(connection, WORKER, f"rotation:{new_id()}", ledger.clock(), STANDBY)
    if lease is None:
        raise DefinedbyError(
            "A worker of this instance is running, and it knows only the old keys.",
            "Stop it and the web server, then try again; if it was killed, wait until its hold on "
            "the instance has run out (ten seconds, ten minutes for 'definedby worker --once').",
        )
    try:
        yield
    finally:
        with ledger.write() as connection:
            release(connection, lease, ledger.clock())


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
    Raises DefinedbyError, with nothing changed, while a worker is at work.
    """
    with _without_worker(ledger):
        home = ledger.settings.home
        replace_keys(home, read_keys(home).with_new_signing_key())
        with ledger.write() as connection:
            forget_place(connection)
