"""The shortlist, and one definition: its words, how its author stands to it, its history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue

from collector.alike import Taken
from consent.credit import suggested_credit
from consent.own_messages import MessageFileError
from consent.personal import other_words
from consent.reminding import draft_reminder
from consent.requests import fresh_link, revise
from consent.ways import ways_to
from ledger.accounts import account_by_id
from ledger.database import Ledger
from ledger.definitions import definitions_in, reply_of, words_taken
from ledger.errors import DefinedbyError
from ledger.etiquette import Action
from ledger.events import full_history, state_of
from ledger.links import revoke_links
from ledger.model import Definition, ReplyState
from ledger.offers import OFFERED
from ledger.pieces import replies_quoted
from ledger.replies import set_state
from ledger.sent import message_of_request
from ledger.sources import held_source, release_source
from web.access import editor_only
from web.desk.answers_shown import DECISIONS, answers_shown
from web.desk.common import (
    back,
    current_campaign,
    definition_in_view,
    editor_name,
    page_number,
    saying_why,
)
from web.desk.pieces import piece_view
from web.desk.stages import person_view, thanks_draft
from web.desk.standing import standing
from web.desk.ways import shown
from web.here import ledger

pages = Blueprint("definitions", __name__, url_prefix="/desk/definitions")
PAGE_SIZE = 30
MOST_REASON_CHARACTERS = 500


@pages.get("")
@editor_only
def shortlist() -> ResponseReturnValue:
    ours, page = ledger(), page_number()
    with ours.read() as connection:
        campaign = current_campaign(connection)
        if campaign is None:
            return render_template("desk/first_campaign.html")
        known = definitions_in(connection, campaign.id)
        in_view = known[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        listed = [standing(connection, ours.keys, definition) for definition in in_view]
    return render_template(
        "desk/definitions.html",
        campaign=campaign,
        listed=listed,
        count=len(known),
        page=page,
        more=len(known) > page * PAGE_SIZE,
    )


@pages.get("/<definition_id>")
@editor_only
def definition(definition_id: str) -> ResponseReturnValue:
    return definition_page(definition_id)


@pages.post("/<definition_id>/words")
@editor_only
def words(definition_id: str) -> ResponseReturnValue:
    """Other words: a new version that its author has to allow. Also takes up their proposal."""
    definition_in_view(definition_id)
    typed = request.form.get("words", "")
    try:
        revise(ledger(), definition_id, typed, editor_name())
    except DefinedbyError as error:
        return definition_page(definition_id, words=typed, wrong=error), 400
    flash("Kept as a new version. It is published once its author allows it.", "done")
    return back("definitions.definition", definition_id=definition_id)


@pages.post("/<definition_id>/release")
@editor_only
def release(definition_id: str) -> ResponseReturnValue:
    """An editor has looked at what became of the source: the words may stand."""
    found, _ = definition_in_view(definition_id)
    ours = ledger()
    with ours.write() as connection:
        quoted = replies_quoted(connection, found.piece_id) if found.is_piece else []
        for reply in quoted or [reply_of(connection, found)]:
            account = account_by_id(connection, ours.keys, reply.account_id)
            held = held_source(connection, reply.id)
            release_source(connection, account, reply.id, ours.clock())
            if held is not None and held.state == OFFERED:
                set_state(connection, reply.id, ReplyState.SHORTLISTED)
    flash("They may stand.", "done")
    return back("definitions.definition", definition_id=definition_id)


@pages.post("/<definition_id>/withdraw")
@editor_only
def withdraw_for_author(definition_id: str) -> ResponseReturnValue:
    """Its source is gone because its author meant to take it back: so it is taken back."""
    from consent.decisions import withdraw

    definition_in_view(definition_id)
    because = request.form.get("because", "").strip()[:MOST_REASON_CHARACTERS]
    with saying_why():
        if not because:
            raise DefinedbyError("Say how you know.", "One sentence is kept as evidence.")
        evidence = {"channel": "editor", "by": editor_name(), "quoted": because}
        withdraw(ledger(), definition_id, evidence)
        flash("It is taken back, and off the blog.", "done")
    return back("definitions.definition", definition_id=definition_id)


@pages.post("/<definition_id>/take")
@editor_only
def take_proposal(definition_id: str) -> ResponseReturnValue:
    """Use the words its author would rather say."""
    definition_in_view(definition_id)
    ours = ledger()
    with ours.read() as connection:
        proposal = state_of(connection, ours.keys, definition_id).proposal
    with saying_why():
        revise(ours, definition_id, proposal, editor_name())
        flash("Their words are taken. Ask them now: then they see exactly this.", "done")
    return back("definitions.definition", definition_id=definition_id)


@pages.post("/<definition_id>/link")
@editor_only
def new_link(definition_id: str) -> ResponseReturnValue:
    """A new personal link for its author; the others end, if so wished. Shown this once."""
    found, _ = definition_in_view(definition_id)
    ours = ledger()
    if request.form.get("end_others"):
        with ours.write() as connection:
            revoke_links(connection, found.contributor_id, ours.clock())
    return render_template(
        "desk/link.html", definition=found, link=fresh_link(ours, found.contributor_id)
    )


def definition_page(definition_id: str, **more: Any) -> str:
    """The page of one definition; `more` overrides what was typed, or says what is wrong."""
    found, campaign = definition_in_view(definition_id)
    ours = ledger()
    with ours.read() as connection:
        stands = standing(connection, ours.keys, found)
        history = full_history(connection, ours.keys, definition_id)
        message, reminded = (
            message_of_request(connection, stands.request.id, purpose) if stands.request else None
            for purpose in (Action.ASK, Action.REMIND)
        )
        ways = ways_to(connection, ours.keys, found, stands.reply)
        if found.is_piece:  # the whole of it can be looked at on their page alone
            ways = tuple(way for way in ways if way.is_private)
        person = person_view(ours, connection, found)
        answered = answers_shown(ours, connection, definition_id)
        alike: Any = ()
        if not found.is_piece:
            taken = Taken(words_taken(connection, campaign.id), campaign.prompt_parts[0])
            authors = (found.contributor_id, stands.reply.handle.address)
            alike = taken.alike(found.text, authors)
        piece = piece_view(connection, found) if found.is_piece else None
    values = {
        "campaign": campaign,
        "stands": stands,
        "history": history,
        "message": message,
        "reminded": reminded,
        "ways": shown(ways),
        "person": person,
        "answered": answered,
        "decisions": DECISIONS,
        "alike": alike,
        "piece": piece,
        "proposed": other_words(found, stands.state.proposal),
        "credit": stands.state.grant.credit
        if stands.state.grant
        else suggested_credit(stands.author),
    }
    if person.thanking.allowed and "thanks" not in more:
        values |= _worded("thanks", thanks_draft, ours, found)
    if person.reminding and not person.reminding.block and "reminder" not in more:
        values |= _worded("reminder", lambda ours, it: draft_reminder(ours, it.id), ours, found)
    return render_template("desk/definition.html", **{**values, **more})


def _worded(
    name: str, drafted: Callable[[Ledger, Definition], str], ours: Ledger, found: Definition
) -> dict[str, Any]:
    """A draft for its form; where the operator's own words can't be used, why, in its place."""
    try:
        return {name: drafted(ours, found)}
    except MessageFileError as error:
        return {name: "", f"{name}_wrong": error}
