"""Offers: what its author allowed before an editor had chosen it. It is held until one has."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from ledger.jobs import JobKind, add_job
from ledger.model import ReplyState
from ledger.tables import definitions, replies

#: A reply whose words may be published as far as their author goes, and nobody has chosen them.
OFFERED = "offered"


def hold_offer(connection: Connection, reply_id: int, at: datetime) -> bool:
    """Hold these words until an editor chooses them; False when one has already."""
    held = connection.execute(
        update(replies)
        .where(
            replies.c.id == reply_id,
            replies.c.state != ReplyState.SHORTLISTED,
            replies.c.source_state == "",
        )
        .values(source_state=OFFERED, source_noticed_at=at)
    )
    return bool(held.rowcount)


def choose_offer(connection: Connection, reply_id: int, at: datetime) -> None:
    """An editor has chosen it: what was allowed may appear."""
    chosen = connection.execute(
        update(replies)
        .where(replies.c.id == reply_id, replies.c.source_state == OFFERED)
        .values(source_state="")
    )
    if not chosen.rowcount:
        return
    taken = connection.execute(select(definitions.c.id).where(definitions.c.reply_id == reply_id))
    for definition_id in taken.scalars():
        add_job(connection, JobKind.PUBLISH, definition_id, at)
