"""What is a contributor's own, and nothing that is anybody else's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import abort
from sqlalchemy import select

from consent.personal import PersonalItem, personal_page
from ledger.database import Ledger
from ledger.tables import handles, replies
from web.access import contributor_id
from web.here import ledger


def own_item(definition_id: str) -> PersonalItem:
    """One of this contributor's own items; 404 for anybody else's."""
    for found in personal_page(ledger(), contributor_id()):
        if found.definition.id == definition_id:
            return found
    return abort(404)


def unasked(ledger: Ledger, items: Iterable[PersonalItem]) -> list[Any]:
    """This contributor's replies that nobody has taken up so far, oldest first."""
    taken = {item.definition.reply_id for item in items}
    with ledger.read() as connection:
        rows = connection.execute(
            select(replies.c.id, replies.c.text, replies.c.received_at, replies.c.channel)
            .join(handles, replies.c.handle_id == handles.c.id)
            .where(handles.c.contributor_id == contributor_id())
            .order_by(replies.c.id)
        ).all()
    return [row for row in rows if row.id not in taken]
