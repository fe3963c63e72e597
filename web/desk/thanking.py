"""Thank one author, once, after publishing: by one press of a person."""

from __future__ import annotations

from flask import Blueprint, flash, request
from flask.typing import ResponseReturnValue

from consent.thanking import thank
from ledger.errors import DefinedbyError
from web.access import editor_only
from web.desk.common import back, definition_in_view, editor_name
from web.desk.definitions import definition_page
from web.here import ledger

pages = Blueprint("thanking", __name__, url_prefix="/desk/definitions")


@pages.post("/<definition_id>/thank")
@editor_only
def send(definition_id: str) -> ResponseReturnValue:
    """Let the thanks go, or hold it for the editor's own hand."""
    definition_in_view(definition_id)
    body = request.form.get("body", "")
    try:
        prepared = thank(ledger(), definition_id, body, editor_name())
    except DefinedbyError as error:
        return definition_page(definition_id, thanks=body, thanks_wrong=error), 400
    if prepared.by_hand:
        return back("greetings.by_hand", message_id=prepared.message_id)
    flash("The thanks are waiting to leave; nothing else is to be done.", "done")
    return back("definitions.definition", definition_id=definition_id)
