"""Replies: stored raw, once each, together with the cursor that says how far we have read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, not_, select, update

from ledger.contributors import find_or_add_handle
from ledger.inserting import BATCH, insert_new, insert_or_ignore
from ledger.keys import Keys
from ledger.model import (
    Account,
    Channel,
    Handle,
    IncomingReply,
    PostKind,
    Reading,
    Reply,
    ReplyKind,
    ReplyState,
    SkipKind,
    Skipped,
)
from ledger.namesakes import store_namesakes
from ledger.tables import (
    accounts,
    definitions,
    handles,
    piece_sources,
    prompts,
    replies,
    skipped_items,
)

_NONE: list[Any] = []
_AS_THEY_CAME = (
    *("author_name", "author_url", "subject", "text", "html", "source_url", "raw"),
    *("automatic", "private", "contact", "written_at"),
)


def store_replies(
    connection: Connection, account: Account, incoming: Iterable[IncomingReply], now: datetime
) -> int:
    """Store what is new; return how many that were. A reply known already is left as it is.

    A reply belongs to the campaign whose posted prompt it answers, directly or by answering
    another reply to it; else to its account's.
    """
    arrived = list(incoming)
    asked = _campaigns_answered(connection, account.id, arrived)
    if not arrived:
        return 0
    columns, same = _columns(arrived, account, asked, now)
    stored = insert_new(connection, replies, columns, same)
    if stored < len(arrived) and account.channel is Channel.EMAIL:
        stored += store_namesakes(connection, columns, same)
    if stored:
        connection.execute(
            update(accounts).where(accounts.c.id == account.id).values(last_reply_at=now)
        )
    return stored


def store_skipped(
    connection: Connection, account: Account, skipped: Iterable[Skipped], now: datetime
) -> None:
    rows = [
        {
            "account_id": account.id,
            "external_id": item.external_id[:998],
            "kind": item.kind,
            "reason": item.reason,
            "at": now,
        }
        for item in skipped
    ]
    if rows:
        connection.execute(insert_or_ignore(connection, skipped_items), rows)


def recently_skipped(
    connection: Connection, account_id: int, limit: int = 20, kind: SkipKind | None = None
) -> list[Skipped]:
    """What was not collected, newest first; of one kind, if so wished."""
    statement = select(skipped_items).where(skipped_items.c.account_id == account_id)
    if kind is not None:
        statement = statement.where(skipped_items.c.kind == kind)
    rows = connection.execute(statement.order_by(skipped_items.c.id.desc()).limit(limit))
    return [Skipped(row.external_id, row.reason, SkipKind(row.kind)) for row in rows]


def count_skipped(connection: Connection, account_id: int) -> dict[SkipKind, int]:
    """How much was not collected, by the kind of reason."""
    rows = connection.execute(
        select(skipped_items.c.kind, func.count())
        .where(skipped_items.c.account_id == account_id)
        .group_by(skipped_items.c.kind)
        .order_by(skipped_items.c.kind)
    )
    return {SkipKind(row[0]): row[1] for row in rows}


def count_of_account(connection: Connection, account_id: int) -> int:
    return connection.execute(
        select(func.count()).select_from(replies).where(replies.c.account_id == account_id)
    ).scalar_one()


def unread(connection: Connection, limit: int) -> list[Reply]:
    """Replies nobody has read yet, oldest first."""
    rows = connection.execute(
        _joined().where(replies.c.kind == "").order_by(replies.c.id).limit(limit)
    )
    return [_reply(row) for row in rows]


def save_reading(
    connection: Connection, reply_id: int, reading: Reading, *, corrected: bool = False
) -> None:
    """Keep what a reply seems to be. A correction by an editor sticks: readings don't touch it."""
    statement = update(replies).where(replies.c.id == reply_id)
    if not corrected:
        statement = statement.where(replies.c.corrected.is_(False))
    connection.execute(
        statement.values(
            kind=reading.kind,
            reason=reading.reason,
            confidence=round(reading.confidence * 100),
            spans=[list(span) for span in reading.spans],
            corrected=corrected,
        )
    )


def corrected_replies(connection: Connection) -> list[Reply]:
    """The replies whose reading an editor corrected, oldest first."""
    rows = connection.execute(
        _joined().where(replies.c.corrected.is_(True), replies.c.text != "").order_by(replies.c.id)
    )
    return [_reply(row) for row in rows]


def set_state(connection: Connection, reply_id: int, state: ReplyState) -> None:
    connection.execute(update(replies).where(replies.c.id == reply_id).values(state=state))


def find_reply(connection: Connection, reply_id: int) -> Reply | None:
    row = connection.execute(_joined().where(replies.c.id == reply_id)).first()
    return None if row is None else _reply(row)


def desk_replies(
    connection: Connection,
    campaign_id: str,
    state: ReplyState,
    *,
    kind: ReplyKind | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[Reply]:
    """What the desk lists, newest first; `before_id` pages on."""
    statement = _joined().where(replies.c.campaign_id == campaign_id, replies.c.state == state)
    if kind is not None:
        statement = statement.where(replies.c.kind == kind)
    if before_id is not None:
        statement = statement.where(replies.c.id < before_id)
    rows = connection.execute(statement.order_by(replies.c.id.desc()).limit(limit))
    return [_reply(row) for row in rows]


def count_by_state(connection: Connection, campaign_id: str) -> dict[str, int]:
    rows = connection.execute(
        select(replies.c.state, func.count())
        .where(replies.c.campaign_id == campaign_id)
        .group_by(replies.c.state)
    )
    return {row[0]: row[1] for row in rows}


def move_answers(connection: Connection, account_id: int, post: str, campaign_id: str) -> int:
    """Replies to a post of ours that came before we knew it: they belong to its campaign.

    What an editor has touched stays where it is. Returns how many were moved; they are read anew.
    """
    moved = 0
    answered = {post}
    waiting = connection.execute(
        select(replies.c.id, replies.c.external_id, replies.c.in_reply_to)
        .where(
            replies.c.account_id == account_id,
            replies.c.campaign_id != campaign_id,
            replies.c.state == ReplyState.NEW,
            replies.c.corrected.is_(False),
            replies.c.id.not_in(select(definitions.c.reply_id)),
            replies.c.id.not_in(select(piece_sources.c.reply_id)),
        )
        .order_by(replies.c.id)
    ).all()
    while True:
        under = [row for row in waiting if answered.intersection(row.in_reply_to)]
        if not under:
            return moved
        for start in range(0, len(under), BATCH):
            ids = [row.id for row in under[start : start + BATCH]]
            connection.execute(
                update(replies)
                .where(replies.c.id.in_(ids))
                .values(campaign_id=campaign_id, kind="", reason="", confidence=0, spans=[])
            )
        moved += len(under)
        answered = {row.external_id for row in under}
        waiting = [row for row in waiting if row.external_id not in answered]


def raw_of(connection: Connection, reply_id: int) -> str:
    raw: str = connection.execute(
        select(replies.c.raw).where(replies.c.id == reply_id)
    ).scalar_one()
    return raw


def references_of(connection: Connection, reply_id: int) -> list[str]:
    """The ids of the messages that a reply answers."""
    found: list[str] = connection.execute(
        select(replies.c.in_reply_to).where(replies.c.id == reply_id)
    ).scalar_one()
    return found


def references_in(connection: Connection, reply_ids: Sequence[int]) -> dict[int, list[str]]:
    """The same of many at once; those that answer nothing are left out."""
    rows = connection.execute(
        select(replies.c.id, replies.c.in_reply_to).where(replies.c.id.in_(reply_ids))
    )
    return {row.id: row.in_reply_to for row in rows if row.in_reply_to}


def replies_without_thread(connection: Connection, limit: int) -> list[Reply]:
    """Replies that have been read and are part of no conversation, oldest first."""
    rows = connection.execute(
        _joined()
        .where(replies.c.thread_id.is_(None), not_(replies.c.automatic), replies.c.kind != "")
        .order_by(replies.c.id)
        .limit(limit)
    )
    return [_reply(row) for row in rows]


def replies_in_threads(connection: Connection, rows: Sequence[int]) -> list[Reply]:
    """All replies of these conversations, in the order in which they arrived."""
    found = connection.execute(
        _joined().where(replies.c.thread_id.in_(rows)).order_by(replies.c.received_at, replies.c.id)
    )
    return [_reply(row) for row in found]


def author_of(connection: Connection, keys: Keys, reply: Reply, now: datetime) -> Handle:
    """The reply's author as a contributor, made now if this is the first time it matters."""
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
    connection.execute(update(replies).where(replies.c.id == reply.id).values(handle_id=handle_id))
    return handle


def _prompts_of(connection: Connection, account_id: int) -> dict[str, str]:
    rows = connection.execute(
        select(prompts.c.external_id, prompts.c.campaign_id).where(
            prompts.c.account_id == account_id, prompts.c.external_id != ""
        )
    )
    return {row.external_id: row.campaign_id for row in rows}


def _campaigns_answered(
    connection: Connection, account_id: int, arrived: list[IncomingReply]
) -> dict[str, str]:
    """The campaign of each post that these answer: our prompts, and replies under them.

    Replies under a prompt may come in any order, hence the second walk.
    """
    found = _prompts_of(connection, account_id)
    if not found:
        return {}
    answered = sorted({post for reply in arrived for post in reply.in_reply_to})
    for start in range(0, len(answered), BATCH):
        rows = connection.execute(
            select(replies.c.external_id, replies.c.campaign_id).where(
                replies.c.account_id == account_id,
                replies.c.external_id.in_(answered[start : start + BATCH]),
            )
        )
        found |= {row.external_id: row.campaign_id for row in rows}
    waiting = arrived
    while True:
        reached = {
            reply.external_id: found[post]
            for reply in waiting
            for post in reversed(reply.in_reply_to)
            if post in found and reply.external_id not in found
        }
        if not reached:
            return found
        found |= reached
        waiting = [reply for reply in waiting if reply.external_id not in reached]


def _columns(
    arrived: Sequence[IncomingReply], account: Account, asked: dict[str, str], now: datetime
) -> tuple[dict[str, Sequence[Any]], dict[str, Any]]:
    """What is stored of these, by column, and what is the same of all of them."""
    columns: dict[str, Sequence[Any]] = {
        "external_id": [reply.external_id[:998] for reply in arrived],
        "campaign_id": [_campaign_of(reply, asked) or account.campaign_id for reply in arrived],
        "address": [reply.address[:320] for reply in arrived],
        "in_reply_to": [
            list(reply.in_reply_to) if reply.in_reply_to else _NONE for reply in arrived
        ],
    }
    columns |= {name: list(map(attrgetter(name), arrived)) for name in _AS_THEY_CAME}
    same = {
        "channel": account.channel.value,
        "account_id": account.id,
        "received_at": now,
        "state": ReplyState.NEW.value,
        "spans": _NONE,
    }
    return columns, same


def _campaign_of(reply: IncomingReply, asked: dict[str, str]) -> str:
    """The campaign that is known of a post above it, or none."""
    return next((asked[post] for post in reply.in_reply_to if post in asked), "")


def _joined() -> Select[Any]:
    return (
        select(
            replies,
            handles.c.contributor_id,
            handles.c.contact.label("handle_contact"),
            definitions.c.id.label("definition_id"),
        )
        .join_from(replies, handles, replies.c.handle_id == handles.c.id, isouter=True)
        .join(
            definitions,
            and_(definitions.c.reply_id == replies.c.id, definitions.c.kind == PostKind.DEFINITION),
            isouter=True,
        )
    )


def _reply(row: Row[Any]) -> Reply:
    return Reply(
        id=row.id,
        channel=Channel(row.channel),
        account_id=row.account_id,
        external_id=row.external_id,
        campaign_id=row.campaign_id,
        handle=Handle(
            row.contributor_id or "",
            Channel(row.channel),
            row.address,
            row.author_name,
            row.author_url,
            row.handle_contact or row.contact,
        ),
        text=row.text,
        subject=row.subject,
        source_url=row.source_url,
        written_at=row.written_at,
        received_at=row.received_at,
        state=ReplyState(row.state),
        reading=Reading(
            ReplyKind(row.kind or "other"),
            row.reason,
            row.confidence / 100,
            tuple((start, end) for start, end in row.spans),
        ),
        definition_id=row.definition_id,
        automatic=row.automatic,
        private=row.private,
    )
