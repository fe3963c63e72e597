"""Messages on their way, and those about which somebody has to say what happened."""

from __future__ import annotations

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ledger.outbox import Message, MessageState, messages_in, settle_unknown
from ledger.requests import find_request
from web.access import editor_only
from web.desk.common import back
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


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    with ledger().read() as connection:
        groups = {state: messages_in(connection, state) for state in SHOWN}
        about = {
            message.id: _definition_of(connection, message)
            for messages in groups.values()
            for message in messages
        }
    return render_template("desk/outbox.html", groups=groups, about=about)


@pages.post("/<int:message_id>")
@editor_only
def settle(message_id: int) -> ResponseReturnValue:
    """A person has looked whether it left: keep it as sent, or send it again."""
    outcome = request.form.get("outcome")
    if outcome not in ("left", "again"):
        abort(400)
    ours = ledger()
    with ours.write() as connection:
        known = settle_unknown(connection, message_id, ours.clock(), left=outcome == "left")
    if not known:
        flash("That message has been settled already.", "wrong")
    elif outcome == "left":
        flash("Kept as sent.", "done")
    else:
        flash("It will be sent again in a moment.", "done")
    return back("outbox.overview")


def _definition_of(connection: Connection, message: Message) -> str:
    found = find_request(connection, message.request_id) if message.request_id else None
    return found.definition_id if found is not None else ""
