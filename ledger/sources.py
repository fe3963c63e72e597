"""Sources: what became of a post after we read it, held for the editor (promises P06, P38).

A deletion may overtake its reply: it is remembered, and wins when the reply arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from ledger.inserting import BATCH, insert_or_ignore
from ledger.jobs import JobKind, add_job
from ledger.joined import hold_heads, release_parts
from ledger.model import Account, IncomingReply
from ledger.offers import OFFERED
from ledger.tables import definitions, gone_sources, piece_sources, replies

EDITED = "edited"
#: States in which the words may not stand any more until an editor has looked.
ABSENT = frozenset({"gone", "protected"})
HOLDING = ABSENT | {OFFERED}


@dataclass(frozen=True)
class HeldSource:
    """A reply whose source changed; `text` is how it reads now, when it was edited."""

    reply_id: int
    state: str
    text: str
    noticed_at: datetime


def note_gone(
    connection: Connection, account: Account, external_id: str, state: str, at: datetime
) -> None:
    """A source was deleted ("gone") or made private ("protected"); its reply may be yet to come.

    What an editor has let stand although it is so is not held for the same again.
    """
    connection.execute(
        insert_or_ignore(connection, gone_sources),
        [{"account_id": account.id, "external_id": external_id, "state": state, "at": at}],
    )
    connection.execute(
        update(replies)
        .where(*_source(account, external_id), replies.c.released_state != state)
        .values(source_state=state, source_noticed_at=at)
    )
    _wake_publisher(connection, account, external_id, at)
    _hold_heads(connection, at)


def note_edit(connection: Connection, account: Account, reply: IncomingReply, at: datetime) -> None:
    """A source reads differently now. What we stored and what was granted stay as they were.

    An edit that an editor has released is not shown again; what reads as it did when we stored
    it needs no look any more.
    """
    theirs = _source(account, reply.external_id)
    is_released = and_(replies.c.released_at.is_not(None), replies.c.released_text == reply.text)
    connection.execute(
        update(replies)
        .where(
            *theirs,
            replies.c.text != reply.text,
            replies.c.source_text != reply.text,
            replies.c.source_state.in_(["", EDITED]),
        )
        .values(source_state=EDITED, source_text=reply.text, source_noticed_at=at)
    )
    connection.execute(
        update(replies)
        .where(
            *theirs,
            replies.c.source_state == EDITED,
            or_(replies.c.text == reply.text, is_released),
        )
        .values(source_state="", source_text="")
    )


def note_edited(connection: Connection, account: Account, external_id: str, at: datetime) -> None:
    """A source is known to have been edited; how it reads now is not.

    Once an edit was released, only `note_edit` can tell whether there is another.
    """
    connection.execute(
        update(replies)
        .where(
            *_source(account, external_id),
            replies.c.source_state == "",
            replies.c.released_at.is_(None),
        )
        .values(source_state=EDITED, source_noticed_at=at)
    )


def note_as_stored(connection: Connection, account: Account, external_ids: Sequence[str]) -> None:
    """These sources read as they did when we stored them: an edit of them was taken back."""
    connection.execute(
        update(replies)
        .where(
            replies.c.account_id == account.id,
            replies.c.external_id.in_(external_ids),
            replies.c.source_state == EDITED,
        )
        .values(source_state="", source_text="")
    )


def apply_tombstones(
    connection: Connection, account: Account, external_ids: Sequence[str], at: datetime
) -> None:
    """Mark those of these replies whose source was known to be gone before they arrived."""
    for start in range(0, len(external_ids), BATCH):
        late = connection.execute(
            select(gone_sources.c.external_id, gone_sources.c.state).where(
                gone_sources.c.account_id == account.id,
                gone_sources.c.external_id.in_(external_ids[start : start + BATCH]),
            )
        )
        for external_id, state in late.all():
            connection.execute(
                update(replies)
                .where(
                    *_source(account, external_id),
                    replies.c.source_state == "",
                    replies.c.released_state != state,
                )
                .values(source_state=state, source_noticed_at=replies.c.received_at)
            )
            _hold_heads(connection, at)


def held_source(connection: Connection, reply_id: int) -> HeldSource | None:
    """What the editor has to look at before these words are used; None when nothing changed.

    Of a reply in parts, all that changed: an edit of a later part is shown at the head.
    """
    rows = connection.execute(
        select(replies.c.source_state, replies.c.source_text, replies.c.source_noticed_at)
        .where(
            or_(replies.c.id == reply_id, replies.c.continues_id == reply_id),
            replies.c.source_state != "",
        )
        .order_by(replies.c.continues_id.is_not(None), replies.c.written_at, replies.c.id)
    ).all()
    if not rows:
        return None
    first = next((row for row in rows if row.source_state in HOLDING), rows[0])
    text = "\n\n".join(row.source_text for row in rows if row.source_text)
    return HeldSource(reply_id, first.source_state, text, first.source_noticed_at)


def held_sources(connection: Connection, reply_ids: Sequence[int]) -> dict[int, HeldSource]:
    """`held_source` for many replies; those of which nothing is held are left out."""
    rows = connection.execute(
        select(
            replies.c.id,
            replies.c.source_state,
            replies.c.source_text,
            replies.c.source_noticed_at,
        ).where(replies.c.id.in_(reply_ids), replies.c.source_state != "")
    )
    return {row[0]: HeldSource(*row) for row in rows}


def release_source(connection: Connection, account: Account, reply_id: int, at: datetime) -> None:
    """An editor has looked, and the words may stand: its author had allowed them.

    What they looked at is remembered, so that only something else is shown again: another edit, or
    a source that was private and is now gone.
    """
    external_id, state, source_text = connection.execute(
        select(replies.c.external_id, replies.c.source_state, replies.c.source_text).where(
            replies.c.id == reply_id
        )
    ).one()
    connection.execute(
        delete(gone_sources).where(
            gone_sources.c.account_id == account.id, gone_sources.c.external_id == external_id
        )
    )
    connection.execute(
        update(replies)
        .where(replies.c.id == reply_id)
        .values(
            source_state="",
            source_text="",
            source_checked_at=at,
            **({"released_text": source_text, "released_at": at} if state == EDITED else {}),
            **({"released_state": state} if state in ABSENT else {}),
        )
    )
    for account_id, part_id in release_parts(connection, reply_id, at):
        connection.execute(
            delete(gone_sources).where(
                gone_sources.c.account_id == account_id, gone_sources.c.external_id == part_id
            )
        )
    _wake_publisher(connection, account, external_id, at)


def sources_to_check(
    connection: Connection, account: Account, before: datetime, limit: int
) -> list[str]:
    """Sources of shortlisted replies not looked at since `before`, longest unseen first."""
    rows = connection.execute(
        select(replies.c.external_id)
        .where(
            or_(
                func.coalesce(replies.c.continues_id, replies.c.id).in_(
                    select(definitions.c.reply_id)
                ),
                replies.c.id.in_(select(piece_sources.c.reply_id)),
            ),
            replies.c.account_id == account.id,
            replies.c.source_state.not_in(sorted(HOLDING)),
            replies.c.released_state != "gone",
            or_(replies.c.source_checked_at.is_(None), replies.c.source_checked_at < before),
        )
        .order_by(replies.c.source_checked_at.nulls_first(), replies.c.id)
        .limit(limit)
    )
    return list(rows.scalars())


def uses_sources(connection: Connection, account_id: int) -> bool:
    """Whether anything that came by this account was shortlisted, so that its source matters."""
    found = connection.execute(
        select(definitions.c.id)
        .join(replies, replies.c.id == definitions.c.reply_id)
        .where(replies.c.account_id == account_id)
        .limit(1)
    )
    return found.first() is not None


def note_checked(
    connection: Connection, account: Account, external_ids: list[str], at: datetime
) -> None:
    """These were looked at; with an earlier time, they are due again sooner."""
    connection.execute(
        update(replies)
        .where(
            replies.c.channel == account.channel,
            replies.c.account_id == account.id,
            replies.c.external_id.in_(external_ids),
        )
        .values(source_checked_at=at)
    )


def _source(account: Account, external_id: str) -> tuple[ColumnElement[bool], ...]:
    """The one reply with this source; by all three columns, as its unique index has them."""
    return (
        replies.c.channel == account.channel,
        replies.c.account_id == account.id,
        replies.c.external_id == external_id,
    )


def _hold_heads(connection: Connection, at: datetime) -> None:
    """What was made of several replies is held when the source of any of them goes."""
    for definition_id in hold_heads(connection):
        add_job(connection, JobKind.PUBLISH, definition_id, at)


def _wake_publisher(
    connection: Connection, account: Account, external_id: str, at: datetime
) -> None:
    taken = connection.execute(
        select(definitions.c.id)
        .join(replies, replies.c.id == definitions.c.reply_id)
        .where(*_source(account, external_id))
        .union(
            select(piece_sources.c.piece_id)
            .join(replies, replies.c.id == piece_sources.c.reply_id)
            .where(*_source(account, external_id))
        )
    )
    for definition_id in taken.scalars().all():
        add_job(connection, JobKind.PUBLISH, definition_id, at)


def piece_state(connection: Connection, piece_id: str) -> str:
    """How the sources of a piece stand: as the worst of those that it quotes."""
    return piece_states(connection, [piece_id]).get(piece_id, "")


def piece_states(connection: Connection, piece_ids: Sequence[str]) -> dict[str, str]:
    """The same for several; those whose sources are as they were are left out."""
    rows = connection.execute(
        select(piece_sources.c.piece_id, replies.c.source_state)
        .join(replies, replies.c.id == piece_sources.c.reply_id)
        .where(piece_sources.c.piece_id.in_(piece_ids), replies.c.source_state != "")
        .order_by(piece_sources.c.piece_id, piece_sources.c.reply_id)
    )
    found: dict[str, str] = {}
    for piece_id, state in rows:
        if found.get(piece_id, "") not in ABSENT:
            found[piece_id] = state
    return found


def as_stored(
    connection: Connection, account: Account, external_ids: Sequence[str]
) -> dict[str, str]:
    """What the channel sent, unchanged, for each of these replies."""
    rows = connection.execute(
        select(replies.c.external_id, replies.c.raw).where(
            replies.c.account_id == account.id, replies.c.external_id.in_(external_ids)
        )
    )
    return {row[0]: row[1] for row in rows}
