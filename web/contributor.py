"""A contributor's own pages: opened by a personal link, without an account or a password.

Looking changes nothing, whatever a mail scanner opens; only the buttons decide (promise P03).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from consent import decisions
from consent.errors import NotNowError
from consent.notice import notice, notice_version
from consent.personal import PersonalItem, personal_page
from consent.rights.age import need_age, stated_age
from ledger.contributors import has_stopped_contact
from ledger.errors import DefinedbyError
from ledger.links import link_of_token
from ledger.model import Use
from web.access import LINK, contributor_id, contributor_only, open_to_all
from web.choices import Choice, choice_asked, choice_made, choice_shown
from web.here import ledger
from web.language import language, said, say, speak
from web.own import item_preview, own_item, unasked, words_typed

pages = Blueprint("personal", __name__)
#: Which page somebody decided on; part of the evidence. Changes with its words or its layout.
PAGE_VERSION = "personal-item-4"
LOOK_AGAIN = "This is how it would look now. Please look once more and confirm."


@pages.get("/p/<token>")
@open_to_all
def enter(token: str) -> ResponseReturnValue:
    """Exchange the token for a cookie and a clean address; reads only."""
    ours = ledger()
    with ours.read() as connection:
        link_id = link_of_token(connection, ours.keys, token, ours.clock())
    if link_id is None:
        abort(404)
    session[LINK] = link_id
    return redirect(url_for("personal.overview"), 303)


@pages.get("/me")
@contributor_only
def overview() -> ResponseReturnValue:
    ours = ledger()
    items = personal_page(ours, contributor_id())
    for found in items:
        _speak_of(found)
    with ours.read() as connection:
        stopped = has_stopped_contact(connection, contributor_id())
    return render_template(
        "contributor/me.html",
        items=items,
        unasked=unasked(ours, items),
        stopped=stopped,
    )


@pages.post("/me/stop")
@contributor_only
def stop() -> ResponseReturnValue:
    """No more messages to this person, on any channel."""
    decisions.stop(ledger(), contributor_id(), page_evidence())
    return redirect(url_for("personal.overview"), 303)


@pages.post("/me/leave")
@contributor_only
def leave() -> ResponseReturnValue:
    """Forget the personal link in this browser."""
    session.pop(LINK, None)
    return redirect("/", 303)


@pages.get("/me/<definition_id>")
@contributor_only
def item(definition_id: str) -> ResponseReturnValue:
    found = own_item(definition_id)
    return _item_page(found, choice_asked(found.request) if found.request else None)


@pages.post("/me/<definition_id>")
@contributor_only
def decide(definition_id: str) -> ResponseReturnValue:
    """One button of the page: look again, yes, no, not now, other words, or take it back."""
    found = own_item(definition_id)
    _speak_of(found)
    decision = request.form.get("decision", "")
    if decision == "withdraw":
        decisions.withdraw(ledger(), definition_id, page_evidence())
        return _back_to(found)
    if decision not in _DECISIONS:
        abort(400)
    if found.request is None:
        raise NotNowError(
            "This question is not open any more.",
            "Open your page again: it shows how things stand now.",
        )
    return _DECISIONS[decision](found, found.request.id)


@pages.post("/me/<definition_id>/look")
@contributor_only
def look(definition_id: str) -> ResponseReturnValue:
    """The preview for what the form says now, for the page's script; decides nothing."""
    found = own_item(definition_id)
    _speak_of(found)
    try:
        chosen = choice_made(_offered(found))
    except DefinedbyError as error:
        return jsonify(said=f"{said(error.what)} {said(error.next_step)}"), 400
    return jsonify(
        preview=_preview(found, chosen),
        shown_credit=chosen.shown_credit,
        said=chosen.credit.line,
    )


def _look(found: PersonalItem, request_id: str) -> ResponseReturnValue:  # noqa: ARG001  as all decisions
    try:
        return _item_page(found, choice_made(_offered(found)))
    except DefinedbyError as error:
        return _item_page(found, choice_shown(_offered(found), request.form), wrong=error), 400


def _grant(found: PersonalItem, request_id: str) -> ResponseReturnValue:
    """Yes, but only to what was on the screen: another credit is shown first.

    The uses need no second look: their ticks are what was on the screen.
    """
    shown = choice_shown(_offered(found), request.form)
    try:
        chosen = choice_made(_offered(found))
    except DefinedbyError as error:
        return _item_page(found, shown, wrong=error), 400
    text = plain(request.form.get("shown_text", ""))
    if chosen.credit != shown.credit or text != found.definition.text:
        return _item_page(found, chosen, look_again=say(LOOK_AGAIN))
    evidence = {**page_evidence(), **age_stated()}
    try:
        need_age(ledger().settings, evidence)
    except DefinedbyError as error:
        return _item_page(found, chosen, wrong=error), 400
    decisions.grant(
        ledger(),
        request_id,
        text=text,
        credit=chosen.credit,
        uses=chosen.uses,
        evidence=evidence,
    )
    return _back_to(found)


def _refuse(found: PersonalItem, request_id: str) -> ResponseReturnValue:
    decisions.refuse(ledger(), request_id, page_evidence())
    return _back_to(found)


def _refuse_for_good(found: PersonalItem, request_id: str) -> ResponseReturnValue:
    decisions.refuse_for_good(ledger(), request_id, page_evidence())
    return _back_to(found)


def _postpone(found: PersonalItem, request_id: str) -> ResponseReturnValue:
    decisions.postpone(ledger(), request_id, page_evidence())
    return _back_to(found)


def _propose(found: PersonalItem, request_id: str) -> ResponseReturnValue:
    words = plain(request.form.get("words", "")).strip()
    try:
        words = words_typed(found)
        decisions.propose(ledger(), request_id, words, page_evidence())
    except DefinedbyError as error:
        shown = choice_shown(_offered(found), request.form)
        return _item_page(found, shown, wrong=error, words=words), 400
    return _back_to(found)


_DECISIONS = {
    "preview": _look,
    "grant": _grant,
    "refuse": _refuse,
    "postpone": _postpone,
    "never": _refuse_for_good,
    "propose": _propose,
}


def _item_page(found: PersonalItem, choice: Choice | None, **more: Any) -> str:
    _speak_of(found)
    return render_template(
        "contributor/item.html",
        item=found,
        choice=choice,
        offered_uses=_offered(found),
        preview=_preview(found, choice),
        notice=notice(ledger().settings, language()),
        notice_version=notice_version(language()),
        **more,
    )


def _offered(found: PersonalItem) -> frozenset[Use]:
    return found.request.uses if found.request else frozenset()


def _speak_of(found: PersonalItem) -> None:
    speak(asked=found.request.lang if found.request else "", question=found.campaign.lang)


def _preview(found: PersonalItem, choice: Choice | None) -> str:
    """The post as it would be published; as it was granted when nothing is asked."""
    if choice is not None:
        text, credit = found.definition.text, choice.credit
    elif found.grant is not None:
        text, credit = found.grant.text, found.grant.credit
    else:
        return ""
    return item_preview(found, text, credit)


def _back_to(found: PersonalItem) -> ResponseReturnValue:
    return redirect(url_for("personal.item", definition_id=found.definition.id), 303)


def page_evidence(page: str = PAGE_VERSION) -> dict[str, Any]:
    return {"channel": "page", "page": page, "notice": notice_version(language())}


def age_stated() -> dict[str, str]:
    """What the form says about their age; nothing where the line is not ticked."""
    return stated_age(ledger().settings) if request.form.get("age") else {}


def plain(text: str) -> str:
    """Browsers send line breaks as CR LF (HTML, "constructing the entry list")."""
    return text.replace("\r\n", "\n")
