"""Ask one author, by one press of a person; and take a question back."""

from __future__ import annotations

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from consent import requests
from consent.credit import chosen_credit
from consent.ways import WayName
from ledger.errors import DefinedbyError
from ledger.model import Use
from web.access import editor_only
from web.choices import PARTS
from web.desk.common import back, definition_in_view, editor_name, saying_why
from web.desk.definitions import definition_page
from web.here import ledger

pages = Blueprint("asking", __name__, url_prefix="/desk")
MOST_NOTE_CHARACTERS = 1000


@pages.post("/definitions/<definition_id>/ask")
@editor_only
def ask(definition_id: str) -> ResponseReturnValue:
    """Open a request. It leaves by the way that was chosen, or is shown to be copied."""
    found, campaign = definition_in_view(definition_id)
    form = request.form
    note = form.get("note", "").replace("\r\n", "\n")[:MOST_NOTE_CHARACTERS]
    chosen = form.get("way", "")
    if chosen and chosen not in set(map(str, WayName)):
        abort(400)
    try:
        credit = chosen_credit(form.get("form", ""), **{part: form.get(part, "") for part in PARTS})
        asked = requests.ask(
            ledger(),
            definition_id,
            asked_by=editor_name(),
            credit=credit,
            uses=frozenset({Use.POST} | {use for use in Use if use in form.getlist("uses")}),
            note=note,
            way=WayName(chosen) if chosen else None,
        )
    except DefinedbyError as error:
        page = definition_page(definition_id, ask_wrong=error, note=note, way_chosen=chosen)
        return page, 400
    if asked.way is not None:
        flash("The message is waiting to leave; nothing else is to be done.", "done")
        return back("definitions.definition", definition_id=definition_id)
    return render_template("desk/asked.html", definition=found, campaign=campaign, asked=asked)


@pages.post("/requests/<request_id>/cancel")
@editor_only
def cancel(request_id: str) -> ResponseReturnValue:
    """Take a question back. What has left can't be fetched back; its page just asks no more."""
    from ledger.requests import find_request

    ours = ledger()
    with ours.read() as connection:
        found = find_request(connection, request_id)
    if found is None:
        abort(404)
    with saying_why():
        requests.cancel(ours, request_id, editor_name())
        flash("The question is taken back.", "done")
    return back("definitions.definition", definition_id=found.definition_id)
