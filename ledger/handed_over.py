"""What a platform leaves to people: it waits here, with its words and the address of a composer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, not_, select

from ledger.keys import Keys
from ledger.outbox import DROPPED, Message, is_stopped, mark_failed, mark_sent, message_of_row
from ledger.tables import outbox


def handed_over(connection: Connection, keys: Keys, limit: int = 50) -> list[Message]:
    """What waits to be sent by hand, opened; nothing to people who stopped contact meanwhile."""
    rows = connection.execute(
        select(outbox)
        .where(outbox.c.sealed_composer != "", not_(is_stopped()))
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [
        message_of_row(row, keys.decrypt(row.sealed_body), keys.decrypt(row.sealed_composer))
        for row in rows
    ]


def count_handed_over(connection: Connection) -> int:
    return connection.execute(
        select(func.count())
        .select_from(outbox)
        .where(outbox.c.sealed_composer != "", not_(is_stopped()))
    ).scalar_one()


def settle_by_hand(connection: Connection, message_pk: int, at: datetime, *, sent: bool) -> bool:
    """A person has sent what was handed over, or dropped it; False when it waits no more.

    `at` is when they say they sent it (see `time_sent` in ledger/in_hand.py).
    """
    known = connection.execute(
        select(outbox.c.id).where(outbox.c.id == message_pk, outbox.c.sealed_composer != "")
    ).first()
    if known is None:
        return False
    if sent:
        mark_sent(connection, message_pk, at)
    else:
        mark_failed(connection, message_pk, DROPPED)
    return True
