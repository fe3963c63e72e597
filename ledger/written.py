"""What was written to people lately, for noticing when somebody else gets nearly the same."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from ledger.errors import DefinedbyError
from ledger.etiquette import Action
from ledger.keys import Keys
from ledger.outbox import MessageState
from ledger.said import open_words
from ledger.tables import handles, outbox


@dataclass(frozen=True)
class Written:
    """What was written to somebody, and every name that they are known by."""

    names: tuple[str, ...]
    words: str


def last_written(connection: Connection, keys: Keys, limit: int = 200) -> list[Written]:
    """The greetings and reminders last written, newest first; not what was dropped or erased.

    `limit` keeps this quick: each is opened by the key of its reader.
    """
    rows = connection.execute(
        select(outbox.c.contributor_id, outbox.c.message_id, outbox.c.sealed_words)
        .where(
            outbox.c.purpose.in_((Action.GREET, Action.FOLLOW_UP)),
            outbox.c.sealed_words.is_not(None),
            or_(outbox.c.state != MessageState.FAILED, outbox.c.sealed_composer != ""),
        )
        .order_by(outbox.c.id.desc())
        .limit(limit)
    ).all()
    names = _names(connection, {row.contributor_id for row in rows})
    found = []
    for row in rows:
        sealed, whose = bytes(row.sealed_words), row.contributor_id
        try:
            words = open_words(connection, keys, whose, row.message_id, sealed)
        except (ValueError, DefinedbyError):
            continue  # damaged, or erased meanwhile: there is nothing to compare with
        found.append(Written(names.get(whose, ()), words))
    return found


def _names(connection: Connection, whose: set[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    rows = connection.execute(
        select(handles.c.contributor_id, handles.c.name)
        .where(handles.c.contributor_id.in_(whose), handles.c.name != "")
        .order_by(handles.c.id)
    )
    for row in rows:
        found[row.contributor_id] = (*found.get(row.contributor_id, ()), row.name)
    return found
