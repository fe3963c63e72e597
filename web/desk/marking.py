"""Correct what a reply was taken for, and which of its words are the definition."""

from __future__ import annotations

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from collector.reading.languages import language_of
from consent.requests import revise
from ledger.campaigns import campaign_by_id
from ledger.definitions import take_definition
from ledger.errors import DefinedbyError
from ledger.model import Reading, Reply, ReplyKind, normal
from ledger.replies import find_reply, save_reading
from web.access import editor_only
from web.desk.common import back, editor_name
from web.here import ledger

pages = Blueprint("marking", __name__, url_prefix="/desk/replies")
BY_HAND = "An editor has marked this."


@pages.get("/<int:reply_id>")
@editor_only
def reply(reply_id: int) -> ResponseReturnValue:
    found = _reply(reply_id)
    return _page(found, found.reading.kind, found.reading.words(found.text) or found.text)


@pages.post("/<int:reply_id>")
@editor_only
def mark(reply_id: int) -> ResponseReturnValue:
    """Words that stand in the reply are marked there; other words need their author's yes."""
    found = _reply(reply_id)
    words = request.form.get("words", "").replace("\r\n", "\n").strip()
    if request.form.get("kind") not in list(ReplyKind):
        abort(400)
    kind = ReplyKind(request.form["kind"])
    if found.definition_id:
        return back("definitions.definition", definition_id=found.definition_id)
    span = _span(found.text, words) if kind is ReplyKind.DEFINITION and words else None
    _keep(found, Reading(kind, BY_HAND, 1.0, (span,) if span else ()))
    if kind is not ReplyKind.DEFINITION or span or not words:
        flash("Corrected; this sticks.", "done")
        thread_id = request.args.get("thread", type=int)
        return back("threads.thread", thread_id=thread_id) if thread_id else back("inbox.replies")
    try:
        definition_id = _take_edited(found, words)
    except DefinedbyError as error:
        return _page(found, kind, words, wrong=error), 400
    flash("These are your words, not theirs: the author has to agree when you ask.", "done")
    return back("definitions.definition", definition_id=definition_id)


def _reply(reply_id: int) -> Reply:
    with ledger().read() as connection:
        found = find_reply(connection, reply_id)
    return found if found is not None else abort(404)


def _page(found: Reply, kind: ReplyKind, words: str, wrong: DefinedbyError | None = None) -> str:
    return render_template(
        "desk/reply.html",
        reply=found,
        kind=kind,
        words=words,
        wrong=wrong,
        kinds=list(ReplyKind),
        send_to=url_for(
            "marking.mark", reply_id=found.id, thread=request.args.get("thread", type=int)
        ),
    )


def _span(text: str, words: str) -> tuple[int, int] | None:
    """Where `words` stand in `text`, byte for byte; None when they do not."""
    start = text.find(words)
    if start < 0 and normal(text) == text:
        words = normal(words)
        start = text.find(words)
    return None if start < 0 else (start, start + len(words))


def _keep(found: Reply, reading: Reading) -> None:
    with ledger().write() as connection:
        save_reading(connection, found.id, reading, corrected=True)


def _take_edited(found: Reply, words: str) -> str:
    ours = ledger()
    with ours.write() as connection:
        campaign = campaign_by_id(connection, found.campaign_id)
        lang = language_of(found.text, campaign.lang, campaign.prompt)
        definition = take_definition(connection, ours.keys, ours.clock(), found, lang)
    return revise(ours, definition.id, words, editor_name()).id
