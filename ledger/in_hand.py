"""What waits for a person's hand is asked again: the rules hold for it as for what is claimed.

Between writing and sending by hand may lie days, in which somebody answers, takes back their yes
or says stop.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from ledger.courtesies import BY_HAND
from ledger.errors import DefinedbyError
from ledger.etiquette import Block
from ledger.keys import Keys
from ledger.outbox import MessageState, mark_failed, verdict_on
from ledger.tables import accounts, outbox


def time_sent(
    connection: Connection, message_id: int, claimed: datetime | None, now: datetime
) -> datetime:
    """When a person says that they sent a message by hand; None: just now.

    Answers and rules go by that, not by when somebody came to say so. Raises DefinedbyError for
    a time before the message was written, or one that has not come.
    """
    if claimed is None:
        return now
    written = connection.execute(
        select(outbox.c.created_at).where(outbox.c.id == message_id)
    ).scalar()
    # The field counts minutes.
    if claimed > now or (
        written is not None and claimed < written.replace(second=0, microsecond=0)
    ):
        raise DefinedbyError(
            "It can't have been sent then: it was not written yet, or that time has not come.",
            "Give the time in UTC, or leave it empty for just now.",
        )
    return claimed


def ask_again(connection: Connection, keys: Keys, message_id: int, now: datetime) -> Block | None:
    """The rule that is in the way of a message which a person is to send; None: they may.

    A message that no hour lets go has failed by this, with that rule as its reason.
    """
    row = connection.execute(_waiting().where(outbox.c.id == message_id)).first()
    return None if row is None else _asked(connection, keys, row, now)


def ask_again_handed_over(connection: Connection, keys: Keys, now: datetime) -> dict[int, Block]:
    """The same of everything that a platform left to people; the blocks of what has to wait."""
    rows = connection.execute(_waiting().where(outbox.c.sealed_composer != "")).all()
    blocks = {row.id: _asked(connection, keys, row, now) for row in rows}
    return {known: block for known, block in blocks.items() if block and block.waits}


def _asked(connection: Connection, keys: Keys, row: Row[Any], now: datetime) -> Block | None:
    block = verdict_on(connection, keys, row, now).block
    if block is not None and not block.waits:
        mark_failed(connection, row.id, block.sentence, block.rule)
    return block


def _waiting() -> Any:
    return (
        select(outbox, accounts.c.channel)
        .join_from(outbox, accounts, accounts.c.id == outbox.c.account_id)
        .where(_in_hand())
    )


def _in_hand() -> ColumnElement[bool]:
    drafted = and_(outbox.c.state == MessageState.DRAFT, outbox.c.purpose.in_(BY_HAND))
    return or_(drafted, outbox.c.sealed_composer != "")
