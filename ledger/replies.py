"""Replies: stored raw, once each, together with the cursor that says how far we have read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from ledger.contributors import find_or_add_handle
from ledger.inserting import insert_or_ignore
from ledger.keys import Keys
from ledger.model import (
    Account,
    Channel,
    Handle,
    IncomingReply,
    Reading,
    Reply,
    ReplyKind,
    ReplyState,
    Skipped,
)
from ledger.tables import definitions, handles, prompts, replies, skipped_items

#: Rows per statement: more gains nothing, fewer costs a round trip each.
BATCH = 500


def store_replies(
    connection: Connection, account: Account, incoming: Iterable[IncomingReply], now: datetime
) -> int:
    """Store what is new; return how many that were. A reply known already is left as it is.

    A reply belongs to the campaign whose posted prompt it answers, else to its account's.
    """
    asked = _prompts_of(connection, account.id)
    rows = [_row(account, reply, now, asked) for reply in incoming]
    before = count_of_account(connection, account.id)
    for start in range(0, len(rows), BATCH):
        connection.execute(insert_or_ignore(connection, replies), rows[start : start + BATCH])
    return count_of_account(connection, account.id) - before


def store_skipped(
    connection: Connection, account: Account, skipped: Iterable[Skipped], now: datetime
) -> None:
    rows = [
        {
            "account_id": account.id,
            "external_id": item.external_id[:998],
            "reason": item.reason,
            "at": now,
        }
        for item in skipped
    ]
    if rows:
        connection.execute(insert_or_ignore(connection, skipped_items), rows)


def recently_skipped(connection: Connection, account_id: int, limit: int = 20) -> list[Skipped]:
    rows = connection.execute(
        select(skipped_items)
        .where(skipped_items.c.account_id == account_id)
        .order_by(skipped_items.c.id.desc())
        .limit(limit)
    )
    return [Skipped(row.external_id, row.reason) for row in rows]


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


def _row(
    account: Account, reply: IncomingReply, now: datetime, asked: dict[str, str]
) -> dict[str, Any]:
    answered = (asked[post] for post in reply.in_reply_to if post in asked)
    return {
        "channel": account.channel,
        "account_id": account.id,
        "external_id": reply.external_id[:998],
        "campaign_id": next(answered, account.campaign_id),
        "address": reply.address[:320],
        "author_name": reply.author_name,
        "author_url": reply.author_url,
        "subject": reply.subject,
        "text": reply.text,
        "html": reply.html,
        "source_url": reply.source_url,
        "in_reply_to": list(reply.in_reply_to),
        "raw": reply.raw,
        "automatic": reply.automatic,
        "private": reply.private,
        "contact": reply.contact,
        "written_at": reply.written_at,
        "received_at": now,
        "state": ReplyState.NEW,
        "spans": [],
    }


def _joined() -> Select[Any]:
    return (
        select(
            replies,
            handles.c.contributor_id,
            handles.c.contact.label("handle_contact"),
            definitions.c.id.label("definition_id"),
        )
        .join_from(replies, handles, replies.c.handle_id == handles.c.id, isouter=True)
        .join(definitions, definitions.c.reply_id == replies.c.id, isouter=True)
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
    )
