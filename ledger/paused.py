"""Paused: an instance that was restored or copied neither sends nor publishes (promise P15).

Two copies of one database would greet the same people twice. So a copy stands still until a
person has made sure that it is the only one and says so with `definedby resume`.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger.database import Ledger
from ledger.keys import FILE_NAME
from ledger.prepared import Prepared
from ledger.tables import instance

PAUSED = "paused"
PLACE = "place"
_FACT = Prepared(select(instance.c.value).where(instance.c.name == bindparam("fact")))
MOVED = (
    "This instance was copied or moved to another place; run 'definedby resume' once you have "
    "made sure that no other copy is running."
)


def paused(connection: Connection) -> str:
    """Why sending and publishing are paused; empty when they are not."""
    return _fact(connection, PAUSED)


def pause(connection: Connection, reason: str) -> None:
    """Stop sending and publishing from this transaction on. `reason` is shown to people."""
    _forget(connection, PAUSED)
    connection.execute(insert(instance).values(name=PAUSED, value=reason))


def resume(connection: Connection) -> bool:
    """Let sending and publishing go on, here; False when they were not paused."""
    was_paused = _forget(connection, PAUSED)
    _forget(connection, PLACE)
    return was_paused


def forget_place(connection: Connection) -> None:
    """The key file was replaced on purpose: the next start remembers its new place."""
    _forget(connection, PLACE)


def pause_when_moved(ledger: Ledger) -> str:
    """Pause an instance whose files are a copy; return why it is paused, or nothing.

    To be called before the first message of a process. A copied key file has another inode
    than the one that the database remembers, whichever way the copy was made.
    """
    place = str((ledger.settings.home / FILE_NAME).stat().st_ino)
    with ledger.read() as connection:
        known, reason = _fact(connection, PLACE), paused(connection)
    if reason or known == place:
        return reason
    with ledger.write() as connection:
        _forget(connection, PLACE)
        connection.execute(insert(instance).values(name=PLACE, value=place))
        if known:
            pause(connection, MOVED)
        return paused(connection)


def _fact(connection: Connection, name: str) -> str:
    return _FACT.scalar(connection, {"fact": name}) or ""


def _forget(connection: Connection, name: str) -> bool:
    return connection.execute(delete(instance).where(instance.c.name == name)).rowcount > 0
