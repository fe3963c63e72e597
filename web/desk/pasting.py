"""Paste in what was said in a place that we cannot read."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue

from ledger.accounts import ensure_account
from ledger.errors import DefinedbyError
from ledger.model import Campaign, Channel
from ledger.replies import store_replies
from ledger.suppressed import refuse_erased
from web.access import editor_only
from web.desk.common import back, current_campaign
from web.here import ledger

pages = Blueprint("pasting", __name__, url_prefix="/desk/paste")
FIELDS = ("text", "name", "handle", "source", "source_url", "written_on", "token")


@pages.get("")
@editor_only
def form() -> ResponseReturnValue:
    with ledger().read() as connection:
        campaign = current_campaign(connection)
    if campaign is None:
        return render_template("desk/first_campaign.html")
    return _page(campaign, {"token": secrets.token_urlsafe(24)})


@pages.post("")
@editor_only
def keep() -> ResponseReturnValue:
    """Store it as a reply; from here on it is read, shortlisted and asked for like any other."""
    from collector.channels.paste import paste_reply

    ours = ledger()
    typed = {name: request.form.get(name, "").strip() for name in FIELDS}
    with ours.read() as connection:
        campaign = current_campaign(connection)
    if campaign is None:
        return back("campaigns.overview")
    try:
        reply = paste_reply(
            typed["text"],
            token=ours.keys.token_hash(typed["token"])[:40],
            name=typed["name"],
            handle=typed["handle"],
            source=typed["source"],
            source_url=typed["source_url"],
            written_at=_day(typed["written_on"]),
        )
    except DefinedbyError as error:
        return _page(campaign, typed, error), 400
    try:
        with ours.write() as connection:
            refuse_erased(connection, ours.keys, reply)
            account = ensure_account(
                connection, ours.keys, Channel.PASTE, campaign.slug, campaign.id
            )
            store_replies(connection, account, [reply], ours.clock())
    except DefinedbyError as error:
        return _page(campaign, typed, error), 400
    flash("Kept. It takes the same path as every reply from here on.", "done")
    return back("inbox.replies")


def _day(typed: str) -> datetime | None:
    if not typed:
        return None
    try:
        return datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise DefinedbyError("The day can't be read.", "Write it as 2026-01-31.") from error


def _page(campaign: Campaign, typed: dict[str, str], wrong: DefinedbyError | None = None) -> str:
    return render_template("desk/paste.html", campaign=campaign, typed=typed, wrong=wrong)
