"""The question that a private message answers: where messages name none, it is the last asked.

X and Bluesky have conversations and no answers to single messages, so a "yes" there points at
nothing. It is meant for what the same account asked the same person there, last.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from ledger.model import Reply
from ledger.outbox import Message, MessageState
from ledger.sent import find_message
from ledger.tables import outbox, requests

_MAY_HAVE_ARRIVED = (MessageState.SENT, MessageState.CLAIMED, MessageState.UNKNOWN)


def question_in_private(connection: Connection, reply: Reply) -> Message | None:
    """What this private message comes after in its conversation; None for a public one, or when
    nothing had been asked there before it was written.
    """
    if not reply.private or reply.automatic or not reply.handle.contact:
        return None
    left_at = func.coalesce(outbox.c.sent_at, outbox.c.claimed_at, outbox.c.created_at)
    found = connection.execute(
        select(outbox.c.id)
        .where(
            outbox.c.account_id == reply.account_id,
            outbox.c.recipient == reply.handle.contact,
            outbox.c.private,
            outbox.c.request_id.is_not(None),
            outbox.c.state.in_(_MAY_HAVE_ARRIVED),
            left_at < (reply.written_at or reply.received_at),
        )
        .order_by(outbox.c.id.desc())
        .limit(1)
    ).scalar()
    return None if found is None else find_message(connection, found)


def is_asked_in_private(connection: Connection, reply: Reply) -> bool:
    """Whether a question is open in the conversation that this message is part of."""
    message = question_in_private(connection, reply)
    if message is None:
        return False
    open_one = select(requests.c.id).where(
        requests.c.id == message.request_id, requests.c.closed_at.is_(None)
    )
    return connection.execute(open_one).first() is not None
