"""Replies in parts: a later reply that continues an earlier one by the same author.

The earlier one, the head, stands for all: its definition is made of the words of all parts, and
what happens to the source of any part holds the definition (promises P06, P38).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from ledger.model import PostKind, Reading, Reply
from ledger.replies import find_reply
from ledger.tables import definitions, replies


def head_of(connection: Connection, reply_id: int) -> int:
    """The id of the reply that this one continues; its own when it continues none."""
    found: int | None = connection.execute(
        select(replies.c.continues_id).where(replies.c.id == reply_id)
    ).scalar_one_or_none()
    return found if found is not None else reply_id


def parts_of(connection: Connection, head_id: int) -> list[Reply]:
    """The replies that continue this one, in the order they were written."""
    rows = connection.execute(
        select(replies.c.id)
        .where(replies.c.continues_id == head_id)
        .order_by(func.coalesce(replies.c.written_at, replies.c.received_at), replies.c.id)
    )
    found = (find_reply(connection, reply_id) for reply_id in rows.scalars().all())
    return [reply for reply in found if reply is not None]


def join(connection: Connection, head: Reply, part: Reply) -> None:
    """Note that `part` continues `head`; a part whose source is gone holds it from the start."""
    connection.execute(update(replies).where(replies.c.id == part.id).values(continues_id=head.id))
    hold_heads(connection)


def note_join(connection: Connection, head: Reply, reading: Reading) -> None:
    """Say at the head that more follows, unless an editor has corrected it."""
    connection.execute(
        update(replies)
        .where(replies.c.id == head.id, replies.c.corrected.is_(False))
        .values(reason=reading.reason, spans=[list(span) for span in reading.spans])
    )


def earlier_by_author(connection: Connection, reply: Reply, since: datetime) -> list[Reply]:
    """What the author of a reply wrote before it, not before `since`, newest first.

    Only heads that wait for a decision: what has been taken stays as it was taken.
    """
    when = func.coalesce(replies.c.written_at, replies.c.received_at)
    rows = connection.execute(
        select(replies.c.id)
        .join(definitions, _taken(), isouter=True)
        .where(
            replies.c.account_id == reply.account_id,
            replies.c.campaign_id == reply.campaign_id,
            replies.c.address == reply.handle.address,
            replies.c.id != reply.id,
            replies.c.continues_id.is_(None),
            definitions.c.id.is_(None),
            when >= since,
            when <= (reply.written_at or reply.received_at),
        )
        .order_by(when.desc(), replies.c.id.desc())
        .limit(5)
    )
    found = (find_reply(connection, reply_id) for reply_id in rows.scalars().all())
    return [one for one in found if one is not None]


def authors_of_several(connection: Connection, some: Sequence[Reply]) -> set[tuple[int, str, str]]:
    """Account, campaign and address of those authors who have written more than one reply."""
    author = (replies.c.account_id, replies.c.campaign_id, replies.c.address)
    rows = connection.execute(
        select(*author)
        .where(
            replies.c.account_id.in_({reply.account_id for reply in some}),
            replies.c.address.in_({reply.handle.address for reply in some}),
        )
        .group_by(*author)
        .having(func.count() > 1)
    )
    return {(row.account_id, row.campaign_id, row.address) for row in rows}


def _taken() -> ColumnElement[bool]:
    """Taken as a definition; a piece holds itself by each reply it quotes (ledger.sources)."""
    return and_(definitions.c.reply_id == replies.c.id, definitions.c.kind == PostKind.DEFINITION)


def hold_heads(connection: Connection) -> list[str]:
    """Hold what was made of parts whose source is gone or private; returns those definitions."""
    gone = replies.alias("part")
    rows = connection.execute(
        select(replies.c.id, gone.c.source_state, gone.c.source_noticed_at, definitions.c.id)
        .join(gone, gone.c.continues_id == replies.c.id)
        .join(definitions, _taken(), isouter=True)
        .where(
            gone.c.continues_id.is_not(None),
            gone.c.source_state.in_(["gone", "protected"]),
            replies.c.source_state.not_in(["gone", "protected"]),
        )
    ).all()
    for head_id, state, noticed_at, _ in rows:
        connection.execute(
            update(replies)
            .where(replies.c.id == head_id)
            .values(source_state=state, source_noticed_at=noticed_at)
        )
    return [definition_id for *_, definition_id in rows if definition_id is not None]


def release_parts(connection: Connection, head_id: int, at: datetime) -> list[tuple[int, str]]:
    """The parts of a head may stand again; returns the account and the id of each source.

    An edit of a part is remembered as it was looked at, as one of the head is.
    """
    parts = replies.c.continues_id == head_id
    connection.execute(
        update(replies)
        .where(parts, replies.c.source_state == "edited")
        .values(released_text=replies.c.source_text, released_at=at)
    )
    connection.execute(
        update(replies)
        .where(parts, replies.c.source_state.in_(["gone", "protected"]))
        .values(released_state=replies.c.source_state)
    )
    rows = connection.execute(select(replies.c.account_id, replies.c.external_id).where(parts))
    found = [(row.account_id, row.external_id) for row in rows]
    connection.execute(
        update(replies).where(parts).values(source_state="", source_text="", source_checked_at=at)
    )
    return found
