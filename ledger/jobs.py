"""Jobs: work one stage leaves for another, in the transaction that makes it necessary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from ledger.prepared import Prepared
from ledger.tables import jobs

MOST_WAIT = timedelta(hours=1)
_OPEN = Prepared(
    select(jobs.c.id, jobs.c.kind, jobs.c.subject, jobs.c.attempts)
    .where(
        jobs.c.kind == bindparam("kind"),
        jobs.c.done_at.is_(None),
        or_(jobs.c.not_before.is_(None), jobs.c.not_before <= bindparam("now")),
    )
    .order_by(jobs.c.id)
    .limit(bindparam("limit"))
)
_FINISH = Prepared(
    update(jobs).where(jobs.c.id == bindparam("job")).values(done_at=bindparam("at"), error="")
)


class JobKind(StrEnum):
    #: Compose and build what the subject's grant allows now, or take it away.
    PUBLISH = "publish"


@dataclass(frozen=True)
class Job:
    id: int
    kind: JobKind
    subject: str
    attempts: int


def add_job(connection: Connection, kind: JobKind, subject: str, at: datetime) -> None:
    connection.execute(insert(jobs).values(kind=kind, subject=subject, created_at=at))


def open_jobs(connection: Connection, kind: JobKind, now: datetime, limit: int = 500) -> list[Job]:
    rows = _OPEN.rows(connection, {"kind": kind, "now": now, "limit": limit})
    return [Job(row.id, JobKind(row.kind), row.subject, row.attempts) for row in rows]


def is_waiting(connection: Connection, kind: JobKind, subject: str) -> bool:
    """True while something has still to be done about this subject."""
    found = connection.execute(
        select(jobs.c.id)
        .where(jobs.c.kind == kind, jobs.c.subject == subject, jobs.c.done_at.is_(None))
        .limit(1)
    )
    return found.first() is not None


def finish_jobs(connection: Connection, done: list[Job], at: datetime) -> None:
    _FINISH.run(connection, [{"job": job.id, "at": at} for job in done])


def postpone_jobs(connection: Connection, failed: list[Job], error: str, now: datetime) -> None:
    """Try again later, each time twice as late, at most an hour."""
    for job in failed:
        wait = min(timedelta(seconds=2**job.attempts), MOST_WAIT)
        connection.execute(
            update(jobs)
            .where(jobs.c.id == job.id)
            .values(attempts=job.attempts + 1, error=error, not_before=now + wait)
        )


def last_error(connection: Connection) -> str:
    """What the oldest unfinished job stumbled over, for the desk; empty when all is well."""
    error: str | None = connection.execute(
        select(jobs.c.error)
        .where(jobs.c.done_at.is_(None), jobs.c.error != "")
        .order_by(jobs.c.id)
        .limit(1)
    ).scalar()
    return error or ""
