"""Other words or another credit for what somebody has allowed, on their own page (promise P36)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from consent.notice import notice, notice_version
from consent.personal import PersonalItem
from consent.rights.age import need_age
from consent.rights.correcting import correct_credit, correct_words
from ledger.errors import DefinedbyError
from ledger.model import Credit, Use
from web.access import contributor_only
from web.choices import Choice, choice_made, choice_shown
from web.contributor import LOOK_AGAIN, age_stated, page_evidence, plain
from web.here import ledger
from web.language import language, said, say, speak
from web.own import item_preview, own_item, words_typed

pages = Blueprint("correcting", __name__)
#: Which page somebody decided on; part of the evidence.
PAGE_VERSION = "correct-2"


@pages.get("/me/<definition_id>/correct")
@contributor_only
def correct(definition_id: str) -> ResponseReturnValue:
    """How it looks now, and what can be changed about it; nothing is changed by looking."""
    found = _own(definition_id)
    return _page(found, _as_granted(found))


@pages.post("/me/<definition_id>/correct")
@contributor_only
def decide(definition_id: str) -> ResponseReturnValue:
    """Look again, or allow exactly what was on the screen: a new grant with another credit."""
    found = _own(definition_id)
    if found.grant is None:
        return abort(409)
    shown = choice_shown(_offered(found), request.form)
    try:
        chosen = choice_made(_offered(found))
    except DefinedbyError as error:
        return _page(found, shown, wrong=error), 400
    if request.form.get("decision") != "grant":
        return _page(found, chosen)
    text = plain(request.form.get("shown_text", ""))
    if chosen.credit != shown.credit or text != found.grant.text:
        return _page(found, chosen, look_again=say(LOOK_AGAIN))
    evidence = {**page_evidence(PAGE_VERSION), **age_stated()}
    try:
        need_age(ledger().settings, evidence)
        correct_credit(
            ledger(),
            definition_id,
            text=text,
            credit=chosen.credit,
            uses=chosen.uses,
            page_lang=language(),
            evidence=evidence,
        )
    except DefinedbyError as error:
        return _page(found, chosen, wrong=error), 400
    return redirect(url_for("personal.item", definition_id=definition_id), 303)


@pages.post("/me/<definition_id>/correct/look")
@contributor_only
def look(definition_id: str) -> ResponseReturnValue:
    """The preview for what the form says now, for the page's script; decides nothing."""
    found = _own(definition_id)
    try:
        chosen = choice_made(_offered(found))
    except DefinedbyError as error:
        return jsonify(said=f"{said(error.what)} {said(error.next_step)}"), 400
    return jsonify(
        preview=_preview(found, chosen.credit),
        shown_credit=chosen.shown_credit,
        said=chosen.credit.line,
    )


@pages.post("/me/<definition_id>/words")
@contributor_only
def words(definition_id: str) -> ResponseReturnValue:
    """Other words; what stands goes at once, unless they say that it may stay up until then."""
    found = _own(definition_id)
    typed = plain(request.form.get("words", "")).strip()
    keep = request.form.get("keep") == "yes"
    try:
        typed = words_typed(found)
        correct_words(
            ledger(), definition_id, typed, keep=keep, evidence=page_evidence(PAGE_VERSION)
        )
    except DefinedbyError as error:
        more = {"wrong": error, "words": typed, "keep": keep, "words_wrong": True}
        return _page(found, _as_granted(found), **more), 400
    return redirect(url_for("personal.item", definition_id=definition_id), 303)


def _own(definition_id: str) -> PersonalItem:
    """One of theirs that nothing is asked about: a question has its own page for all of this."""
    found = own_item(definition_id)
    speak(question=found.campaign.lang)
    return found


def _offered(found: PersonalItem) -> frozenset[Use]:
    return found.grant.uses if found.grant else frozenset()


def _as_granted(found: PersonalItem) -> Choice | None:
    return Choice(found.grant.credit, found.grant.uses) if found.grant else None


def _preview(found: PersonalItem, credit: Credit) -> str:
    text = found.grant.text if found.grant else found.definition.text
    return item_preview(found, text, credit)


def _page(found: PersonalItem, choice: Choice | None, **more: Any) -> str:
    return render_template(
        "contributor/correct.html",
        item=found,
        choice=choice,
        offered_uses=_offered(found),
        preview=_preview(found, choice.credit) if choice else "",
        notice=notice(ledger().settings, language()),
        notice_version=notice_version(language()),
        **more,
    )
