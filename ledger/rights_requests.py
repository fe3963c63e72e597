"""What people asked for about what is kept of them, and what an editor has made of it.

The law gives a month (GDPR, article 12(3)). Somebody's own page does all of it at once; rows are
here for what was asked in words, and for other words that wait to be asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from ledger.inserting import insert_or_ignore
from ledger.model import ReplyKind
from ledger.tables import handles, instance, replies, rights_requests
from ledger.together import people_of

#: A month, counted short.
ANSWERED_WITHIN = timedelta(days=28)
MOST_QUOTED_CHARACTERS = 2000
#: The fact that says up to which reply was looked for what is asked.
_READ_UP_TO = "rights_read_up_to"


class Right(StrEnum):
    EXPORT = "export"
    ERASE = "erase"
    CORRECT = "correct"


@dataclass(frozen=True)
class RightsRequest:
    """`quoted`: their words. `reply_id`: where they said it; None where it was on their page."""

    id: int
    contributor_id: str
    kind: Right
    reply_id: int | None
    definition_id: str
    quoted: str
    asked_at: datetime
    due_at: datetime
    done_at: datetime | None = None
    done_by: str = ""
    outcome: str = ""


def add_rights_request(
    connection: Connection,
    contributor_id: str,
    kind: Right,
    quoted: str,
    at: datetime,
    *,
    reply_id: int | None = None,
    definition_id: str = "",
) -> bool:
    """Keep what somebody asked for; False when the same message said it already."""
    made = connection.execute(
        insert_or_ignore(connection, rights_requests),
        {
            "contributor_id": contributor_id,
            "kind": kind,
            "reply_id": reply_id,
            "definition_id": definition_id,
            "quoted": quoted[:MOST_QUOTED_CHARACTERS],
            "asked_at": at,
            "due_at": at + ANSWERED_WITHIN,
        },
    )
    return made.rowcount == 1


def open_rights_requests(connection: Connection, limit: int = 100) -> list[RightsRequest]:
    """What waits for an editor, the most urgent first."""
    rows = connection.execute(
        select(rights_requests)
        .where(rights_requests.c.done_at.is_(None))
        .order_by(rights_requests.c.due_at, rights_requests.c.id)
        .limit(limit)
    )
    return [_request(row) for row in rows]


def count_open_rights(connection: Connection) -> int:
    return connection.execute(
        select(func.count()).select_from(rights_requests).where(rights_requests.c.done_at.is_(None))
    ).scalar_one()


def rights_requests_of(connection: Connection, contributor_id: str) -> list[RightsRequest]:
    """Everything that this person has asked for, newest first."""
    rows = connection.execute(
        select(rights_requests)
        .where(rights_requests.c.contributor_id.in_(people_of(connection, contributor_id)))
        .order_by(rights_requests.c.id.desc())
    )
    return [_request(row) for row in rows]


def correction_of(connection: Connection, definition_id: str) -> str:
    """The other words of its author that nobody has taken up so far, or ""."""
    words: str | None = connection.execute(
        select(rights_requests.c.quoted)
        .where(
            rights_requests.c.definition_id == definition_id,
            rights_requests.c.kind == Right.CORRECT,
            rights_requests.c.done_at.is_(None),
        )
        .order_by(rights_requests.c.id.desc())
        .limit(1)
    ).scalar()
    return words or ""


def settle_rights_request(
    connection: Connection, request_id: int, at: datetime, by: str, outcome: str
) -> bool:
    """An editor has done what was asked, or says why not; False when it was settled already."""
    done = connection.execute(
        update(rights_requests)
        .where(rights_requests.c.id == request_id, rights_requests.c.done_at.is_(None))
        .values(done_at=at, done_by=by, outcome=outcome)
    )
    return done.rowcount == 1


def settle_corrections(connection: Connection, definition_id: str, at: datetime, by: str) -> None:
    """They are asked about their other words now: nothing waits for an editor any more."""
    _settle_corrections(connection, definition_id, at, by, "asked about")


def replace_correction(
    connection: Connection, contributor_id: str, definition_id: str, words: str, at: datetime
) -> None:
    """Other words of theirs wait to be asked about; earlier ones that waited are overtaken."""
    _settle_corrections(connection, definition_id, at, "", "overtaken by newer words")
    connection.execute(
        insert(rights_requests).values(
            contributor_id=contributor_id,
            kind=Right.CORRECT,
            definition_id=definition_id,
            quoted=words[:MOST_QUOTED_CHARACTERS],
            asked_at=at,
            due_at=at + ANSWERED_WITHIN,
        )
    )


def _settle_corrections(
    connection: Connection, definition_id: str, at: datetime, by: str, outcome: str
) -> None:
    connection.execute(
        update(rights_requests)
        .where(
            rights_requests.c.definition_id == definition_id,
            rights_requests.c.kind == Right.CORRECT,
            rights_requests.c.done_at.is_(None),
        )
        .values(done_at=at, done_by=by, outcome=outcome)
    )


@dataclass(frozen=True)
class Written:
    """What somebody wrote, as far as it may ask for something; nobody's: `contributor_id` ""."""

    reply_id: int
    contributor_id: str
    text: str
    received_at: datetime


def written_since(connection: Connection, limit: int) -> list[Written]:
    """The next replies that the reader is done with, oldest first; none beyond an unread one.

    Those of machines and salespeople are there without a contributor.
    """
    value = connection.execute(
        select(instance.c.value).where(instance.c.name == _READ_UP_TO)
    ).scalar()
    rows = connection.execute(
        select(
            replies.c.id,
            replies.c.kind,
            replies.c.automatic,
            replies.c.subject,
            replies.c.text,
            replies.c.received_at,
            handles.c.contributor_id,
        )
        .outerjoin(handles, handles.c.id == replies.c.handle_id)
        .where(replies.c.id > int(value or 0))
        .order_by(replies.c.id)
        .limit(limit)
    ).all()
    waiting = next((number for number, row in enumerate(rows) if not row.kind), len(rows))
    return [
        Written(
            row.id,
            "" if row.automatic or row.kind == ReplyKind.SPAM else row.contributor_id or "",
            f"{row.subject}\n{row.text}",
            row.received_at,
        )
        for row in rows[:waiting]
    ]


def looked_at(connection: Connection, reply_id: int) -> None:
    """Everything up to this reply has been looked at."""
    connection.execute(delete(instance).where(instance.c.name == _READ_UP_TO))
    connection.execute(insert(instance).values(name=_READ_UP_TO, value=str(reply_id)))


def _request(row: Row[Any]) -> RightsRequest:
    return RightsRequest(**{**row._mapping, "kind": Right(row.kind)})
