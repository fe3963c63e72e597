"""Campaigns: begin one, open and close it."""

from __future__ import annotations

from flask import Blueprint, abort, flash, render_template, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign, all_campaigns, find_campaign, set_open
from ledger.errors import DefinedbyError
from ledger.jobs import JobKind, add_job
from ledger.model import Channel
from ledger.replies import count_by_state
from web.access import editor_only, owner_only
from web.desk.common import CAMPAIGN, back
from web.here import ledger

pages = Blueprint("campaigns", __name__, url_prefix="/desk/campaigns")
FIELDS = ("prompt", "term", "slug", "lang")


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    return _page()


@pages.post("")
@owner_only
def add() -> ResponseReturnValue:
    """Begin a campaign, with its form on the blog."""
    ours = ledger()
    typed = {name: request.form.get(name, "").strip() for name in FIELDS}
    try:
        with ours.write() as connection:
            made = add_campaign(
                connection, ours.clock(), **{**typed, "lang": typed["lang"] or "en"}
            )
            ensure_account(connection, ours.keys, Channel.FORM, made.slug, made.id)
            _rebuild(connection)
    except DefinedbyError as error:
        return _page(typed, error), 400
    session[CAMPAIGN] = made.slug
    flash("The campaign is open. Its question will be on the blog in a moment.", "done")
    return back("campaigns.overview")


@pages.post("/<slug>")
@owner_only
def change(slug: str) -> ResponseReturnValue:
    """Open it for answers or close it; what has been published stays."""
    decision = request.form.get("decision")
    if decision not in ("open", "close"):
        abort(400)
    ours = ledger()
    with ours.write() as connection:
        found = find_campaign(connection, slug)
        if found is None:
            abort(404)
        set_open(connection, found.id, is_open=decision == "open")
        _rebuild(connection)
    flash(f"“{found.term}” is {'open' if decision == 'open' else 'closed'} now.", "done")
    return back("campaigns.overview")


def _rebuild(connection: Connection) -> None:
    from publisher.publish import SITE

    add_job(connection, JobKind.PUBLISH, SITE, ledger().clock())


def _page(typed: dict[str, str] | None = None, wrong: DefinedbyError | None = None) -> str:
    with ledger().read() as connection:
        known = all_campaigns(connection)
        counts = {campaign.id: count_by_state(connection, campaign.id) for campaign in known}
    return render_template(
        "desk/campaigns.html", known=known, counts=counts, typed=typed or {}, wrong=wrong
    )
