"""Make an interview or an endorsement out of a conversation: pick, order, introduce, look at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from consent.personal import credits_of_others
from consent.piecing import change_piece, drop_piece, make_piece
from ledger.campaigns import campaign_by_id
from ledger.conversation import conversation
from ledger.errors import DefinedbyError
from ledger.model import Campaign, Definition, PostKind, Reply
from ledger.piece_text import PIECES
from ledger.pieces import (
    MOST_CHARACTERS,
    MOST_TITLE_CHARACTERS,
    Wanted,
    Wish,
    need_piece,
    pieces_in,
    replies_quoted,
    shares_of,
    turns_quoted,
    was_asked,
)
from ledger.replies import find_reply
from ledger.thread_list import Turn, list_threads
from ledger.threads import Thread, find_thread, threads_of_replies
from web.access import editor_only
from web.desk.common import back, current_campaign, editor_name
from web.desk.standing import standing
from web.here import ledger

pages = Blueprint("pieces", __name__, url_prefix="/desk/pieces")
#: Empty questions that the form offers.
SPARE = 3
MOST_ROWS = 400
MOST_DIGITS = 16


@dataclass(frozen=True)
class Row:
    """One message or question that the form offers.

    `key`: "r" and a reply's number, "o" and the number of whoever has put it in these words
    themselves, or "q" for a question; those of "qn" are new ones.
    """

    key: str
    words: str
    reply: Reply | None = None
    own: int = 0
    said_by: str = ""
    order: str = ""
    picked: bool = False


@dataclass
class Form:
    """A piece as it is typed. `also`: other conversations whose messages are offered."""

    kind: PostKind
    thread_id: int
    title: str = ""
    introduction: str = ""
    rows: list[Row] = field(default_factory=list)
    also: tuple[int, ...] = ()


@pages.get("")
@editor_only
def overview() -> ResponseReturnValue:
    ours = ledger()
    with ours.read() as connection:
        campaign = current_campaign(connection)
        if campaign is None:
            return render_template("desk/first_campaign.html")
        listed = [
            [standing(connection, ours.keys, one) for one in shares_of(connection, piece.id)]
            for piece in pieces_in(connection, campaign.id)
        ]
    return render_template("desk/pieces.html", campaign=campaign, listed=listed)


@pages.get("/new/<int:thread_id>/<kind>")
@editor_only
def new(thread_id: int, kind: str) -> ResponseReturnValue:
    """The messages of a conversation, none picked yet."""
    form = Form(_kind(kind), thread_id)
    with ledger().read() as connection:
        campaign = _campaign_of(connection, _thread(connection, thread_id))
        form.rows = _offered(connection, form, [])
    return _form_page(form, campaign)


@pages.post("/new/<int:thread_id>/<kind>")
@editor_only
def make(thread_id: int, kind: str) -> ResponseReturnValue:
    """Keep it, or offer the messages of one more conversation."""
    with ledger().read() as connection:
        campaign = _campaign_of(connection, _thread(connection, thread_id))
        form = _typed(connection, _kind(kind), thread_id)
    if request.form.get("do") != "keep":
        return _form_page(form, campaign)
    try:
        made = make_piece(ledger(), campaign.id, campaign.lang, _wish(form))
    except DefinedbyError as error:
        return _form_page(form, campaign, wrong=error), 400
    flash("Kept. Nobody has been asked yet.", "done")
    return back("definitions.definition", definition_id=made[0].id)


@pages.get("/<definition_id>/change")
@editor_only
def change(definition_id: str) -> ResponseReturnValue:
    with ledger().read() as connection:
        piece, campaign = _piece(connection, definition_id)
        form = _as_kept(connection, piece)
    return _form_page(form, campaign, piece=piece)


@pages.post("/<definition_id>/change")
@editor_only
def keep(definition_id: str) -> ResponseReturnValue:
    """Keep it as it is typed: another text needs the yes of everybody in it anew."""
    with ledger().read() as connection:
        piece, campaign = _piece(connection, definition_id)
        form = _typed(connection, piece.kind, _thread_id(connection, piece))
    if request.form.get("do") != "keep":
        return _form_page(form, campaign, piece=piece)
    try:
        kept = change_piece(ledger(), piece.id, _wish(form), editor_name())
    except DefinedbyError as error:
        return _form_page(form, campaign, piece=piece, wrong=error), 400
    flash("Kept. It is published once everybody in it allows exactly this.", "done")
    return back("definitions.definition", definition_id=kept[0].id)


@pages.post("/<definition_id>/drop")
@editor_only
def drop(definition_id: str) -> ResponseReturnValue:
    """Forget a piece that nobody was asked about."""
    with ledger().read() as connection:
        _piece(connection, definition_id)
    try:
        drop_piece(ledger(), definition_id)
        flash("It is gone. The conversation stays as it was.", "done")
    except DefinedbyError as error:
        flash(str(error), "wrong")
        return back("definitions.definition", definition_id=definition_id)
    return back("pieces.overview")


def piece_view(connection: Connection, definition: Definition) -> dict[str, Any]:
    """What the page of a definition shows of a piece: everybody in it, and how it will look."""
    from consent.credit import suggested_credit
    from publisher.pieces import preview_piece

    ours = ledger()
    shares = [
        standing(connection, ours.keys, one) for one in shares_of(connection, definition.piece_id)
    ]
    own = next(one for one in shares if one.definition.id == definition.id)
    credit = next(
        (one.credit for one in (own.state.grant, own.state.request) if one is not None),
        suggested_credit(own.author),
    )
    credits_ = {
        **credits_of_others(ours, connection, definition),
        definition.part: credit,
    }
    campaign = campaign_by_id(connection, definition.campaign_id)
    return {
        "shares": shares,
        "preview": preview_piece(campaign, definition.text, definition.lang, credits_),
        "was_asked": was_asked(connection, definition.piece_id),
    }


def _form_page(form: Form, campaign: Campaign, **more: Any) -> str:
    with ledger().read() as connection:
        others = [
            one
            for turn in (Turn.US, Turn.THEM, Turn.DONE)
            for one in list_threads(connection, campaign.id, turn, limit=100)
            if one.id not in {form.thread_id, *form.also}
        ]
    values = {
        "form": form,
        "campaign": campaign,
        "others": others,
        "piece": None,
        "most_title": MOST_TITLE_CHARACTERS,
        "most": MOST_CHARACTERS,
    }
    return render_template("desk/piece.html", **{**values, **more})


def _typed(connection: Connection, kind: PostKind, thread_id: int) -> Form:
    """The form as it came: what was picked first, in its order, then all else that is offered."""
    typed = request.form
    also = [named for named in map(_id, typed.getlist("also")) if named]
    form = Form(
        kind,
        thread_id,
        typed.get("title", ""),
        typed.get("introduction", "").replace("\r\n", "\n"),
        also=tuple(dict.fromkeys(one for one in also if find_thread(connection, one))),
    )
    picked = set(typed.getlist("pick"))
    rows = []
    for key in dict.fromkeys(typed.getlist("row")[:MOST_ROWS]):
        words = typed.get(f"words-{key}", "").replace("\r\n", "\n")
        order = typed.get(f"order-{key}", "").strip()
        named = _id(key[1:].partition(".")[0])
        if key[:1] == "r" and named:
            reply = find_reply(connection, named)
            if reply is not None and not reply.automatic:
                rows.append(Row(key, words, reply, order=order, picked=key in picked))
        elif key[:1] == "o" and named:
            rows.append(Row(key, words, own=named, order=order, picked=key in picked))
        elif key[:1] == "q" and words.strip():
            is_new = key[:2] == "qn"
            rows.append(Row(key, words, order=order, picked=is_new or key in picked))
    form.rows = _offered(connection, form, rows)
    return form


def _wish(form: Form) -> Wish:
    """What is picked, by the numbers beside it, then as it is listed."""
    picked = [one for one in form.rows if one.picked]
    picked.sort(key=lambda one: (not _number(one.order), _number(one.order) or 0))
    turns = tuple(Wanted(one.words, one.reply, one.own) for one in picked)
    return Wish(form.kind, form.title, form.introduction, turns)


def _id(typed: str) -> int:
    """The number of a row; 0 for what is none, or more than a database counts to."""
    return int(typed) if typed.isdecimal() and len(typed) < MOST_DIGITS else 0


def _number(typed: str) -> float | None:
    try:
        return float(typed.replace(",", "."))
    except ValueError:
        return None


def _as_kept(connection: Connection, piece: Definition) -> Form:
    from ledger.piece_text import piece_of

    text = piece_of(piece.text)
    form = Form(piece.kind, _thread_id(connection, piece), text.title, text.introduction)
    rows, seen = [], set()
    quoted = {one.id: one for one in replies_quoted(connection, piece.id)}
    for number, (turn, reply_id) in enumerate(turns_quoted(connection, piece), start=1):
        reply = quoted.get(reply_id) if reply_id else None
        own = turn.person if reply is None else 0
        key = f"r{reply.id}" if reply else f"o{own}.{number}" if own else f"q{number}"
        key = f"{key}.{number}" if key in seen else key
        seen.add(key)
        rows.append(Row(key, turn.words, reply, own, order=str(number), picked=True))
    threads = threads_of_replies(connection, list(quoted)).values()
    form.also = tuple(sorted(set(threads) - {form.thread_id}))
    form.rows = _offered(connection, form, rows)
    return form


def _offered(connection: Connection, form: Form, rows: list[Row]) -> list[Row]:
    """These rows, then what else there is in the conversations, then empty questions."""
    known = {one.reply.id for one in rows if one.reply}
    asked = {one.words.strip() for one in rows if one.reply is None}
    keys = {one.key for one in rows}
    found = list(rows)
    for thread_id in (form.thread_id, *form.also):
        for entry in conversation(connection, ledger().keys, _thread(connection, thread_id)):
            reply, said = entry.reply, entry.said
            if reply is not None and not reply.automatic and not entry.elsewhere:
                if reply.id not in known:
                    found.append(Row(f"r{reply.id}", reply.text, reply))
            elif said is not None and said.words and not said.is_question:
                found += [
                    Row(f"qs{said.id}", words, said_by=said.by)
                    for words in [said.words]
                    if words.strip() not in asked and f"qs{said.id}" not in keys
                ]
    numbers = [f"qn{number}" for number in range(len(found) + SPARE)]
    spare = [one for one in numbers if one not in {row.key for row in found}][:SPARE]
    return [*found, *(Row(key, "") for key in spare)]


def _kind(name: str) -> PostKind:
    if name not in {kind.value for kind in PIECES}:
        abort(404)
    return PostKind(name)


def _thread(connection: Connection, thread_id: int) -> Thread:
    found = find_thread(connection, thread_id)
    if found is None:
        abort(404)
    return found


def _campaign_of(connection: Connection, thread: Thread) -> Campaign:
    return campaign_by_id(connection, thread.campaign_id)


def _piece(connection: Connection, definition_id: str) -> tuple[Definition, Campaign]:
    try:
        found = need_piece(connection, definition_id)
    except DefinedbyError:
        abort(404)
    return found, campaign_by_id(connection, found.campaign_id)


def _thread_id(connection: Connection, piece: Definition) -> int:
    """The conversation that a piece was begun in: the one with its first person."""
    found = threads_of_replies(connection, [piece.reply_id])
    if piece.reply_id not in found:
        abort(404)
    return found[piece.reply_id]
