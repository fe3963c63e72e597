"""Ask one author, by one press of a person; and take a question back."""

from __future__ import annotations

import contextlib

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from consent import requests
from consent.credit import chosen_credit
from consent.messages import message_languages
from consent.ways import WayName
from consent.wording import languages
from ledger.errors import DefinedbyError
from ledger.model import Campaign, Definition, Use
from web.access import editor_only
from web.choices import PARTS
from web.desk.common import back, definition_in_view, editor_name, saying_why
from web.desk.definitions import definition_page
from web.desk.ways import shown
from web.here import ledger

pages = Blueprint("asking", __name__, url_prefix="/desk")
MOST_NOTE_CHARACTERS = 1000


@pages.post("/definitions/<definition_id>/ask")
@editor_only
def ask(definition_id: str) -> ResponseReturnValue:
    """Show the message as it would leave; the second press, on that page, opens the request.

    It leaves by the way that was chosen, or is shown to be copied. Nothing leaves unseen.
    """
    found, campaign = definition_in_view(definition_id)
    form = request.form
    note = form.get("note", "").replace("\r\n", "\n")[:MOST_NOTE_CHARACTERS]
    chosen = form.get("way", "")
    if chosen and chosen not in set(map(str, WayName)):
        abort(400)
    try:
        credit = chosen_credit(form.get("form", ""), **{part: form.get(part, "") for part in PARTS})
        ticked = frozenset({Use.POST} | {use for use in Use if use in form.getlist("uses")})
        uses = requests.uses_of(found, ticked)
        way = WayName(chosen) if chosen else None
        # The buttons say what becomes of the link; else it stays as it was in the form.
        link = form.get("do") == "link" or (
            form.get("do") != "no_link" and form.get("link") == "yes"
        )
        wish = requests.Wish(credit, uses, note, way, form.get("lang", ""), link)
        if form.get("do") != "send":
            return _preview(found, campaign, wish)
    except DefinedbyError as error:
        page = definition_page(definition_id, ask_wrong=error, note=note, way_chosen=chosen)
        return page, 400
    worded = form.get("subject", ""), form.get("body", "")
    try:
        asked = requests.ask(
            ledger(), definition_id, asked_by=editor_name(), worded=worded, **vars(wish)
        )
    except DefinedbyError as error:
        with contextlib.suppress(DefinedbyError):  # their words stay, if there is still a way
            return _preview(found, campaign, wish, worded, error), 400
        return definition_page(definition_id, ask_wrong=error, note=note, way_chosen=chosen), 400
    if asked.way is not None:
        flash("The message is waiting to leave; nothing else is to be done.", "done")
        return back("definitions.definition", definition_id=definition_id)
    return render_template("desk/asked.html", definition=found, campaign=campaign, asked=asked)


def _preview(
    found: Definition,
    campaign: Campaign,
    wish: requests.Wish,
    worded: tuple[str, str] | None = None,
    wrong: DefinedbyError | None = None,
) -> str:
    drafted = requests.draft(ledger(), found.id, wish)
    subject, body = worded or (drafted.subject, drafted.body)
    return render_template(
        "desk/asking.html",
        definition=found,
        campaign=campaign,
        wish=wish,
        draft=drafted,
        subject=subject,
        body=body,
        wrong=wrong,
        way=next(iter(shown((drafted.way,) if drafted.way else ()))),
        message_languages={code: languages()[code] for code in message_languages()},
    )


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
