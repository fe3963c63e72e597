"""Threads: the conversation with one contributor in one campaign, across channels.

A reply is placed when it is read: where it answers a message of ours, into that conversation,
else into its author's. Contributors that are one person have one conversation on the desk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, or_, select, update

from ledger.contributors import find_or_add_handle
from ledger.inserting import insert_or_ignore
from ledger.keys import Keys
from ledger.model import Channel, Reply, ReplyKind
from ledger.replies import references_in, replies_without_thread
from ledger.sent import answered_messages
from ledger.tables import handles, replies, threads
from ledger.thread_rows import rows_of
from ledger.together import people_of

BATCH = 200
#: Channels whose contact is the platform's own number for an account: handles there change.
_NUMBERED = frozenset({Channel.X, Channel.BLUESKY})
#: What nobody has to answer.
_NEEDS_NO_ANSWER = frozenset({ReplyKind.SPAM, ReplyKind.STOP})


@dataclass(frozen=True)
class Thread:
    """One conversation. `person`: the contributors that it is with, of whom it may have several
    rows, `rows`; mostly one of each.
    """

    id: int
    campaign_id: str
    person: tuple[str, ...]
    rows: tuple[int, ...]


def find_thread(connection: Connection, thread_id: int) -> Thread | None:
    """The conversation that this row belongs to, with those of the same person."""
    row = connection.execute(select(threads).where(threads.c.id == thread_id)).first()
    if row is None:
        return None
    person = people_of(connection, row.contributor_id)
    same = connection.execute(
        select(threads.c.id)
        .where(threads.c.campaign_id == row.campaign_id, threads.c.contributor_id.in_(person))
        .order_by(threads.c.id)
    )
    rows = tuple(same.scalars())
    return Thread(rows[0], row.campaign_id, person, rows)


def thread_with(connection: Connection, campaign_id: str, contributor_id: str) -> int | None:
    """The conversation with a contributor, if there is one."""
    found = connection.execute(
        select(func.min(threads.c.id)).where(
            threads.c.campaign_id == campaign_id,
            threads.c.contributor_id.in_(people_of(connection, contributor_id)),
        )
    ).scalar()
    return None if found is None else int(found)


def threads_of_replies(connection: Connection, reply_ids: Sequence[int]) -> dict[int, int]:
    """The conversation that each of these replies is part of."""
    rows = connection.execute(
        select(replies.c.id, replies.c.thread_id).where(
            replies.c.id.in_(reply_ids), replies.c.thread_id.is_not(None)
        )
    )
    return {row.id: row.thread_id for row in rows}


def set_done(connection: Connection, thread: Thread, at: datetime) -> None:
    """What they have written so far needs no answer (any more)."""
    connection.execute(update(threads).where(threads.c.id.in_(thread.rows)).values(done_at=at))


def set_undone(connection: Connection, thread: Thread) -> None:
    connection.execute(update(threads).where(threads.c.id.in_(thread.rows)).values(done_at=None))


def place_earlier(connection: Connection, keys: Keys, now: datetime) -> int:
    """Place replies that were read before there were conversations; returns how many."""
    waiting = replies_without_thread(connection, BATCH)
    place_replies(connection, keys, waiting, now)
    return len(waiting)


def place_replies(
    connection: Connection, keys: Keys, arrived: Iterable[Reply], now: datetime
) -> None:
    """Put replies, which have been read, into their conversations.

    What a machine wrote has an author that is nobody; it is placed only below what it answers.
    """
    waiting, placed = list(arrived), list[tuple[Reply, str]]()
    references = references_in(connection, [reply.id for reply in waiting])
    for reply in waiting:
        whose = _addressee(connection, reply, references.get(reply.id, []))
        if not reply.automatic:
            handle_id, author = _author(connection, keys, reply, now)
            connection.execute(
                update(replies).where(replies.c.id == reply.id).values(handle_id=handle_id)
            )
            whose = whose or author
        if whose:
            placed.append((reply, whose))
    known = rows_of(connection, ((reply.campaign_id, whose) for reply, whose in placed), now)
    if not placed:
        return
    connection.execute(
        update(replies).where(replies.c.id == bindparam("reply")),
        [
            {"reply": reply.id, "thread_id": known[reply.campaign_id, whose]}
            for reply, whose in placed
        ],
    )
    _note_arrivals(connection, known, placed)


def _note_arrivals(
    connection: Connection,
    known: dict[tuple[str, str], int],
    placed: Sequence[tuple[Reply, str]],
) -> None:
    newest: dict[int, datetime] = {}
    for reply, whose in placed:
        if reply.automatic or reply.reading.kind in _NEEDS_NO_ANSWER:
            continue
        row = known[reply.campaign_id, whose]
        newest[row] = max(newest.get(row, reply.received_at), reply.received_at)
    for row, at in newest.items():
        connection.execute(
            update(threads)
            .where(
                threads.c.id == row,
                or_(threads.c.last_theirs_at.is_(None), threads.c.last_theirs_at < at),
            )
            .values(last_theirs_at=at)
        )


def _addressee(connection: Connection, reply: Reply, references: list[str]) -> str:
    """Whom the message was written to that this answers; "" when it answers none of ours.

    Whoever answers what only its addressee could read belongs to that conversation, by whatever
    address they write. Below a public message of ours anybody may join in: they are themselves.
    """
    if not references:
        return ""
    answered = answered_messages(connection, references, reply.account_id)
    return next((whose for whose, private in answered if private or reply.automatic), "")


def _author(connection: Connection, keys: Keys, reply: Reply, now: datetime) -> tuple[int, str]:
    """Handle and contributor of the author; an account whose name was changed is the same one."""
    if reply.channel in _NUMBERED and reply.handle.contact:
        renamed = connection.execute(
            select(handles.c.contributor_id)
            .where(
                handles.c.channel == reply.channel,
                handles.c.contact == reply.handle.contact,
                handles.c.address != reply.handle.address,
            )
            .order_by(handles.c.id)
            .limit(1)
        ).scalar()
        if renamed is not None:
            return _renamed(connection, reply, renamed)
    contact = reply.handle.contact or (
        reply.handle.address if reply.channel is Channel.EMAIL else ""
    )
    handle_id, handle = find_or_add_handle(
        connection,
        keys,
        now,
        channel=reply.channel,
        address=reply.handle.address,
        name=reply.handle.name,
        url=reply.handle.url,
        contact=contact,
    )
    return handle_id, handle.contributor_id


def _renamed(connection: Connection, reply: Reply, contributor_id: str) -> tuple[int, str]:
    new = replace(reply.handle, contributor_id=contributor_id)
    connection.execute(
        insert_or_ignore(connection, handles),
        [
            {
                "contributor_id": contributor_id,
                "channel": reply.channel,
                "address": new.address,
                "name": new.name,
                "url": new.url,
                "contact": new.contact,
            }
        ],
    )
    row = connection.execute(
        select(handles.c.id, handles.c.contributor_id).where(
            handles.c.channel == reply.channel, handles.c.address == new.address
        )
    ).one()
    return row.id, row.contributor_id
