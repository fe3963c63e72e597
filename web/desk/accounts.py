"""The accounts we read and send with: how each fares, what it did not collect, and its rests."""

from __future__ import annotations

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from collector.account_asking import ASKING
from collector.channels import POLLED
from collector.status import AccountStatus, status
from ledger.accounts import remove_account, rename_account, set_reading
from ledger.campaigns import all_campaigns
from ledger.model import Account, Channel, ReadingState
from web.access import editor_only, owner_only
from web.desk.common import back, saying_why
from web.here import ledger

pages = Blueprint("accounts", __name__, url_prefix="/desk/accounts")


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    ours = ledger()
    known = status(ours)
    with ours.read() as connection:
        names = {campaign.id: campaign.term for campaign in all_campaigns(connection)}
    return render_template(
        "desk/accounts.html",
        read=[one for one in known if one.account.channel in POLLED],
        brought=[one for one in known if one.account.channel not in POLLED],
        term_of=names,
    )


@pages.get("/<int:account_id>")
@editor_only
def account(account_id: int) -> ResponseReturnValue:
    """One account with all that is known of it."""
    ours = ledger()
    found = _found(account_id)
    with ours.read() as connection:
        names = {campaign.id: campaign.term for campaign in all_campaigns(connection)}
    return render_template(
        "desk/account.html",
        one=found,
        term=names.get(found.account.campaign_id, ""),
        is_polled=found.account.channel in POLLED,
        has_login=found.account.channel in ASKING,
    )


@pages.post("/<int:account_id>/test")
@editor_only
def test(account_id: int) -> ResponseReturnValue:
    """Try the account now and say what answered; no transaction is open meanwhile."""
    from collector.accounts import try_account
    from collector.context import context_of

    known = _found(account_id).account
    with saying_why():
        flash(try_account(known, context_of(ledger(), known)), "done")
    return back("accounts.account", account_id=account_id)


@pages.post("/<int:account_id>/reading")
@editor_only
def reading(account_id: int) -> ResponseReturnValue:
    """Pause reading, or go on where it stopped."""
    known = _polled(account_id)
    decision = request.form.get("decision")
    if decision not in ("pause", "resume") or known.reading is ReadingState.REMOVED:
        abort(400)
    ours = ledger()
    with ours.write() as connection:
        state = ReadingState.PAUSED if decision == "pause" else ReadingState.ON
        set_reading(connection, account_id, state)
    flash(
        "It is not read until you resume it. Nothing is lost meanwhile."
        if decision == "pause"
        else "It is read again, from where it stopped.",
        "done",
    )
    return back("accounts.account", account_id=account_id)


@pages.post("/<int:account_id>/name")
@owner_only
def rename(account_id: int) -> ResponseReturnValue:
    _polled(account_id)
    ours = ledger()
    with saying_why(), ours.write() as connection:
        rename_account(connection, ours.keys, account_id, request.form.get("name", ""))
        flash("It has its new name.", "done")
    return back("accounts.account", account_id=account_id)


@pages.post("/<int:account_id>/remove")
@owner_only
def remove(account_id: int) -> ResponseReturnValue:
    """Forget the login and read no more; replies, permissions and the place reached stay."""
    _polled(account_id)
    with saying_why(), ledger().write() as connection:
        remove_account(connection, account_id)
        flash("Its login is forgotten and it is read no more. Its replies stay.", "done")
    return back("accounts.account", account_id=account_id)


def found_account(account_id: int) -> Account:
    """The account of this page, when it has a login; 404 otherwise."""
    return _polled(account_id)


def _found(account_id: int) -> AccountStatus:
    for one in status(ledger()):
        if one.account.id == account_id:
            return one
    return abort(404)


def _polled(account_id: int) -> Account:
    known = _found(account_id).account
    if Channel(known.channel) not in POLLED:
        abort(404)
    return known
