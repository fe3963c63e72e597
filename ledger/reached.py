"""How far this instance has come, in a file beside the database: an older database shows.

Whoever puts a database back by its own means (a copied file, pg_restore, a cloned server) brings
back messages that were sent since. So the worker notes in `reached.json` how far chain and outbox
have come; a database that is behind it neither sends nor publishes until somebody says that it is
meant (promise P15).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from ledger import durable
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.paused import pause, paused
from ledger.tables import chain_head, outbox

FILE_NAME = "reached.json"
BEHIND = (
    "The database is older than what this instance had already done: an earlier copy was put "
    "back. What was sent since could be sent again; look at the outbox, then run "
    "'definedby resume'."
)


@dataclass(frozen=True)
class Reached:
    """The newest event of the chain, and the newest message of the outbox, by their numbers."""

    chain: int = 0
    outbox: int = 0


def note_reached(ledger: Ledger) -> str:
    """Write down how far the database has come, or pause it when it is behind what was written.

    To be called before the first message of a process, and now and then. Returns why the instance
    is paused, or nothing. Raises OSError, and DefinedbyError for a note that can't be read: nobody
    may be written to twice because of it.
    """
    path = ledger.settings.home / FILE_NAME
    noted = _noted(path)
    with ledger.read() as connection:
        now, reason = _reached(connection), paused(connection)
    if reason or now == noted:
        return reason
    if now.chain < noted.chain or now.outbox < noted.outbox:
        with ledger.write() as connection:
            pause(connection, BEHIND)
        return BEHIND
    durable.write_file(path, json.dumps(asdict(now)).encode() + b"\n")
    return ""


def accept_reached(ledger: Ledger) -> None:
    """The database is meant to be as it is: the note begins anew with it. Raises OSError."""
    (ledger.settings.home / FILE_NAME).unlink(missing_ok=True)
    note_reached(ledger)


def _reached(connection: Connection) -> Reached:
    seq = connection.execute(select(chain_head.c.seq)).scalar()
    newest = connection.execute(select(func.max(outbox.c.id))).scalar()
    return Reached(int(seq or 0), int(newest or 0))


def _noted(path: Path) -> Reached:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Reached(int(found["chain"]), int(found["outbox"]))
    except FileNotFoundError:
        return Reached()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DefinedbyError(
            f"The file {path} can't be read ({error}).",
            "Look whether everything was sent that should be; then remove the file.",
        ) from error
