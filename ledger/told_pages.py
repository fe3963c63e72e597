"""Pages elsewhere that a post of ours quotes: which are to be told of it, and which were.

The publisher leaves a row when a post is published, changed or gone; the collector tells the page
(collector/telling.py). Once a page knows that a post is gone, nothing is kept of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from ledger.inserting import insert_or_ignore
from ledger.keys import Keys
from ledger.prepared import Prepared
from ledger.tables import told_pages

MOST_CHARACTERS = 2000
#: How long an editor can still see, and mend, that a page does not know of a withdrawal.
KEPT = timedelta(days=30)


class ToldState(StrEnum):
    WAITING = "waiting"
    TOLD = "told"
    #: It takes no webmentions: nothing is wrong, and nothing more is to be done.
    DEAF = "deaf"
    #: Given up; `error` says why.
    FAILED = "failed"


@dataclass(frozen=True)
class ToldPage:
    """One page and the post that quotes it; `gone`: the post is there no more."""

    id: int
    page: str
    post: str
    state: ToldState
    gone: bool
    times: int
    attempts: int
    error: str


def tell_page(
    connection: Connection, keys: Keys, subject: str, page: str, post: str, at: datetime
) -> None:
    """Have `page` told that it is quoted at `post`, or that what stands there has changed.

    `subject` is the definition; both addresses are whole. A page with an overlong address is
    left alone.
    """
    if len(page) > MOST_CHARACTERS:
        return
    row = {"subject": subject, "page": page, "state": ToldState.WAITING}
    connection.execute(insert_or_ignore(connection, told_pages), [{**row, "since": at}])
    connection.execute(
        update(told_pages)
        .where(told_pages.c.subject == subject)
        .values(**row, sealed_post=keys.encrypt(post), gone=False, **_due(at))
    )


def tell_gone(connection: Connection, subjects: Sequence[str], at: datetime) -> None:
    """These posts are gone: a page that was told of one, or may have been, is told again."""
    _FORGET_DEAF.run(connection, [{"of": one} for one in subjects])
    _TELL_GONE.run(connection, [{"of": one, "at": at} for one in subjects])


def due_pages(connection: Connection, keys: Keys, now: datetime, limit: int) -> list[ToldPage]:
    """The pages whose time to be told has come, longest waiting first."""
    rows = connection.execute(
        select(told_pages)
        .where(told_pages.c.due_at <= now)
        .order_by(told_pages.c.due_at, told_pages.c.id)
        .limit(limit)
    )
    return [_opened(row, keys) for row in rows]


def settle_told(
    connection: Connection,
    told: ToldPage,
    state: ToldState,
    at: datetime,
    *,
    error: str = "",
    due_at: datetime | None = None,
) -> bool:
    """Keep what came of telling a page; with `due_at` it is tried again then.

    False when there is something else to tell since it was read, which is due by itself.
    """
    this = (told_pages.c.id == told.id) & (told_pages.c.times == told.times)
    if told.gone and state in (ToldState.TOLD, ToldState.DEAF):
        return connection.execute(delete(told_pages).where(this)).rowcount == 1
    changed = connection.execute(
        update(told_pages)
        .where(this)
        .values(
            state=state,
            due_at=due_at,
            told_at=at if state is ToldState.TOLD else told_pages.c.told_at,
            attempts=told.attempts + 1,
            error=error,
        )
    )
    return changed.rowcount == 1


def failed_pages(connection: Connection, keys: Keys, limit: int = 50) -> list[ToldPage]:
    rows = connection.execute(
        select(told_pages)
        .where(told_pages.c.state == ToldState.FAILED)
        .order_by(told_pages.c.id.desc())
        .limit(limit)
    )
    return [_opened(row, keys) for row in rows]


def settle_failed(connection: Connection, told_id: int, at: datetime, *, again: bool) -> bool:
    """A person has looked: tell it again, or leave it. False when that was settled already."""
    this = (told_pages.c.id == told_id) & (told_pages.c.state == ToldState.FAILED)
    if not again:
        return connection.execute(delete(told_pages).where(this)).rowcount == 1
    waiting = {"state": ToldState.WAITING, **_due(at)}
    return connection.execute(update(told_pages).where(this).values(**waiting)).rowcount == 1


def forget_failed(connection: Connection, now: datetime) -> int:
    """Remove what could not be told of withdrawn posts long ago; returns how many."""
    return connection.execute(
        delete(told_pages).where(
            told_pages.c.gone.is_(True),
            told_pages.c.state == ToldState.FAILED,
            told_pages.c.since < now - KEPT,
        )
    ).rowcount


def _due(at: Any) -> dict[str, Any]:
    return {"due_at": at, "since": at, "times": told_pages.c.times + 1, "attempts": 0, "error": ""}


_OF: Any = told_pages.c.subject == bindparam("of")
_FORGET_DEAF = Prepared(delete(told_pages).where(_OF, told_pages.c.state == ToldState.DEAF))
_TELL_GONE = Prepared(
    update(told_pages)
    .where(_OF, told_pages.c.gone.is_(False))
    .values(state=ToldState.WAITING, gone=True, **_due(bindparam("at")))
)


def _opened(row: Row[Any], keys: Keys) -> ToldPage:
    return ToldPage(
        row.id,
        row.page,
        keys.decrypt(row.sealed_post),
        ToldState(row.state),
        row.gone,
        row.times,
        row.attempts,
        row.error,
    )
