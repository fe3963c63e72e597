"""The public form: words arrive, are shown once more, and only then are stored.

The form on the blog is a static page without a CSRF token, so its POST stores nothing: it only
renders the second step, whose own form carries one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select

from collector.channels.form import FormAnswer, form_reply
from ledger.accounts import ensure_account
from ledger.campaigns import find_campaign
from ledger.database import Ledger
from ledger.definitions import MOST_CHARACTERS
from ledger.errors import DefinedbyError
from ledger.links import link_of_token, new_link
from ledger.model import Account, Campaign, Channel, Reply
from ledger.replies import author_of, find_reply, store_replies
from ledger.tables import replies
from web.access import LINK, open_to_all
from web.here import ledger
from web.language import speak

pages = Blueprint("answers", __name__)
ARRIVED = "arrived"
#: Sending the same form again within this time shows the personal link again.
SAME_VISIT = timedelta(minutes=10)


@dataclass(frozen=True)
class Typed:
    """The second step's fields as somebody filled them in. `token` tells one sending from two."""

    text: str
    name: str = ""
    email: str = ""
    token: str = ""

    @classmethod
    def from_form(cls) -> Typed:
        form = request.form
        text = form.get("text", "").replace("\r\n", "\n").strip()
        token = form.get("token", "") or secrets.token_urlsafe(24)
        return cls(text, form.get("name", ""), form.get("email", "").strip(), token)


@pages.route("/answer/<slug>", methods=["GET", "POST"])
@open_to_all
def words(slug: str) -> ResponseReturnValue:
    """Step two: their words, who they are if they like; nothing is stored by this."""
    campaign = _campaign(slug)
    if not campaign.is_open:
        return _closed(campaign)
    return _step_two(campaign, Typed.from_form())


@pages.post("/answer/<slug>/send")
@open_to_all
def send(slug: str) -> ResponseReturnValue:
    """Store the reply, once, and lead on to what happens next."""
    campaign = _campaign(slug)
    if not campaign.is_open:
        return _closed(campaign)
    typed = Typed.from_form()
    try:
        answer = _answer(typed)
    except DefinedbyError as error:
        return _step_two(campaign, typed, error), 400
    reply_id, token, link = _store(ledger(), campaign, answer)
    session[ARRIVED] = {"reply": reply_id, "token": token}
    if link:
        session[LINK] = link
    return redirect(url_for("answers.answered"), 303)


@pages.get("/answered")
@open_to_all
def answered() -> ResponseReturnValue:
    """It arrived. The personal link is shown this once; loading the page again hides it."""
    arrived = session.get(ARRIVED)
    if not arrived:
        return redirect("/")
    ours = ledger()
    with ours.read() as connection:
        reply = find_reply(connection, arrived["reply"])
    token = arrived["token"] if request.method == "GET" else ""
    if token:
        session[ARRIVED] = {**arrived, "token": ""}
    link = f"{ours.settings.public_url}{url_for('personal.enter', token=token)}" if token else ""
    can_offer = reply is not None and not reply.definition_id and bool(session.get(LINK))
    return render_template("contributor/answered.html", reply=reply, link=link, can_offer=can_offer)


def _campaign(slug: str) -> Campaign:
    with ledger().read() as connection:
        campaign = find_campaign(connection, slug)
    return campaign if campaign is not None else abort(404)


def _closed(campaign: Campaign) -> ResponseReturnValue:
    speak(question=campaign.lang)
    status = 200 if request.method in ("GET", "HEAD") else 409
    return render_template("contributor/answer_closed.html", campaign=campaign), status


def _step_two(campaign: Campaign, typed: Typed, wrong: DefinedbyError | None = None) -> str:
    speak(question=campaign.lang)
    return render_template(
        "contributor/answer.html",
        campaign=campaign,
        typed=typed,
        wrong=wrong,
        most_characters=MOST_CHARACTERS,
    )


def _answer(typed: Typed) -> FormAnswer:
    return form_reply(
        typed.text,
        typed.name,
        typed.email,
        token=ledger().keys.token_hash(typed.token),
        trap=request.form.get("website", ""),
    )


def _store(ledger: Ledger, campaign: Campaign, answer: FormAnswer) -> tuple[int, str, str | None]:
    """The reply's id, a token of a new personal link, and that link's id.

    A second sending stores nothing; its own author, who may not have seen the first answer
    page, gets a link again for a short while.
    """
    now = ledger.clock()
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.FORM, campaign.slug, campaign.id)
        new = store_replies(connection, account, [answer.reply], now)
        reply = _stored(connection, account, answer.reply.external_id)
        if not new and now - reply.received_at > SAME_VISIT:
            return reply.id, "", None
        known = replace(reply, handle=replace(reply.handle, contact=answer.contact))
        author = author_of(connection, ledger.keys, known, now)
        token = new_link(connection, ledger.keys, author.contributor_id, now)
        return reply.id, token, link_of_token(connection, ledger.keys, token, now)


def _stored(connection: Connection, account: Account, external_id: str) -> Reply:
    where: Any = (replies.c.account_id == account.id) & (replies.c.external_id == external_id)
    reply_id = connection.execute(select(replies.c.id).where(where)).scalar_one()
    reply = find_reply(connection, reply_id)
    assert reply is not None
    return reply
