"""Add an account or give it another login: what is asked, a live test, the platform's answer.

Only the owner: whoever holds a login can read what is private there and write in its name.
"""

from __future__ import annotations

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from collector.account_asking import (
    ASKING,
    account_of,
    asks_of,
    completed,
    name_for,
    shown_answers,
)
from ledger.campaigns import all_campaigns
from ledger.errors import DefinedbyError, SettingError
from ledger.model import Account, Campaign, Channel
from web.access import owner_only
from web.desk.accounts import found_account
from web.desk.common import back, current_campaign
from web.here import ledger

pages = Blueprint("adding", __name__, url_prefix="/desk/accounts")


@pages.get("/new")
@owner_only
def channels() -> ResponseReturnValue:
    """Where people may answer, and what each place needs."""
    public = ledger().settings.public_url
    return render_template(
        "desk/account_channels.html",
        channels=list(ASKING),
        endpoint=public + url_for("webmentions.take"),
    )


@pages.get("/new/<channel>")
@owner_only
def form(channel: str) -> ResponseReturnValue:
    return _page(_channel(channel), {ask.name: ask.default for ask in asks_of(_channel(channel))})


@pages.post("/new/<channel>")
@owner_only
def add(channel: str) -> ResponseReturnValue:
    """Keep the account if it answers; else say what it answered and keep what was typed."""
    from collector.accounts import keep_account

    ours, wanted = ledger(), _channel(channel)
    typed = _typed(wanted)
    try:
        campaign = _campaign()
        options, secret = account_of(wanted, typed, ours.settings)
        name = typed["account_name"] or name_for(wanted, options)
        kept, answer = keep_account(ours, campaign, wanted, name, options, secret)
    except DefinedbyError as error:
        return _page(wanted, typed, wrong=error), 400
    flash(f"{answer} From now on it is read.", "done")
    return back("accounts.account", account_id=kept.id)


@pages.get("/<int:account_id>/login")
@owner_only
def login(account_id: int) -> ResponseReturnValue:
    known = found_account(account_id)
    return _page(known.channel, shown_answers(known), known)


@pages.post("/<int:account_id>/login")
@owner_only
def change(account_id: int) -> ResponseReturnValue:
    """Another login or other options, once they have answered; the place reached stays."""
    from collector.accounts import keep_account

    ours, known = ledger(), found_account(account_id)
    typed = _typed(known.channel)
    with ours.read() as connection:
        served = {campaign.id: campaign for campaign in all_campaigns(connection)}
    try:
        given = completed(known, typed)
        options, secret = account_of(known.channel, given, ours.settings)
        _, answer = keep_account(
            ours,
            served[known.campaign_id],
            known.channel,
            known.name,
            options,
            secret,
            replace=True,
        )
    except DefinedbyError as error:
        return _page(known.channel, typed, known, error), 400
    flash(f"{answer} It is read again at once.", "done")
    return back("accounts.account", account_id=account_id)


def _channel(name: str) -> Channel:
    if name not in list(ASKING):
        abort(404)
    return Channel(name)


def _typed(channel: Channel) -> dict[str, str]:
    names = [*(ask.name for ask in asks_of(channel)), "account_name", "campaign"]
    return {name: request.form.get(name, "") for name in names}


def _campaign() -> Campaign:
    with ledger().read() as connection:
        found = current_campaign(connection)
        wanted = request.form.get("campaign", "")
        named = next((one for one in all_campaigns(connection) if one.slug == wanted), found)
    if named is None:
        raise SettingError(
            "There is no campaign yet that the answers could belong to.",
            "Begin one first, under Campaigns.",
        )
    return named


def _page(
    channel: Channel,
    typed: dict[str, str],
    known: Account | None = None,
    wrong: DefinedbyError | None = None,
) -> str:
    """The form. What is secret is never sent back, whatever was typed or stored."""
    asks = asks_of(channel)
    shown = {
        name: value
        for name, value in typed.items()
        if not any(ask.secret and ask.name == name for ask in asks)
    }
    more = [ask for ask in asks if ask.rarely]
    return render_template(
        "desk/account_form.html",
        channel=channel,
        account=known,
        usual=[ask for ask in asks if not ask.rarely],
        more=more,
        more_is_open=any(shown.get(ask.name, "") not in ("", ask.default) for ask in more),
        typed=shown,
        wrong=wrong,
    )
