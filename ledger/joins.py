"""Joining contributors that are one person, and parting them again.

A join is a row of its own; nothing else of either contributor is rewritten, so taking it back
leaves handles, events, grants and links as they were. What a "stop" has closed stays closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from ledger import stopping
from ledger.contributors import has_stopped_contact
from ledger.errors import DefinedbyError
from ledger.keys import Keys
from ledger.requests import rekey_requests
from ledger.tables import contributors, joins
from ledger.together import people_of


@dataclass(frozen=True)
class Join:
    """Somebody said that two contributors are one person; `because` says how they know.

    `reply_id`: the message in which they say so themselves, if it rests on one.
    """

    id: int
    one: str
    other: str
    because: str
    joined_by: str
    joined_at: datetime
    reply_id: int | None = None


def join(
    connection: Connection,
    keys: Keys,
    at: datetime,
    one: str,
    other: str,
    *,
    joined_by: str,
    because: str,
    reply_id: int | None = None,
) -> int:
    """Two contributors, and whoever is the same person as either, are one from here on.

    If one of them has stopped contact, all have. `reply_id` is the message that `because` quotes,
    and is the evidence. Raises DefinedbyError when they are one already,
    when nobody says how that is known, or when both have an open consent request.
    """
    if not because.strip():
        raise DefinedbyError("Say how you know.", "One sentence is kept beside it.")
    person = _both(connection, one, other)
    if other in people_of(connection, one):
        raise DefinedbyError("They are one person already.", "There is nothing to join.")
    rekey_requests(connection, person)
    made = connection.execute(
        insert(joins).values(
            one=one,
            other=other,
            because=because.strip(),
            joined_by=joined_by,
            joined_at=at,
            reply_id=reply_id,
        )
    )
    _keep(connection, person)
    if any(has_stopped_contact(connection, member) for member in (one, other)):
        evidence = {"channel": "editor", "by": joined_by, "quoted": because.strip()}
        stopping.stop(connection, keys, at, one, evidence)
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def decline(
    connection: Connection,
    at: datetime,
    one: str,
    other: str,
    *,
    declined_by: str,
    because: str,
    reply_id: int,
) -> None:
    """Somebody says in this message that they are one person, and an editor doesn't believe it.

    Kept as a join that was taken back at once, so that it is not offered again.
    """
    connection.execute(
        insert(joins).values(
            one=one,
            other=other,
            because=because.strip(),
            joined_by=declined_by,
            joined_at=at,
            parted_by=declined_by,
            parted_at=at,
            reply_id=reply_id,
        )
    )


def settled_by_reply(connection: Connection, reply_ids: Iterable[int]) -> set[tuple[int, str]]:
    """What editors have decided on these messages: each with the contributors it was about."""
    rows = connection.execute(
        select(joins.c.reply_id, joins.c.one, joins.c.other).where(joins.c.reply_id.in_(reply_ids))
    )
    return {(row.reply_id, whose) for row in rows for whose in (row.one, row.other)}


def part(connection: Connection, join_id: int, at: datetime, parted_by: str) -> bool:
    """Take a join back; False when it has been already. Raises DefinedbyError for no join."""
    row = connection.execute(select(joins).where(joins.c.id == join_id)).first()
    if row is None:
        raise DefinedbyError("There is no such join.", "Load the page again.")
    before = _both(connection, row.one, row.other)
    changed = connection.execute(
        update(joins)
        .where(joins.c.id == join_id, joins.c.parted_at.is_(None))
        .values(parted_at=at, parted_by=parted_by)
    )
    if changed.rowcount != 1:
        return False
    left = set(before)
    while left:
        person = _reached(connection, min(left))
        _keep(connection, person)
        rekey_requests(connection, person)
        left -= set(person)
    return True


def joins_of(connection: Connection, contributor_id: str) -> list[Join]:
    """The joins by which this contributor is one person with others, oldest first."""
    person = people_of(connection, contributor_id)
    rows = connection.execute(_live().where(joins.c.one.in_(person)).order_by(joins.c.id))
    return [_join(row) for row in rows]


def _both(connection: Connection, one: str, other: str) -> tuple[str, ...]:
    """All who are the same person as either."""
    return tuple(sorted({*people_of(connection, one), *people_of(connection, other)}))


def _keep(connection: Connection, person: tuple[str, ...]) -> None:
    """Write down who they are together; whoever is alone is nobody but themselves."""
    connection.execute(
        update(contributors)
        .where(contributors.c.id.in_(person))
        .values(person_id=person[0] if len(person) > 1 else "")
    )


def _reached(connection: Connection, start: str) -> tuple[str, ...]:
    """Everybody who is joined with `start`, directly or by others."""
    found, waiting = {start}, {start}
    while waiting:
        rows = connection.execute(
            _live().where(or_(joins.c.one.in_(waiting), joins.c.other.in_(waiting)))
        ).all()
        waiting = {one for row in rows for one in (row.one, row.other)} - found
        found |= waiting
    return tuple(sorted(found))


def _live() -> Any:
    return select(joins).where(joins.c.parted_at.is_(None))


def _join(row: Row[Any]) -> Join:
    return Join(row.id, row.one, row.other, row.because, row.joined_by, row.joined_at, row.reply_id)
