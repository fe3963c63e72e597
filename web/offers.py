"""Somebody who has answered by the form may allow it in the same visit, before anybody asks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from collector.reading.languages import language_of
from consent.credit import suggested_credit
from consent.notice import notice, notice_version
from consent.offering import offer as offer_words
from consent.offering import offered_words
from consent.rights.age import need_age
from ledger.campaigns import campaign_by_id
from ledger.errors import DefinedbyError
from ledger.model import Campaign, Credit, Reply, Use
from ledger.replies import find_reply
from publisher.preview import preview
from web.access import contributor_id, contributor_only
from web.choices import Choice, choice_made, choice_shown
from web.contributor import LOOK_AGAIN, age_stated, page_evidence, plain
from web.here import ledger
from web.language import language, said, say, speak

pages = Blueprint("offers", __name__)
PAGE_VERSION = "offer-1"
ALL = frozenset(Use)


@pages.get("/me/answers/<int:reply_id>")
@contributor_only
def offer(reply_id: int) -> ResponseReturnValue:
    """How their answer would look; nothing is asked and nothing is kept by looking."""
    reply, words, campaign = _own(reply_id)
    choice = Choice(suggested_credit(reply.handle), frozenset({Use.POST}))
    return _page(reply, words, campaign, choice)


@pages.post("/me/answers/<int:reply_id>")
@contributor_only
def decide(reply_id: int) -> ResponseReturnValue:
    """Look again, or allow exactly what was on the screen."""
    reply, words, campaign = _own(reply_id)
    shown = choice_shown(ALL, request.form)
    try:
        chosen = choice_made(ALL)
    except DefinedbyError as error:
        return _page(reply, words, campaign, shown, wrong=error), 400
    if request.form.get("decision") != "grant":
        return _page(reply, words, campaign, chosen)
    text = plain(request.form.get("shown_text", ""))
    if chosen.credit != shown.credit or text != words:
        return _page(reply, words, campaign, chosen, look_again=say(LOOK_AGAIN))
    ours = ledger()
    evidence = {**page_evidence(PAGE_VERSION), **age_stated()}
    try:
        need_age(ours.settings, evidence)
    except DefinedbyError as error:
        return _page(reply, words, campaign, chosen, wrong=error), 400
    offer_words(
        ours,
        contributor_id(),
        reply_id,
        text=text,
        credit=chosen.credit,
        uses=chosen.uses,
        lang=_lang(reply, campaign),
        page_lang=language(),
        evidence=evidence,
    )
    with ours.read() as connection:
        found = find_reply(connection, reply_id)
    assert found is not None
    return redirect(url_for("personal.item", definition_id=found.definition_id), 303)


@pages.post("/me/answers/<int:reply_id>/look")
@contributor_only
def look(reply_id: int) -> ResponseReturnValue:
    """The preview for what the form says now, for the page's script; decides nothing."""
    reply, words, campaign = _own(reply_id)
    try:
        chosen = choice_made(ALL)
    except DefinedbyError as error:
        return jsonify(said=f"{said(error.what)} {said(error.next_step)}"), 400
    return jsonify(
        preview=_shown(reply, words, campaign, chosen.credit),
        shown_credit=chosen.shown_credit,
        said=chosen.credit.line,
    )


def _own(reply_id: int) -> tuple[Reply, str, Campaign]:
    """An answer that this visitor may offer; 404 for any other."""
    with ledger().read() as connection:
        found = offered_words(connection, contributor_id(), reply_id)
        if found is None:
            raise NotFound
        campaign = campaign_by_id(connection, found[0].campaign_id)
    speak(question=campaign.lang)
    return *found, campaign


def _shown(reply: Reply, words: str, campaign: Campaign, credit: Credit) -> str:
    when = reply.written_at or reply.received_at
    lang = _lang(reply, campaign)
    return preview(campaign, words, credit, channel=reply.channel, when=when, lang=lang)


def _lang(reply: Reply, campaign: Campaign) -> str:
    return language_of(reply.text, campaign.lang, campaign.prompt)


def _page(reply: Reply, words: str, campaign: Campaign, choice: Choice, **more: Any) -> str:
    return render_template(
        "contributor/offer.html",
        reply=reply,
        words=words,
        choice=choice,
        offered_uses=ALL,
        preview=_shown(reply, words, campaign, choice.credit),
        notice=notice(ledger().settings, language()),
        notice_version=notice_version(language()),
        **more,
    )
