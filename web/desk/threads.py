"""Threads: the list that shows whose turn it is, one whole conversation, and writing in it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from collector.joining_offers import joining_offers
from consent.talking import (
    MOST_CHARACTERS,
    facts_in,
    last_words,
    may_answer,
    say,
    state_of_thread,
    ways_in,
)
from consent.ways import WayName
from ledger.campaigns import campaign_by_id
from ledger.contributors import has_stopped_contact
from ledger.conversation import Entry, conversation, handles_in
from ledger.errors import DefinedbyError
from ledger.etiquette import Block
from ledger.facts import manners_of
from ledger.held_back import block_of
from ledger.joins import joins_of
from ledger.model import Channel
from ledger.piece_text import piece_of
from ledger.pieces import pieces_of
from ledger.stages import Stage, next_steps, stage_of
from ledger.thread_list import (
    Turn,
    count_turns,
    first_waiting,
    list_threads,
    neighbours,
    turn_of,
)
from ledger.threads import Thread, find_thread, set_done, set_undone
from web.access import editor_only
from web.desk.answers_shown import DECISIONS, answers_in
from web.desk.common import back, current_campaign, editor_name, page_number, saying_why
from web.desk.inbox import sort_one
from web.desk.ways import shown
from web.here import ledger

pages = Blueprint("threads", __name__, url_prefix="/desk/threads")
PAGE_SIZE = 50


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    turn, page = _turn() or Turn.US, page_number()
    with ledger().read() as connection:
        campaign = current_campaign(connection)
        if campaign is None:
            return render_template("desk/first_campaign.html")
        listed = list_threads(
            connection, campaign.id, turn, limit=PAGE_SIZE + 1, offset=(page - 1) * PAGE_SIZE
        )
        turns = count_turns(connection, campaign.id)
        first = first_waiting(connection, campaign.id)
    return render_template(
        "desk/threads.html",
        campaign=campaign,
        listed=listed[:PAGE_SIZE],
        more=len(listed) > PAGE_SIZE,
        page=page,
        turn=turn,
        turns=turns,
        first=first,
    )


@pages.get("/<int:thread_id>")
@editor_only
def thread(thread_id: int) -> ResponseReturnValue:
    return thread_page(thread_id)


@pages.post("/<int:thread_id>")
@editor_only
def write(thread_id: int) -> ResponseReturnValue:
    """One message to this one person; this click has approved it."""
    _need(thread_id)
    form = request.form
    words = form.get("words", "")
    if form.get("way") not in {WayName.MAIL, WayName.PRIVATE, WayName.PUBLIC}:
        abort(400)
    try:
        say(
            ledger(),
            thread_id,
            words,
            by=editor_name(),
            seen=form.get("seen", ""),
            way=WayName(form["way"]),
        )
    except DefinedbyError as error:
        typed = words[:MOST_CHARACTERS]
        return thread_page(thread_id, wrong=error, words=typed, way_chosen=form["way"]), 400
    flash("It is waiting to leave; nothing else is to be done.", "done")
    return _onwards(thread_id)


@pages.post("/<int:thread_id>/done")
@editor_only
def done(thread_id: int) -> ResponseReturnValue:
    """What they wrote needs no answer; or it does after all."""
    ours, found = ledger(), _need(thread_id)
    with ours.write() as connection:
        if request.form.get("done") == "no":
            set_undone(connection, found)
        else:
            set_done(connection, found, ours.clock())
    return _onwards(thread_id)


@pages.post("/<int:thread_id>/replies")
@editor_only
def sort(thread_id: int) -> ResponseReturnValue:
    """Shortlist one of the replies, or set it aside."""
    decision, _, reply_id = request.form.get("do", "").partition(":")
    if decision not in ("shortlist", "set_aside", "new") or not reply_id.isdecimal():
        abort(400)
    with saying_why():
        sort_one(int(reply_id), decision)
        flash({"shortlist": "Shortlisted."}.get(decision, "Sorted."), "done")
    return back("threads.thread", thread_id=thread_id, turn=_turn())


def thread_page(thread_id: int, **more: Any) -> str:
    """The page of one conversation; `more` holds what was typed, and what is wrong with it."""
    ours, found = ledger(), _need(thread_id)
    with ours.read() as connection:
        turn = _turn() or turn_of(connection, found.campaign_id, found.id)
        before, after = neighbours(connection, found.campaign_id, turn, found.id)
        entries = conversation(connection, ours.keys, found)
        answered = answers_in(ours, connection, [one.reply for one in entries if one.reply])
        values = {
            "campaign": campaign_by_id(connection, found.campaign_id),
            "thread": found,
            "entries": entries,
            "answered": answered,
            "blocks": _blocks(connection, found, entries),
            "answered_last": max(answered, default=None),
            "decisions": DECISIONS,
            "handles": handles_in(connection, found),
            "joins": joins_of(connection, found.person[0]),
            "offered": joining_offers(connection, found),
            "stopped": has_stopped_contact(connection, found.person[0]),
            "ways": _ways(connection, found),
            "seen": state_of_thread(connection, found),
            "stands": turn_of(connection, found.campaign_id, found.id),
            "turn": turn,
            "person": _person(connection, found),
            "pieces": pieces_of(connection, found.rows),
            "title_of": lambda piece: piece_of(piece.text).title,
            "before": before,
            "after": after,
        }
    return render_template("desk/thread.html", **{**values, **more})


def _person(connection: Connection, found: Thread) -> dict[str, Any]:
    """How far we have come with each other, and what comes next, by the rules of the channel
    that they used last.
    """
    ours = ledger()
    reply = last_words(connection, found)
    handles = handles_in(connection, found)
    channel = reply.channel if reply else handles[0].channel if handles else Channel.EMAIL
    facts = facts_in(ours, connection, found, channel)
    rules = manners_of(connection, found.campaign_id).rules(channel)
    return {
        "stage": stage_of(facts),
        "steps": next_steps(facts, rules, ours.clock()),
        "all_stages": tuple(Stage),
        "answering": may_answer(ours, connection, found, reply).block if reply else None,
    }


def _blocks(connection: Connection, found: Thread, entries: list[Entry]) -> dict[int, Block]:
    """The rules that hold back messages of ours, each with its source."""
    blocks = {}
    for said in (entry.said for entry in entries if entry.said):
        block = block_of(
            connection, found.campaign_id, said.channel, said.rule, said.error, said.not_before
        )
        if block is not None:
            blocks[said.id] = block
    return blocks


def _ways(connection: Connection, found: Thread) -> list[Any]:
    ways = shown(ways_in(ledger(), connection, found))
    return [way for way in ways if way.name is not WayName.HAND]


def _need(thread_id: int) -> Thread:
    with ledger().read() as connection:
        found = find_thread(connection, thread_id)
    return found if found is not None else abort(404)


def _turn() -> Turn | None:
    given = request.values.get("turn", "")
    return Turn(given) if given in list(Turn) else None


def _onwards(thread_id: int) -> ResponseReturnValue:
    """To the next one that waits for us, for whoever is working through them; else back."""
    turn = _turn()
    if turn is Turn.US:
        found = _need(thread_id)
        with ledger().read() as connection:
            _, after = neighbours(connection, found.campaign_id, turn, found.id)
            waiting = after or first_waiting(connection, found.campaign_id)
        if waiting is not None and waiting != found.id:
            return back("threads.thread", thread_id=waiting, turn=turn)
        if waiting is None:
            return back("threads.overview")
    return back("threads.thread", thread_id=thread_id, turn=turn)
