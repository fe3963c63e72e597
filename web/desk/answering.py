"""Answers in words: an editor records a yes with one press, or says what was meant instead."""

from __future__ import annotations

from flask import Blueprint, abort, flash, request
from flask.typing import ResponseReturnValue

from consent.answering import confirm_yes, correct_answer
from consent.answers import Decided
from ledger.answers import answers_among
from web.access import editor_only
from web.desk.common import back, editor_name, saying_why
from web.here import ledger

pages = Blueprint("answering", __name__, url_prefix="/desk/answers")


@pages.post("/<int:reply_id>/confirm")
@editor_only
def confirm(reply_id: int) -> ResponseReturnValue:
    """They said yes: record it. Refused where anything is missing that a grant needs."""
    definition_id = _definition_of(reply_id)
    with saying_why():
        confirm_yes(ledger(), reply_id, editor_name())
        flash("Their yes is recorded, with their words as evidence.", "done")
    return _back(definition_id)


@pages.post("/<int:reply_id>")
@editor_only
def correct(reply_id: int) -> ResponseReturnValue:
    """What they decided as an editor reads it; a no, a withdrawal and a stop are done at once."""
    definition_id = _definition_of(reply_id)
    decision = request.form.get("decision", "")
    if decision not in list(Decided):
        abort(400)
    with saying_why():
        done = correct_answer(ledger(), reply_id, decision, editor_name())
        flash(f"Corrected; this sticks. {done}".strip(), "done")
    return _back(definition_id)


def _back(definition_id: str) -> ResponseReturnValue:
    """To the conversation or the definition, wherever the answer was looked at."""
    thread_id = request.form.get("thread", type=int)
    if thread_id is not None:
        return back("threads.thread", thread_id=thread_id)
    return back("definitions.definition", definition_id=definition_id)


def _definition_of(reply_id: int) -> str:
    with ledger().read() as connection:
        known = answers_among(connection, [reply_id])
    if reply_id not in known:
        abort(404)
    return known[reply_id][1]
