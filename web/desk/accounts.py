"""The accounts we read and send with: when each was read, what went wrong, how to mend it."""

from __future__ import annotations

from flask import Blueprint, abort, flash, render_template
from flask.typing import ResponseReturnValue

from collector.channels import POLLED
from ledger.accounts import all_accounts
from ledger.campaigns import all_campaigns
from ledger.replies import recently_skipped
from web.access import editor_only
from web.desk.common import back, saying_why
from web.here import ledger

pages = Blueprint("accounts", __name__, url_prefix="/desk/accounts")


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    ours = ledger()
    with ours.read() as connection:
        known = all_accounts(connection, ours.keys)
        skipped = {account.id: recently_skipped(connection, account.id) for account in known}
        names = {campaign.id: campaign for campaign in all_campaigns(connection)}
    return render_template(
        "desk/accounts.html",
        accounts=known,
        skipped=skipped,
        campaign_of=names,
        polled=POLLED,
    )


@pages.post("/<int:account_id>/test")
@editor_only
def test(account_id: int) -> ResponseReturnValue:
    """Try the account now and say what answered; no transaction is open meanwhile."""
    from collector.accounts import try_account
    from collector.context import context_of

    ours = ledger()
    with ours.read() as connection:
        known = {account.id: account for account in all_accounts(connection, ours.keys)}
    if account_id not in known:
        abort(404)
    account = known[account_id]
    with saying_why():
        flash(try_account(account, context_of(ours, account).keep_secret), "done")
    return back("accounts.overview")
