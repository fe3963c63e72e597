"""Editions: write one, choose what it holds, publish it, take it away."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ledger.campaigns import campaign_by_id, set_edition_every
from ledger.definitions import definitions_in
from ledger.editions import (
    Edition,
    EditionKind,
    add_edition,
    called,
    editions_in,
    find_edition,
    save_edition,
)
from ledger.errors import DefinedbyError
from ledger.jobs import JobKind, add_job
from ledger.model import Campaign, Use
from ledger.periods import Every, Period, year
from ledger.posts import find_post
from web.access import editor_only
from web.desk.common import back, current_campaign, saying_why
from web.desk.standing import Standing, standing
from web.here import ledger

pages = Blueprint("editions", __name__, url_prefix="/desk/editions")
SCHEDULES = {
    Every.NEVER: "only when you make one",
    Every.WEEK: "at the end of each week",
    Every.MONTH: "at the end of each month",
    Every.QUARTER: "at the end of each quarter",
}
#: Years that the best may be of.
EARLIEST, LATEST = 1970, 9998


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    with ledger().read() as connection:
        campaign = current_campaign(connection)
        if campaign is None:
            return render_template("desk/first_campaign.html")
        known = editions_in(connection, campaign.id)
    return render_template(
        "desk/editions.html",
        campaign=campaign,
        editions=[(one, one.title or _called(campaign, one, one.kind)) for one in known],
        schedules=SCHEDULES,
    )


@pages.route("/new", methods=["GET", "POST"])
@editor_only
def new() -> ResponseReturnValue:
    ours = ledger()
    with ours.read() as connection:
        campaign = current_campaign(connection)
    if campaign is None:
        return back("campaigns.overview")
    if request.method != "POST":
        return _form(campaign, None)
    try:
        with ours.write() as connection:
            made = add_edition(
                connection,
                ours.clock(),
                campaign_id=campaign.id,
                kind=_kind(),
                period=_year(),
                **_typed(),
            )
    except DefinedbyError as error:
        return _form(campaign, None, error), 400
    flash("Kept. It is not public yet.", "done")
    return back("editions.edition", edition_id=made.id)


@pages.post("/schedule")
@editor_only
def schedule() -> ResponseReturnValue:
    """How often an edition of the campaign is drafted."""
    from publisher.publish import SITE

    ours = ledger()
    try:
        every = Every(request.form.get("every", ""))
    except ValueError:
        abort(400)
    with ours.write() as connection:
        campaign = current_campaign(connection)
        if campaign is None:
            abort(404)
        set_edition_every(connection, campaign.id, every)
        add_job(connection, JobKind.PUBLISH, SITE, ours.clock())
    drafted = f"drafted at the end of each {every}" if every else "drafted only by you"
    flash(f"Editions are {drafted}.", "done")
    return back("editions.overview")


@pages.get("/<edition_id>")
@editor_only
def edition(edition_id: str) -> ResponseReturnValue:
    found, campaign = _edition(edition_id)
    return _form(campaign, found)


@pages.post("/<edition_id>")
@editor_only
def save(edition_id: str) -> ResponseReturnValue:
    """Keep the changes; with the other buttons also publish it or take it away."""
    found, _ = _edition(edition_id)
    decision = request.form.get("decision", "save")
    if decision == "retract":
        return _retract(found)
    typed = _typed()
    with ledger().write() as connection:
        save_edition(connection, edition_id, **typed)
    if decision == "publish" or found.published_at is not None:
        return _publish(found)
    flash("Kept. It is not public yet.", "done")
    return back("editions.edition", edition_id=edition_id)


def _publish(found: Edition) -> ResponseReturnValue:
    from publisher.editions import publish_edition

    with saying_why():
        publish_edition(ledger(), found.id)
        flash("The edition is public.", "done")
    return back("editions.edition", edition_id=found.id)


def _retract(found: Edition) -> ResponseReturnValue:
    from publisher.editions import retract_edition

    with saying_why():
        retract_edition(ledger(), found.id)
        flash("The edition is taken away; its address says so.", "done")
    return back("editions.edition", edition_id=found.id)


def _edition(edition_id: str) -> tuple[Edition, Campaign]:
    with ledger().read() as connection:
        found = find_edition(connection, edition_id)
        if found is None:
            abort(404)
        return found, campaign_by_id(connection, found.campaign_id)


def _form(campaign: Campaign, found: Edition | None, wrong: DefinedbyError | None = None) -> str:
    ours = ledger()
    with ours.read() as connection:
        granted = _granted(connection, campaign)
        post = find_post(connection, found.id) if found else None
    typed: Any = _typed() if request.method == "POST" else found
    kind = found.kind if found else _kind()
    return render_template(
        "desk/edition.html",
        campaign=campaign,
        edition=found,
        typed=typed,
        chosen=list(typed["definition_ids"] if isinstance(typed, dict) else typed.definition_ids)
        if typed
        else [],
        granted=granted,
        address=post.address if post else "",
        is_best=kind is EditionKind.BEST,
        by_rule=_called(campaign, found, kind),
        this_year=ours.clock().year,
        wrong=wrong,
    )


def _called(campaign: Campaign, found: Edition | None, kind: EditionKind) -> str:
    """What it is called without a title of its own, as far as the desk can tell."""
    if found is None:
        return called("", campaign, 0, kind=kind)
    count = len(found.definition_ids)
    return called("", campaign, count, kind=kind, theme=found.theme, period=found.period)


def _kind() -> EditionKind:
    given = request.form.get("kind") or request.args.get("kind")
    return EditionKind.BEST if given == EditionKind.BEST else EditionKind.EDITION


def _year() -> Period | None:
    """The year that the best are of; raises DefinedbyError for none that a calendar has."""
    if _kind() is not EditionKind.BEST:
        return None
    number = request.form.get("year", default=0, type=int)
    if not EARLIEST <= number <= LATEST:
        raise DefinedbyError("That is no year.", "Write it in four digits, such as 2026.")
    return year(number)


def _granted(connection: Connection, campaign: Campaign) -> list[Standing]:
    """What its author allows in an edition."""
    keys = ledger().keys
    known = [standing(connection, keys, d) for d in definitions_in(connection, campaign.id)]
    return [s for s in known if s.state.grant is not None and Use.EDITION in s.state.grant.uses]


def _typed() -> dict[str, Any]:
    """The form's fields; the definitions by the numbers beside them, then as listed."""
    form = request.form
    ticked = form.getlist("definition")
    numbers = {one: form.get(f"order-{one}", type=int) for one in ticked}
    ordered = sorted(ticked, key=lambda one: (numbers[one] is None, numbers[one] or 0))
    return {
        "title": form.get("title", ""),
        "introduction": form.get("introduction", "").replace("\r\n", "\n"),
        "definition_ids": tuple(dict.fromkeys(ordered)),
        "theme": form.get("theme", ""),
        "winner_id": form.get("winner", "")[:32],
        "method": form.get("method", "").replace("\r\n", "\n"),
    }
