"""Webmentions: taken in at once, checked later, and settled by whoever looked last.

A mention is its source and its target (Webmention, 3.2.1): when it comes again it is due again.
Every change counts up `times` or `attempts`, so that what was found out about a row that has
moved on meanwhile is dropped: the newest look at a page wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, Row, delete, func, select, update

from ledger.campaigns import all_campaigns, find_campaign
from ledger.errors import TemporaryError
from ledger.inserting import insert_or_ignore
from ledger.model import Campaign
from ledger.tables import mentions

MOST_CHARACTERS = 500
#: Beyond this nothing new is taken in, or strangers could fill the disk.
MOST_WAITING = 1000
#: How long the addresses of mentions that brought nothing are kept.
KEPT = timedelta(days=90)


class MentionState(StrEnum):
    WAITING = "waiting"
    #: Its words are among the replies.
    TAKEN = "taken"
    #: Looked at, and not taken; `error` says why.
    REFUSED = "refused"
    #: The source is gone or private, or links to us no more.
    GONE = "gone"
    #: Never reached.
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class SentMention:
    id: int
    source: str
    target: str
    received_at: datetime
    state: MentionState
    times: int
    attempts: int
    error: str = ""
    due_at: datetime | None = None


def receive(connection: Connection, source: str, target: str, at: datetime) -> int:
    """Keep a mention, due at once; returns its id. One that is known becomes due again.

    Raises TemporaryError when too many are waiting.
    """
    waiting = connection.execute(
        select(func.count()).select_from(mentions).where(mentions.c.due_at.is_not(None))
    ).scalar_one()
    if waiting >= MOST_WAITING:
        raise TemporaryError("Too many mentions are waiting to be checked.", "Send it again later.")
    connection.execute(
        insert_or_ignore(connection, mentions),
        [{"source": source, "target": target, "received_at": at, "state": MentionState.WAITING}],
    )
    this = (mentions.c.source == source) & (mentions.c.target == target)
    connection.execute(
        update(mentions)
        .where(this)
        .values(received_at=at, due_at=at, times=mentions.c.times + 1, attempts=0, error="")
    )
    found: int = connection.execute(select(mentions.c.id).where(this)).scalar_one()
    return found


def due(connection: Connection, now: datetime, limit: int) -> list[SentMention]:
    """The mentions whose time to be checked has come, longest waiting first."""
    rows = connection.execute(
        select(mentions)
        .where(mentions.c.due_at <= now)
        .order_by(mentions.c.due_at, mentions.c.id)
        .limit(limit)
    )
    return [_mention(row) for row in rows]


def settle(
    connection: Connection,
    mention: SentMention,
    state: MentionState,
    at: datetime,
    *,
    error: str = "",
    due_at: datetime | None = None,
) -> bool:
    """Keep what became of a mention; with `due_at` it is looked at again then.

    False when it was sent again or settled by somebody else since it was read: what was found
    out about it then is out of date and must not be used.
    """
    changed = connection.execute(
        update(mentions)
        .where(
            mentions.c.id == mention.id,
            mentions.c.times == mention.times,
            mentions.c.attempts == mention.attempts,
        )
        .values(
            state=state,
            checked_at=at,
            due_at=due_at,
            attempts=mention.attempts + 1,
            error=error,
        )
    )
    return changed.rowcount == 1


def drop(connection: Connection, mention: SentMention) -> bool:
    """Keep nothing of a mention, not even its address; False when it is gone already."""
    gone = connection.execute(delete(mentions).where(mentions.c.id == mention.id))
    return gone.rowcount == 1


def links_elsewhere(connection: Connection, mention: SentMention) -> list[SentMention]:
    """Other mentions by the same source that were taken in."""
    rows = connection.execute(
        select(mentions).where(
            mentions.c.source == mention.source,
            mentions.c.id != mention.id,
            mentions.c.state == MentionState.TAKEN,
        )
    )
    return [_mention(row) for row in rows]


def targets_of(connection: Connection, source: str, campaign_id: str) -> list[str]:
    """Our pages that this source was said to link to, in that order; none of other campaigns."""
    rows = connection.execute(
        select(mentions.c.target).where(mentions.c.source == source).order_by(mentions.c.id)
    )
    found = ((target, campaign_of(connection, target)) for target in rows.scalars().all())
    # The front page stands for a campaign only as long as no other one is open.
    return [target for target, of in found if of is None or of.id == campaign_id]


def recent(connection: Connection, limit: int = 20) -> list[SentMention]:
    """The newest mentions and what became of them."""
    rows = connection.execute(
        select(mentions).order_by(mentions.c.received_at.desc(), mentions.c.id.desc()).limit(limit)
    )
    return [_mention(row) for row in rows]


def forget_refused(connection: Connection, now: datetime) -> int:
    """Remove mentions that were settled long ago and brought nothing; returns how many."""
    return connection.execute(
        delete(mentions).where(
            mentions.c.due_at.is_(None),
            mentions.c.state.in_([MentionState.REFUSED, MentionState.GIVEN_UP]),
            mentions.c.checked_at < now - KEPT,
        )
    ).rowcount


def campaign_of(connection: Connection, target: str) -> Campaign | None:
    """The campaign that a page of ours belongs to; the only open one for the front page."""
    slug = unquote(urlsplit(target).path).strip("/").partition("/")[0]
    if slug:
        return find_campaign(connection, slug)
    still_open = [campaign for campaign in all_campaigns(connection) if campaign.is_open]
    return still_open[0] if len(still_open) == 1 else None


def _mention(row: Row[Any]) -> SentMention:
    return SentMention(
        row.id,
        row.source,
        row.target,
        row.received_at,
        MentionState(row.state),
        row.times,
        row.attempts,
        row.error,
        row.due_at,
    )
