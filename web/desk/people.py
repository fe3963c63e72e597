"""One person and what they may ask: done for them by an editor, on evidence that is kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, render_template, request, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select

from consent import decisions
from consent.rights.correcting import correct_words
from consent.rights.erasing import erase, what_goes
from consent.rights.export import export
from consent.wording import languages
from ledger.contributors import handles_of, has_stopped_contact
from ledger.definitions import definitions_of
from ledger.errors import DefinedbyError
from ledger.forgetting import is_erased
from ledger.rights_requests import (
    Right,
    add_rights_request,
    open_rights_requests,
    rights_requests_of,
    settle_rights_request,
)
from ledger.tables import contributors
from ledger.together import people_of
from web.access import editor_only
from web.desk.common import back, editor_name, saying_why
from web.desk.standing import standing
from web.here import ledger

pages = Blueprint("people", __name__, url_prefix="/desk/people")
MOST_NOTE_CHARACTERS = 500


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    """What people ask about themselves, the most urgent first."""
    with ledger().read() as connection:
        waiting = [
            (one, handles_of(connection, one.contributor_id))
            for one in open_rights_requests(connection)
        ]
    return render_template("desk/people.html", waiting=waiting, now=ledger().clock())


@pages.get("/<contributor_id>")
@editor_only
def person(contributor_id: str) -> ResponseReturnValue:
    return _page(contributor_id)


@pages.post("/<contributor_id>/withdraw")
@editor_only
def withdraw(contributor_id: str) -> ResponseReturnValue:
    """Take one of their definitions back, because they said so."""
    definition_id = request.form.get("definition", "")

    def act(evidence: dict[str, Any]) -> str:
        _refuse_others(contributor_id, definition_id)
        decisions.withdraw(ledger(), definition_id, evidence)
        return "It is taken back, and off the blog."

    return _done(contributor_id, act)


@pages.post("/<contributor_id>/correct")
@editor_only
def correct(contributor_id: str) -> ResponseReturnValue:
    """Take other words of theirs; they are asked about exactly these."""
    definition_id = request.form.get("definition", "")
    words = request.form.get("words", "").replace("\r\n", "\n")

    def act(evidence: dict[str, Any]) -> str:
        _refuse_others(contributor_id, definition_id)
        keep = request.form.get("keep") == "yes"
        correct_words(
            ledger(), definition_id, words, keep=keep, evidence=evidence, by=editor_name()
        )
        return "Their words are a new version. Ask them about it: nothing is published by this."

    return _done(contributor_id, act)


@pages.post("/<contributor_id>/stop")
@editor_only
def stop(contributor_id: str) -> ResponseReturnValue:
    def act(evidence: dict[str, Any]) -> str:
        decisions.stop(ledger(), contributor_id, evidence)
        return "They are not written to any more, on any channel."

    return _done(contributor_id, act)


@pages.post("/<contributor_id>/export")
@editor_only
def hand_out(contributor_id: str) -> ResponseReturnValue:
    """Everything held about them as a file, to be given to them and to nobody else."""
    _known(contributor_id)
    ours = ledger()
    try:
        note = _note()
        file = io.BytesIO()
        export(ours, contributor_id, file, request.form.get("lang", "en"))
    except DefinedbyError as error:
        flash(str(error), "wrong")
        return back("people.person", contributor_id=contributor_id)
    with ours.write() as connection:
        _keep_done(connection, contributor_id, Right.EXPORT, note)
    file.seek(0)
    answer = send_file(
        file,
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"everything-about-{contributor_id[:8]}.zip",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.post("/<contributor_id>/erase")
@editor_only
def erase_person(contributor_id: str) -> ResponseReturnValue:
    def act(evidence: dict[str, Any]) -> str:
        if request.form.get("sure") != "yes":
            raise DefinedbyError("Nothing was erased.", "Tick that you have made sure who asks.")
        gone = erase(ledger(), contributor_id, evidence)
        said = "Everything about them is erased."
        if gone.editions:
            said += (
                f" They were in {len(gone.editions)} editions: look whether an introduction"
                " of yours names them."
            )
        return said

    return _done(contributor_id, act)


@pages.post("/<contributor_id>/settle")
@editor_only
def settle(contributor_id: str) -> ResponseReturnValue:
    """What they asked for has been done, or can't be; the note says which."""
    wanted = request.form.get("request", "")

    def act(evidence: dict[str, Any]) -> str:
        ours = ledger()
        with ours.write() as connection:
            theirs = {one.id for one in rights_requests_of(connection, contributor_id)}
            if not wanted.isdecimal() or int(wanted) not in theirs:
                raise DefinedbyError("There is no such request.", "Load the page again.")
            settle_rights_request(
                connection, int(wanted), ours.clock(), editor_name(), str(evidence["quoted"])
            )
        return "Settled."

    return _done(contributor_id, act)


def _done(contributor_id: str, act: Callable[[dict[str, Any]], str]) -> ResponseReturnValue:
    """Do it with the editor's note as evidence, and say on the next page what came of it."""
    _known(contributor_id)
    with saying_why():
        evidence = {"channel": "editor", "by": editor_name(), "quoted": _note()}
        flash(act(evidence), "done")
    return back("people.person", contributor_id=contributor_id)


def _note() -> str:
    """How the editor knows that it is they who ask, and that they ask for this."""
    note = request.form.get("because", "").strip()[:MOST_NOTE_CHARACTERS]
    if not note:
        raise DefinedbyError("Say how you know.", "One sentence is kept as evidence.")
    return note


def _refuse_others(contributor_id: str, definition_id: str) -> None:
    with ledger().read() as connection:
        person = people_of(connection, contributor_id)
        theirs = {one.id for each in person for one in definitions_of(connection, each)}
    if definition_id not in theirs:
        raise DefinedbyError("That is not one of theirs.", "Load the page again.")


def _keep_done(connection: Connection, contributor_id: str, kind: Right, note: str) -> None:
    now = ledger().clock()
    waiting = [one for one in rights_requests_of(connection, contributor_id) if not one.done_at]
    same = [one for one in waiting if one.kind is kind]
    if not same:
        add_rights_request(connection, contributor_id, kind, note, now)
        newest = rights_requests_of(connection, contributor_id)[0]
        same = [newest]
    for one in same:
        settle_rights_request(connection, one.id, now, editor_name(), note)


def _known(contributor_id: str) -> None:
    with ledger().read() as connection:
        known = connection.execute(
            select(contributors.c.id).where(contributors.c.id == contributor_id)
        ).first()
    if known is None:
        abort(404)


def _page(contributor_id: str) -> str:
    ours = ledger()
    _known(contributor_id)
    with ours.read() as connection:
        person = people_of(connection, contributor_id)
        theirs = [
            standing(connection, ours.keys, definition)
            for one in person
            for definition in definitions_of(connection, one)
        ]
        values = {
            "handles": [handle for one in person for handle in handles_of(connection, one)],
            "stopped": has_stopped_contact(connection, contributor_id),
            "erased": is_erased(connection, contributor_id),
            "asked": rights_requests_of(connection, contributor_id),
        }
    return render_template(
        "desk/person.html",
        contributor_id=contributor_id,
        theirs=theirs,
        going=what_goes(ours, contributor_id),
        export_languages=languages(),
        now=ours.clock(),
        **values,
    )
