"""Joining two people that are one, and parting them again, from their conversation."""

from __future__ import annotations

from flask import Blueprint, abort, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select

from collector.joining_offers import JoiningOffer, joining_offers
from ledger import joins
from ledger.errors import DefinedbyError
from ledger.tables import handles
from ledger.threads import Thread, find_thread
from web.access import editor_only
from web.desk.common import back, editor_name, saying_why
from web.here import ledger

pages = Blueprint("joining", __name__, url_prefix="/desk/threads")
MOST_BECAUSE_CHARACTERS = 500


@pages.post("/<int:thread_id>/join")
@editor_only
def join(thread_id: int) -> ResponseReturnValue:
    """The person of this conversation and whoever has this address are one person."""
    ours, found = ledger(), _need(thread_id)
    because = request.form.get("because", "")[:MOST_BECAUSE_CHARACTERS]
    with saying_why(), ours.write() as connection:
        other = _whose(connection, request.form.get("address", "").strip(), found)
        joins.join(
            connection,
            ours.keys,
            ours.clock(),
            found.person[0],
            other,
            joined_by=editor_name(),
            because=because,
        )
        flash("They are one person from here on. You can take that back below.", "done")
    return back("threads.thread", thread_id=thread_id)


@pages.post("/<int:thread_id>/said")
@editor_only
def settle_said(thread_id: int) -> ResponseReturnValue:
    """They say themselves that they are somebody else too: believed, or not. Nothing else than
    what a message of theirs still says can be joined by this.
    """
    ours, found = ledger(), _need(thread_id)
    decision = request.form.get("decision")
    if decision not in ("join", "decline"):
        abort(400)
    with saying_why(), ours.write() as connection:
        offer = _offered(connection, found)
        because, about = offer.words[:MOST_BECAUSE_CHARACTERS], offer.reply.id
        pair, by = (found.person[0], offer.other.contributor_id), editor_name()
        if decision == "join":
            joins.join(
                connection,
                ours.keys,
                ours.clock(),
                *pair,
                joined_by=by,
                because=because,
                reply_id=about,
            )
            flash("They are one person from here on. You can take that back below.", "done")
        else:
            joins.decline(
                connection, ours.clock(), *pair, declined_by=by, because=because, reply_id=about
            )
            flash("They stay two people. That message asks no more.", "done")
    return back("threads.thread", thread_id=thread_id)


@pages.post("/<int:thread_id>/part")
@editor_only
def part(thread_id: int) -> ResponseReturnValue:
    """They are not one person after all. A stop that either has said stays."""
    ours, found = ledger(), _need(thread_id)
    wanted = request.form.get("join", "")
    with saying_why(), ours.write() as connection:
        known = {one.id for one in joins.joins_of(connection, found.person[0])}
        if not wanted.isdecimal() or int(wanted) not in known:
            raise DefinedbyError("They have been parted already.", "There is nothing to do.")
        joins.part(connection, int(wanted), ours.clock(), editor_name())
        flash("They are two people again, each as they were.", "done")
    return back("threads.thread", thread_id=thread_id)


def _whose(connection: Connection, address: str, found: Thread) -> str:
    """The other contributor with this address or handle, as it is written in the conversations."""
    if not address:
        raise DefinedbyError("Name the other one.", "Give their address or handle.")
    bare = address.lower()
    rows = connection.execute(
        select(handles.c.contributor_id)
        .where(handles.c.address.in_({address, bare, f"@{bare}", f"@{address}"}))
        .distinct()
    )
    others = [whose for whose in rows.scalars() if whose not in found.person]
    if len(others) != 1:
        raise DefinedbyError(
            f"{'Several people have' if others else 'Nobody else has'} the address {address}.",
            "Copy it from their own conversation.",
        )
    return str(others[0])


def _offered(connection: Connection, found: Thread) -> JoiningOffer:
    """The offer of the form, if it still stands: read again from the message, not from the form."""
    form = request.form
    for offer in joining_offers(connection, found):
        if (str(offer.reply.id), offer.other.contributor_id) == (
            form.get("reply"),
            form.get("other"),
        ):
            return offer
    raise DefinedbyError(
        "That has been decided already, or they are known otherwise now.", "Load the page again."
    )


def _need(thread_id: int) -> Thread:
    with ledger().read() as connection:
        found = find_thread(connection, thread_id)
    return found if found is not None else abort(404)
