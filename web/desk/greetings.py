"""The greeting desk: newcomers one by one, each with a draft that a person finishes.

No address here takes more than one person: there is no way to greet in bulk (promise P13).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from collector.channels import FOLLOWED
from collector.composers import composer, too_many
from collector.greeting_check import mark_of, objections_to
from collector.greetings import Objection, draft, knows_language
from ledger.accounts import account_by_id, accounts_of
from ledger.campaigns import campaign_by_id
from ledger.contributors import find_or_add_handle, set_zone
from ledger.courtesies import (
    Courtesy,
    Prepared,
    held_draft,
    held_drafts,
    settle_held,
    store_courtesy,
    verdict_for,
)
from ledger.errors import DefinedbyError
from ledger.etiquette import Action, Verdict
from ledger.facts import manners_of
from ledger.in_hand import ask_again, time_sent
from ledger.model import Account, Campaign
from ledger.newcomers import (
    Newcomer,
    NewcomerState,
    count_passed_over,
    facts_of_newcomer,
    find_newcomer,
    follower_place,
    greeted_newcomers,
    newcomer_of,
    set_newcomer_state,
    waiting_newcomers,
)
from web.access import editor_only
from web.desk.common import (
    back,
    current_campaign,
    editor_name,
    moment_given,
    page_number,
    saying_why,
)
from web.here import ledger

pages = Blueprint("greetings", __name__, url_prefix="/desk/greetings")
PAGE_SIZE = 20
MOST_CHARACTERS = 1000
ACTIONS = {"greeting": Action.GREET, "follow-up": Action.FOLLOW_UP}


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    """Who may be greeted or reminded, each with the rule that is in the way, if any."""
    ours, page = ledger(), page_number()
    with ours.read() as connection:
        campaign = current_campaign(connection)
        if campaign is None:
            return render_template("desk/first_campaign.html")
        found = waiting_newcomers(connection, campaign.id, PAGE_SIZE + 1, (page - 1) * PAGE_SIZE)
        accounts = accounts_of(connection, ours.keys, campaign.id)
        values = {
            "waiting": [
                (one, verdict)
                for one in found[:PAGE_SIZE]
                if not _is_over(verdict := _verdict(connection, Action.GREET, one))
            ],
            "reminding": [
                (one, _verdict(connection, Action.FOLLOW_UP, one))
                for one in greeted_newcomers(connection, campaign.id, PAGE_SIZE)
            ],
            "held": held_drafts(connection, ours.keys),
            "passed_over": count_passed_over(connection, campaign.id),
            "looks": [
                (account, follower_place(connection, account.id)[1])
                for account in accounts
                if account.channel in FOLLOWED
            ],
        }
    return render_template(
        "desk/greetings.html", campaign=campaign, page=page, more=len(found) > PAGE_SIZE, **values
    )


@pages.post("/look/<int:account_id>")
@editor_only
def look(account_id: int) -> ResponseReturnValue:
    """Look for new followers and mentions of one account, now. Nothing is sent by this."""
    from collector.newcomers import look_for_newcomers

    ours = ledger()
    with ours.read() as connection:
        campaign = current_campaign(connection)
        known = accounts_of(connection, ours.keys, campaign.id) if campaign else []
    account = next((one for one in known if one.id == account_id), None)
    if account is None or account.channel not in FOLLOWED:
        abort(404)
    with saying_why():
        report = look_for_newcomers(ours, account)
        more = " There are more: look again." if report.more else ""
        flash(f"{report.added} new of {report.looked_at} looked at.{more}", "done")
    return back("greetings.overview")


@pages.get("/list")
@editor_only
def list_form() -> ResponseReturnValue:
    return _list_page("")


@pages.post("/list")
@editor_only
def take_list() -> ResponseReturnValue:
    """Put the people of a CSV on the list, where the rules allow it. Nothing is sent by this."""
    from collector.newcomer_list import read_list
    from ledger.newcomers import Why, add_newcomers

    ours, text = ledger(), _uploaded()
    with ours.read() as connection:
        campaign = current_campaign(connection)
        accounts = accounts_of(connection, ours.keys, campaign.id) if campaign else []
    if campaign is None:
        return back("campaigns.overview")
    try:
        people, problems = read_list(text, accounts)
    except DefinedbyError as error:
        return _list_page(text, wrong=error), 400
    with ours.write() as connection:
        now = ours.clock()
        added = sum(
            add_newcomers(
                connection, ours.keys, now, one.account, [one.person], Why.LISTED, campaign.id
            )
            for one in people
        )
    flash(f"{added} new of {len(people)} people. Nobody has been written to.", "done")
    if problems:
        return _list_page("", problems=problems)
    return back("greetings.overview")


@pages.get("/<int:newcomer_id>/<any(greeting, 'follow-up'):kind>")
@editor_only
def write(newcomer_id: int, kind: str) -> ResponseReturnValue:
    """The draft for one person."""
    return _draft_page(_in_view(newcomer_id), ACTIONS[kind])


@pages.post("/<int:newcomer_id>/<any(greeting, 'follow-up'):kind>")
@editor_only
def send(newcomer_id: int, kind: str) -> ResponseReturnValue:
    """Look the draft through; let it go to this one person, or say why not."""
    newcomer, action = _in_view(newcomer_id), ACTIONS[kind]
    typed = {
        name: request.form.get(name, "").strip()[:MOST_CHARACTERS] for name in ("personal", "text")
    }
    if request.form.get("decision") == "draft":
        return _draft_page(newcomer, action, personal=typed["personal"])
    try:
        prepared, objections = _store(newcomer, action, **typed)
    except DefinedbyError as error:
        return _draft_page(newcomer, action, **typed, wrong=error), 400
    if prepared is None:
        return _draft_page(newcomer, action, **typed, objections=objections), 400
    if prepared.by_hand:
        return back("greetings.by_hand", message_id=prepared.message_id)
    flash("It is on its way, or waits for its hour.", "done")
    return back("greetings.overview")


@pages.post("/<int:newcomer_id>/leave")
@editor_only
def leave(newcomer_id: int) -> ResponseReturnValue:
    """Leave this person alone: they stay off the list."""
    newcomer = _in_view(newcomer_id)
    with ledger().write() as connection:
        if newcomer.state is NewcomerState.WAITING:
            set_newcomer_state(connection, newcomer.id, NewcomerState.LEFT_ALONE)
    flash("Left alone.", "done")
    return back("greetings.overview")


@pages.get("/by-hand/<int:message_id>")
@editor_only
def by_hand(message_id: int) -> ResponseReturnValue:
    """A message for one person, to be sent in the platform's own composer if the rules allow it.

    What a rule forbids for good is put away by this look.
    """
    ours = ledger()
    with ours.write() as connection:
        held = held_draft(connection, ours.keys, message_id)
        if held is None:
            abort(404)
        block = ask_again(connection, ours.keys, message_id, ours.clock())
        account = account_by_id(connection, ours.keys, held.account_id)
        newcomer = newcomer_of(connection, held.contributor_id)
    handle = newcomer.address if newcomer else held.recipient
    return render_template(
        "desk/by_hand.html",
        held=held,
        newcomer=newcomer,
        account=account,
        block=block,
        address=composer(account, held.recipient, handle, held.body, held.subject),
    )


@pages.post("/by-hand/<int:message_id>")
@editor_only
def settle(message_id: int) -> ResponseReturnValue:
    """The editor has sent it, or lets it be."""
    outcome = request.form.get("outcome")
    if outcome not in ("sent", "dropped"):
        abort(400)
    ours, is_sent = ledger(), outcome == "sent"
    try:
        claimed = moment_given("when") if is_sent else None
        with ours.read() as connection:
            at = time_sent(connection, message_id, claimed, ours.clock())
    except DefinedbyError as error:
        flash(str(error), "wrong")
        return back("greetings.by_hand", message_id=message_id)
    with ours.write() as connection:
        held = held_draft(connection, ours.keys, message_id)
        block = ask_again(connection, ours.keys, message_id, ours.clock())
        done = settle_held(connection, message_id, at, editor_name(), sent=is_sent)
        newcomer = newcomer_of(connection, held.contributor_id) if held else None
        if done and held and newcomer and held.action is Action.GREET and outcome == "dropped":
            set_newcomer_state(connection, newcomer.id, NewcomerState.WAITING)
    if not done:
        why = block.sentence if block else "It was sent or dropped, or a rule put it away."
        flash(f"That message waits no more. {why}", "wrong")
    elif outcome == "sent" and block:
        flash(f"Kept as sent. Meanwhile a rule was in the way: {block.sentence}", "wrong")
    else:
        flash("Kept as sent." if outcome == "sent" else "Dropped.", "done")
    return back("greetings.overview")


def _store(
    newcomer: Newcomer, action: Action, *, personal: str, text: str
) -> tuple[Prepared | None, list[Objection]]:
    """Store one message to one person; nothing when the linter objects. Raises DefinedbyError."""
    ours, now = ledger(), ledger().clock()
    with ours.write() as connection:
        campaign = campaign_by_id(connection, newcomer.campaign_id)
        objections = objections_to(connection, ours.keys, campaign, newcomer, personal, text)
        account = account_by_id(connection, ours.keys, newcomer.account_id)
        if _verdict(connection, action, newcomer).by_hand is not None:
            objections += _too_long(account, newcomer, text)
        if objections:
            return None, objections
        _, handle = find_or_add_handle(
            connection,
            ours.keys,
            now,
            channel=newcomer.channel,
            address=newcomer.address,
            name=newcomer.name,
            url=newcomer.url,
            contact=newcomer.contact,
        )
        if newcomer.zone:
            set_zone(connection, handle.contributor_id, newcomer.zone)
        facts = facts_of_newcomer(
            connection, ours.keys, now, account, newcomer.campaign_id, newcomer
        )
        prepared = store_courtesy(
            connection,
            ours.keys,
            now,
            Courtesy(
                action,
                newcomer.campaign_id,
                account,
                handle.contributor_id,
                recipient=newcomer.contact or newcomer.address,
                subject=campaign.prompt,
                body=text,
                likeness=mark_of(ours.keys, personal, newcomer.name),
            ),
            facts,
            by=editor_name(),
            domain=urlsplit(ours.settings.public_url).hostname or "localhost",
        )
        set_newcomer_state(connection, newcomer.id, NewcomerState.GREETED, handle.contributor_id)
        return prepared, []


def _too_long(account: Account, newcomer: Newcomer, text: str) -> list[Objection]:
    """What to say when the platform's composer would open with more than fits into it."""
    recipient = newcomer.contact or newcomer.address
    over = too_many(account, recipient, newcomer.address, text)
    if not over:
        return []
    said = f"There is no room for it where it is sent: shorten it by {over} characters."
    return [Objection("length", "", said)]


def _draft_page(
    newcomer: Newcomer, action: Action, personal: str = "", text: str = "", **more: Any
) -> str:
    ours = ledger()
    with ours.read() as connection:
        campaign = campaign_by_id(connection, newcomer.campaign_id)
        account = account_by_id(connection, ours.keys, newcomer.account_id)
        manners = manners_of(connection, campaign.id)
        verdict = _verdict(connection, action, newcomer)
    template = manners.greeting if action is Action.GREET else manners.follow_up
    page: str = render_template(
        "desk/greeting.html",
        newcomer=newcomer,
        campaign=campaign,
        account=account,
        verdict=verdict,
        kind="greeting" if action is Action.GREET else "follow-up",
        personal=personal,
        knows_language=knows_language(campaign.lang),
        text=text
        or draft(campaign, newcomer.shown_name, personal, action=action, template=template),
        **more,
    )
    return page


def _verdict(connection: Connection, action: Action, newcomer: Newcomer) -> Verdict:
    ours = ledger()
    account: Account = account_by_id(connection, ours.keys, newcomer.account_id)
    facts = facts_of_newcomer(
        connection, ours.keys, ours.clock(), account, newcomer.campaign_id, newcomer
    )
    return verdict_for(connection, action, newcomer.campaign_id, facts, ours.clock())


def _is_over(verdict: Verdict) -> bool:
    """They are no newcomer any more: they stopped, answered or were greeted by another way."""
    over = ("stopped", "strangers_only", "one_greeting")
    return verdict.block is not None and verdict.block.rule in over


def _in_view(newcomer_id: int) -> Newcomer:
    with ledger().read() as connection:
        found = find_newcomer(connection, newcomer_id)
    if found is None:
        abort(404)
    return found


def _uploaded() -> str:
    """The list, from the file or from the field."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return str(file.read().decode("utf-8", "replace"))
    return request.form.get("text", "")


def _list_page(text: str, **more: Any) -> str:
    ours = ledger()
    campaign: Campaign | None
    with ours.read() as connection:
        campaign = current_campaign(connection)
        accounts = accounts_of(connection, ours.keys, campaign.id) if campaign else []
    if campaign is None:
        return str(render_template("desk/first_campaign.html"))
    page: str = render_template(
        "desk/newcomer_list.html",
        campaign=campaign,
        channels=sorted({account.channel for account in accounts if account.channel in FOLLOWED}),
        text=text,
        **more,
    )
    return page
