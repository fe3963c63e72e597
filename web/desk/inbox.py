"""The inbox: replies of one campaign, newest first, and the one-press decisions on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, func, select

from collector.alike import Alike, Taken
from collector.reading.languages import language_of
from ledger.answers import answers_among
from ledger.campaigns import campaign_by_id
from ledger.definitions import take_definition, words_taken
from ledger.model import Campaign, Reply, ReplyKind, ReplyState
from ledger.replies import count_by_state, desk_replies, find_reply, set_state
from ledger.sources import held_sources
from ledger.tables import replies as reply_rows
from ledger.threads import threads_of_replies
from web.access import editor_only
from web.desk.answers_shown import DECISIONS
from web.desk.common import back, current_campaign, saying_why
from web.here import ledger

pages = Blueprint("inbox", __name__, url_prefix="/desk")
PAGE_SIZE = 50
MOST_AT_ONCE = 200


@pages.get("")
@editor_only
def replies() -> ResponseReturnValue:
    state = _one_of(ReplyState, request.args.get("state", "")) or ReplyState.NEW
    kind = _one_of(ReplyKind, request.args.get("kind", ""))
    before = request.args.get("before", type=int)
    with ledger().read() as connection:
        campaign = current_campaign(connection)
        if campaign is None:
            return render_template("desk/first_campaign.html")
        listed = desk_replies(
            connection, campaign.id, state, kind=kind, before_id=before, limit=PAGE_SIZE + 1
        )
        states = count_by_state(connection, campaign.id)
        answered = answers_among(connection, [reply.id for reply in listed])
        kinds = _count_by_kind(connection, campaign, state)
        held = held_sources(connection, [reply.id for reply in listed])
        alike = _alike(connection, campaign, listed[:PAGE_SIZE])
        in_threads = threads_of_replies(connection, [reply.id for reply in listed])
    return render_template(
        "desk/inbox.html",
        campaign=campaign,
        replies=listed[:PAGE_SIZE],
        answered=answered,
        decisions=DECISIONS,
        alike=alike,
        more=listed[PAGE_SIZE - 1].id if len(listed) > PAGE_SIZE else None,
        state=state,
        kind=kind,
        states=states,
        kinds=kinds,
        held=held,
        in_threads=in_threads,
    )


@pages.post("/replies")
@editor_only
def sort() -> ResponseReturnValue:
    """Shortlist, set aside or put back: one reply, or those that are ticked. Never asks anyone."""
    decision, _, single = request.form.get("do", "").partition(":")
    chosen = [single] if single else request.form.getlist("reply")
    if decision not in ("shortlist", "set_aside", "new") or len(chosen) > MOST_AT_ONCE:
        abort(400)
    if not chosen:
        flash("Tick at least one reply first.", "wrong")
    done = 0
    for reply_id in chosen:
        with saying_why():
            sort_one(int(reply_id) if reply_id.isdecimal() else 0, decision)
            done += 1
    if done:
        flash(f"{_SAID[decision]}: {done}", "done")
    return back("inbox.replies", state=_came_from("state"), kind=_came_from("kind"))


_SAID = {"shortlist": "Shortlisted", "set_aside": "Set aside", "new": "Back in the inbox"}


def sort_one(reply_id: int, decision: str) -> None:
    """Shortlist, set aside or put back one reply. Raises DefinedbyError when it has no words."""
    ours = ledger()
    with ours.write() as connection:
        reply = find_reply(connection, reply_id)
        if reply is None:
            abort(404)
        if decision == "shortlist":
            campaign = campaign_by_id(connection, reply.campaign_id)
            lang = language_of(reply.text, campaign.lang, campaign.prompt)
            take_definition(connection, ours.keys, ours.clock(), reply, lang)
        else:
            set_state(connection, reply.id, ReplyState(decision))


def _alike(connection: Connection, campaign: Campaign, listed: Sequence[Reply]) -> dict[int, Alike]:
    """Which of these replies say what somebody else's definition says, or nearly."""
    answers = [reply for reply in listed if reply.reading.kind is ReplyKind.DEFINITION]
    if not answers:
        return {}
    taken = Taken(words_taken(connection, campaign.id), campaign.prompt_parts[0])
    found = {
        reply.id: taken.alike(
            reply.reading.words(reply.text), (reply.handle.address, reply.handle.contributor_id)
        )
        for reply in answers
    }
    return {reply_id: one for reply_id, one in found.items() if one is not None}


def _count_by_kind(connection: Connection, campaign: Campaign, state: ReplyState) -> dict[str, int]:
    rows = connection.execute(
        select(reply_rows.c.kind, func.count())
        .where(reply_rows.c.campaign_id == campaign.id, reply_rows.c.state == state)
        .group_by(reply_rows.c.kind)
    )
    counts: dict[str, int] = {}
    for kind, count in rows:
        name = kind or ReplyKind.OTHER
        counts[name] = counts.get(name, 0) + count
    return counts


def _came_from(name: str) -> str | None:
    """The filter that was in view; a form carries it along."""
    return request.form.get(name) or None


def _one_of(kinds: Any, value: str) -> Any:
    return kinds(value) if value in list(kinds) else None
