"""What became of messages of ours: which of them something answers, or is about."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from ledger.etiquette import Action
from ledger.outbox import Message, MessageState, message_of_row
from ledger.tables import outbox

#: Characters of `new_id`, which begins every message id of ours.
TAG_LENGTH = 32
_HEX = frozenset("0123456789abcdef")


def tag_of(message_id: str) -> str:
    """The random part of one of our message ids, by which an answer can name it; else ""."""
    tag = message_id.removeprefix("<").partition("@")[0]
    return tag if len(tag) == TAG_LENGTH and set(tag) <= _HEX else ""


def are_ours(connection: Connection, message_ids: Sequence[str], account_id: int) -> bool:
    """True when one of these ids, as this account reads them, is a message that we wrote."""
    found = connection.execute(
        select(outbox.c.id).where(_known_as(message_ids, account_id)).limit(1)
    )
    return found.first() is not None


def question_answered(
    connection: Connection, message_ids: Sequence[str], account_id: int
) -> Message | None:
    """The newest consent request among the messages that these ids name; None for other mail."""
    row = connection.execute(
        select(outbox)
        .where(_known_as(message_ids, account_id), outbox.c.request_id.is_not(None))
        .order_by(outbox.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else message_of_row(row)


def find_message(connection: Connection, message_pk: int) -> Message | None:
    row = connection.execute(select(outbox).where(outbox.c.id == message_pk)).first()
    return None if row is None else message_of_row(row)


def addressees(connection: Connection, message_ids: Sequence[str], account_id: int) -> list[str]:
    """The contributors whom these messages of ours were written to."""
    rows = connection.execute(
        select(outbox.c.contributor_id).where(_known_as(message_ids, account_id)).distinct()
    )
    return list(rows.scalars())


def answered_messages(
    connection: Connection, message_ids: Sequence[str], account_id: int
) -> list[tuple[str, bool]]:
    """The messages of ours among these: whom each was written to, and whether in private."""
    rows = connection.execute(
        select(outbox.c.contributor_id, outbox.c.private)
        .where(_known_as(message_ids, account_id))
        .order_by(outbox.c.id.desc())
    )
    return [(row.contributor_id, row.private) for row in rows]


def came_back(
    connection: Connection, message_ids: Sequence[str], account_id: int, sentence: str
) -> bool:
    """A mail server reports that one of these could not be delivered; False for none of ours."""
    changed = connection.execute(
        update(outbox)
        .where(
            _known_as(message_ids, account_id),
            outbox.c.state.in_([MessageState.SENT, MessageState.UNKNOWN]),
        )
        .values(state=MessageState.FAILED, sealed_body="", sealed_attachment="", error=sentence)
    )
    return changed.rowcount > 0


def has_answered(connection: Connection, account_id: int, external_id: str) -> bool:
    """True when a message of ours to this post has left, or may have, or is about to."""
    found = connection.execute(
        select(outbox.c.id)
        .where(
            outbox.c.account_id == account_id,
            outbox.c.in_reply_to == external_id,
            or_(outbox.c.state != MessageState.FAILED, outbox.c.sealed_composer != ""),
        )
        .limit(1)
    )
    return found.first() is not None


def message_of_request(
    connection: Connection, request_id: str, purpose: Action | None = None
) -> Message | None:
    """The newest message about a request, or of those with one purpose."""
    found = select(outbox).where(outbox.c.request_id == request_id)
    if purpose is not None:
        found = found.where(outbox.c.purpose == purpose)
    row = connection.execute(found.order_by(outbox.c.id.desc())).first()
    return None if row is None else message_of_row(row)


def messages_in(connection: Connection, state: MessageState, limit: int = 50) -> list[Message]:
    """The newest messages in a state; what waits to be sent by hand is not among them."""
    rows = connection.execute(
        select(outbox)
        .where(outbox.c.state == state, outbox.c.sealed_composer == "")
        .order_by(outbox.c.id.desc())
        .limit(limit)
    )
    return [message_of_row(row) for row in rows]


def _known_as(message_ids: Sequence[str], account_id: int) -> ColumnElement[bool]:
    """By our own id, whole or as "+tag"; or by the channel's: that one is an account's own, and
    may be a number.
    """
    by_channel = and_(
        outbox.c.account_id == account_id,
        outbox.c.external_id.in_([known for known in message_ids if known]),
    )
    tags = [one[1:] for one in message_ids if one.startswith("+")]
    by_tag = func.substr(outbox.c.message_id, 2, TAG_LENGTH).in_(tags)
    return or_(outbox.c.message_id.in_(message_ids), by_channel, *([by_tag] if tags else []))
