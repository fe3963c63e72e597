"""What is a contributor's own, and nothing that is anybody else's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import abort, request
from sqlalchemy import select

from consent.personal import PersonalItem, personal_page
from ledger.database import Ledger
from ledger.model import Credit
from ledger.pieces import with_other_words
from ledger.tables import handles, replies
from publisher.pieces import preview_piece
from publisher.preview import preview
from web.access import contributor_id
from web.here import ledger


def own_item(definition_id: str) -> PersonalItem:
    """One of this contributor's own items; 404 for anybody else's."""
    for found in personal_page(ledger(), contributor_id()):
        if found.definition.id == definition_id:
            return found
    return abort(404)


def item_preview(found: PersonalItem, text: str, credit: Credit) -> str:
    """How these words would look with this credit: of a piece, all of it with everybody's."""
    if found.definition.is_piece:
        credits_ = {**found.others, found.definition.part: credit}
        return preview_piece(found.campaign, text, found.definition.lang, credits_)
    return preview(
        found.campaign,
        text,
        credit,
        channel=found.channel,
        when=found.when,
        lang=found.definition.lang,
        messages=found.messages,
    )


def words_typed(found: PersonalItem) -> str:
    """The words that they would rather have; of a piece, all of it with their other answers.

    Raises DefinedbyError for an answer that was left empty.
    """
    if not found.definition.is_piece:
        return request.form.get("words", "").replace("\r\n", "\n").strip()
    typed = {number: request.form.get(f"words-{number}") for number, _ in found.own_answers}
    return with_other_words(
        found.definition, {number: said for number, said in typed.items() if said is not None}
    )


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
