"""The list of conversations: whose turn it is, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    not_,
    or_,
    select,
)

from ledger.contributors import handles_of
from ledger.model import Handle, Reply
from ledger.outbox import MessageState
from ledger.replies import replies_in_threads
from ledger.tables import contributors, outbox, threads


class Turn(StrEnum):
    """Whose turn it is. Done: an editor said that it needs no answer."""

    US = "us"
    THEM = "them"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True)
class Listed:
    """One conversation in the list, with their newest words."""

    id: int
    turn: Turn
    at: datetime
    who: Handle | None = None
    newest: Reply | None = None
    count: int = 0


#: A message that left, is about to, or may have: then it is their turn. One that a person
#: holds in hand is still ours to send.
_SPOKEN = (
    MessageState.APPROVED,
    MessageState.CLAIMED,
    MessageState.SENT,
    MessageState.UNKNOWN,
)


def list_threads(
    connection: Connection, campaign_id: str, turn: Turn, *, limit: int, offset: int = 0
) -> list[Listed]:
    """Those whose turn it is: the longest waiting first for us, the newest first else."""
    listed = _listed(campaign_id)
    order = listed.c.at if turn is Turn.US else listed.c.at.desc()
    rows = connection.execute(
        select(listed)
        .where(listed.c.turn == turn)
        .order_by(order, listed.c.id)
        .limit(limit)
        .offset(offset)
    ).all()
    return [_with_words(connection, row) for row in rows]


def count_turns(connection: Connection, campaign_id: str) -> dict[str, int]:
    listed = _listed(campaign_id)
    rows = connection.execute(select(listed.c.turn, func.count()).group_by(listed.c.turn))
    return {row[0]: row[1] for row in rows}


def neighbours(
    connection: Connection, campaign_id: str, turn: Turn, thread_id: int
) -> tuple[int | None, int | None]:
    """The conversations before and after this one in the list of those with this turn.

    One that has left the list meanwhile is looked up by where it would stand.
    """
    listed = _listed(campaign_id)
    here = connection.execute(select(listed.c.at).where(listed.c.id == thread_id)).scalar()
    if here is None:
        return None, None
    earlier = or_(listed.c.at < here, and_(listed.c.at == here, listed.c.id < thread_id))
    later = or_(listed.c.at > here, and_(listed.c.at == here, listed.c.id > thread_id))
    up = _first(connection, listed, turn, earlier, newest=True)
    down = _first(connection, listed, turn, later, newest=False)
    return (up, down) if turn is Turn.US else (down, up)


def first_waiting(connection: Connection, campaign_id: str) -> int | None:
    """The conversation that has waited for us the longest."""
    listed = _listed(campaign_id)
    return _first(connection, listed, Turn.US, listed.c.id > 0, newest=False)


def turn_of(connection: Connection, campaign_id: str, thread_id: int) -> Turn:
    listed = _listed(campaign_id)
    found = connection.execute(select(listed.c.turn).where(listed.c.id == thread_id)).scalar()
    return Turn(found) if found else Turn.THEM


def _first(
    connection: Connection,
    listed: Subquery,
    turn: Turn,
    where: ColumnElement[bool],
    *,
    newest: bool,
) -> int | None:
    order = (listed.c.at.desc(), listed.c.id.desc()) if newest else (listed.c.at, listed.c.id)
    found = connection.execute(
        select(listed.c.id).where(listed.c.turn == turn, where).order_by(*order).limit(1)
    ).scalar()
    return None if found is None else int(found)


def _listed(campaign_id: str) -> Subquery:
    """One row for each person: the rows of contributors that are one are taken together."""
    spoken = (
        select(
            outbox.c.thread_id,
            func.max(outbox.c.created_at, type_=outbox.c.created_at.type).label("at"),
        )
        .where(outbox.c.state.in_(_SPOKEN), outbox.c.thread_id.is_not(None))
        .group_by(outbox.c.thread_id)
        .subquery()
    )
    person = case(
        (contributors.c.person_id != "", contributors.c.person_id), else_=contributors.c.id
    )
    grouped = (
        select(
            func.min(threads.c.id).label("id"),
            _latest(threads.c.last_theirs_at).label("theirs"),
            _latest(spoken.c.at).label("ours"),
            _latest(threads.c.done_at).label("done"),
            _latest(threads.c.opened_at).label("opened"),
            func.count(contributors.c.stopped_at).label("stops"),
        )
        .join(contributors, contributors.c.id == threads.c.contributor_id)
        .join(spoken, spoken.c.thread_id == threads.c.id, isouter=True)
        .where(threads.c.campaign_id == campaign_id)
        .group_by(person)
        .subquery()
    )
    return _with_turns(grouped).subquery()


def _with_turns(grouped: Subquery) -> Select[Any]:
    theirs, ours, done = grouped.c.theirs, grouped.c.ours, grouped.c.done
    unanswered = and_(
        theirs.is_not(None),
        or_(ours.is_(None), ours < theirs),
        or_(done.is_(None), done < theirs),
    )
    is_done = and_(done.is_not(None), or_(ours.is_(None), ours < done))
    turn = case(
        (grouped.c.stops > 0, literal(Turn.STOPPED.value)),
        (unanswered, literal(Turn.US.value)),
        (or_(is_done, and_(theirs.is_(None), ours.is_(None))), literal(Turn.DONE.value)),
        else_=literal(Turn.THEM.value),
    )
    newest = case(
        (and_(not_(unanswered), ours.is_not(None)), ours),
        else_=func.coalesce(theirs, grouped.c.opened),
    )
    return select(grouped.c.id, turn.label("turn"), newest.label("at"))


def _latest(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.max(column, type_=threads.c.opened_at.type)


def _with_words(connection: Connection, row: Row[Any]) -> Listed:
    from ledger.threads import find_thread

    thread = find_thread(connection, row.id)
    assert thread is not None
    written = replies_in_threads(connection, thread.rows)
    at = row.at if isinstance(row.at, datetime) else datetime.fromisoformat(str(row.at))
    newest = written[-1] if written else None
    known = [handle for one in thread.person for handle in handles_of(connection, one)]
    who = newest.handle if newest else next(iter(known), None)
    return Listed(row.id, Turn(row.turn), at, who, newest, len(written))
