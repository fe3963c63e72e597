"""Messages on their way, and those about which somebody has to say what happened."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ledger.accounts import all_accounts
from ledger.errors import DefinedbyError
from ledger.etiquette import Block
from ledger.handed_over import count_handed_over, handed_over, settle_by_hand
from ledger.held_back import blocks_of
from ledger.in_hand import ask_again_handed_over, time_sent
from ledger.outbox import Message, MessageState, settle_unknown
from ledger.requests import find_request
from ledger.sent import messages_in
from ledger.told_pages import failed_pages, settle_failed
from web.access import editor_only
from web.desk.common import back, moment_given
from web.here import ledger

pages = Blueprint("outbox", __name__, url_prefix="/desk/outbox")
#: In the order in which they need a person.
SHOWN = (
    MessageState.UNKNOWN,
    MessageState.FAILED,
    MessageState.CLAIMED,
    MessageState.APPROVED,
    MessageState.DRAFT,
    MessageState.SENT,
)
#: What a person may say became of a message, and what we answer.
_OUTCOMES = {
    "left": "Kept as sent.",
    "again": "It will be sent again in a moment.",
    "sent": "Kept as sent by you.",
    "dropped": "Dropped. The question stays open; take it back where it was asked, if you like.",
}


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    """Every message that somebody may ask about; what a rule forbids for good is put away."""
    ours = ledger()
    blocks: dict[int, Block] = {}
    with ours.read() as connection:
        waiting = count_handed_over(connection)
    if waiting:
        with ours.write() as connection:
            blocks = ask_again_handed_over(connection, ours.keys, ours.clock())
    with ours.read() as connection:
        by_hand = handed_over(connection, ours.keys)
        groups = {state: messages_in(connection, state) for state in SHOWN}
        about = {
            message.id: _definition_of(connection, message)
            for messages in (by_hand, *groups.values())
            for message in messages
        }
        untold = failed_pages(connection, ours.keys)
        names = {account.id: account for account in all_accounts(connection, ours.keys)}
        for messages in groups.values():
            blocks |= blocks_of(connection, messages, names)
    return render_template(
        "desk/outbox.html",
        by_hand=by_hand,
        blocks=blocks,
        groups=groups,
        about=about,
        accounts=names,
        untold=untold,
    )


@pages.post("/<int:message_id>")
@editor_only
def settle(message_id: int) -> ResponseReturnValue:
    """A person has looked whether it left, or has sent it by hand: keep that, or try again."""
    outcome = request.form.get("outcome", "")
    if outcome not in _OUTCOMES:
        abort(400)
    ours = ledger()
    try:
        with ours.write() as connection:
            known = _settle(connection, message_id, outcome, ours.clock())
    except DefinedbyError as error:
        flash(str(error), "wrong")
        return back("outbox.overview")
    if known:
        flash(_OUTCOMES[outcome], "done")
    else:
        flash("That message has been settled already.", "wrong")
    return back("outbox.overview")


def _settle(connection: Connection, message_id: int, outcome: str, now: datetime) -> bool:
    if outcome == "sent":
        at = time_sent(connection, message_id, moment_given("when"), now)
        return settle_by_hand(connection, message_id, at, sent=True)
    if outcome == "dropped":
        return settle_by_hand(connection, message_id, now, sent=False)
    return settle_unknown(connection, message_id, now, left=outcome == "left")


@pages.post("/pages/<int:told_id>")
@editor_only
def settle_page(told_id: int) -> ResponseReturnValue:
    """A page could not be told of a post: tell it again, or leave it."""
    outcome = request.form.get("outcome")
    if outcome not in ("again", "leave"):
        abort(400)
    ours = ledger()
    with ours.write() as connection:
        known = settle_failed(connection, told_id, ours.clock(), again=outcome == "again")
    if not known:
        flash("That page has been settled already.", "wrong")
    elif outcome == "again":
        flash("It will be told in a moment.", "done")
    else:
        flash("It is left.", "done")
    return back("outbox.overview")


def _definition_of(connection: Connection, message: Message) -> str:
    found = find_request(connection, message.request_id) if message.request_id else None
    return found.definition_id if found is not None else ""
