"""Remind one author of an open question, once: by one press of a person."""

from __future__ import annotations

from flask import Blueprint, flash, request
from flask.typing import ResponseReturnValue

from consent.reminding import remind
from ledger.errors import DefinedbyError
from web.access import editor_only
from web.desk.common import back, definition_in_view, editor_name
from web.desk.definitions import definition_page
from web.here import ledger

pages = Blueprint("reminding", __name__, url_prefix="/desk/definitions")


@pages.post("/<definition_id>/remind")
@editor_only
def send(definition_id: str) -> ResponseReturnValue:
    """Let the reminder go, as the editor has read it."""
    definition_in_view(definition_id)
    body = request.form.get("body", "")
    try:
        remind(ledger(), definition_id, body, editor_name())
    except DefinedbyError as error:
        return definition_page(definition_id, reminder=body, reminder_wrong=error), 400
    flash("The reminder is waiting to leave. It is the only one.", "done")
    return back("definitions.definition", definition_id=definition_id)
