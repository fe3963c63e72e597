"""Cheap looks: whether consent has changed since the site was made, and how much stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, exists, func, or_, select

from ledger.consent_state import EventKind
from ledger.events import subjects_since
from ledger.jobs import JobKind
from ledger.paused import PAUSED
from ledger.pieces import pieces_of_others
from ledger.prepared import Prepared
from ledger.tables import (
    chain_head,
    definitions,
    instance,
    jobs,
    outputs,
    site_dirty,
    site_groups,
    site_sources,
)
from publisher.claims import CONTENT
from publisher.report import HELD
from publisher.site.sources import CURSOR, SHAPE, STAMP

#: As publisher.publish says.
SITE = "site"

#: After these a definition may stand otherwise than before.
MATTERS = frozenset(
    {EventKind.GRANTED, EventKind.WITHDRAWN, EventKind.INVALIDATED, EventKind.ERASED}
)
#: The kind of the rows of `site_dirty` that stand for files of content/posts.
COMPOSED = "composed"
_COUNTED = Prepared(select(func.sum(site_groups.c.count)).where(site_groups.c.kind == "month"))


class Glance(NamedTuple):
    """Whether anything might be to be done, asked in one statement, for who asks each moment.

    `due`: a job is. `held`, `put_off`: jobs that wait for the end of a pause, and the site's own,
    wait. `head`: the newest event; the rest are facts of the site that stands.
    """

    due: bool
    held: bool
    put_off: bool
    paused: str | None
    head: int
    cursor: str | None
    stamp: str | None
    shape: str | None


def glance(connection: Connection, now: datetime) -> Glance:
    return Glance(*_GLANCE.tuples(connection, {"now": now})[0])


def _waiting(*which: Any) -> Any:
    # Spelled out, so that it is answered from the index of open jobs.
    return exists().where(jobs.c.kind == JobKind.PUBLISH, jobs.c.done_at.is_(None), *which)


def _source(name: str) -> Any:
    found = select(site_sources.c.value).where(site_sources.c.name == name)
    return found.scalar_subquery()


_LATER = jobs.c.not_before.is_not(None)
_GLANCE = Prepared(
    select(
        _waiting(or_(jobs.c.not_before.is_(None), jobs.c.not_before <= bindparam("now"))),
        _waiting(_LATER, jobs.c.error.startswith(HELD)),
        _waiting(_LATER, jobs.c.subject == SITE),
        select(instance.c.value).where(instance.c.name == PAUSED).scalar_subquery(),
        select(chain_head.c.seq).where(chain_head.c.id == 1).scalar_subquery(),
        _source(CURSOR),
        _source(STAMP),
        _source(SHAPE),
    )
)


def changed_since(connection: Connection, after: int) -> set[str]:
    """Definitions whose consent has changed after this event; those of who was erased, too."""
    changed, erased = set(), []
    for kind, subject in subjects_since(connection, after, MATTERS):
        if kind is EventKind.ERASED:
            erased.append(subject)
        else:
            changed.add(subject)
    if erased:
        rows = connection.execute(
            select(definitions.c.id).where(definitions.c.contributor_id.in_(erased))
        )
        changed.update(rows.scalars())
    if changed:
        stands_under = pieces_of_others(connection)
        changed |= {stands_under[one] for one in changed & stands_under.keys()}
    return changed


def is_unfinished(connection: Connection) -> bool:
    """Whether a run was ended before it was done."""
    return connection.execute(select(site_dirty.c.path).limit(1)).first() is not None


def counts(connection: Connection) -> tuple[int, int]:
    """How many outputs and how many definitions stand."""
    return count_outputs(connection), count_posts(connection)


def count_posts(connection: Connection) -> int:
    """How many definitions stand, from the counts of the archive: the same time for any number."""
    return _COUNTED.scalar(connection) or 0


def count_outputs(connection: Connection) -> int:
    """All rows but those of content/posts, which are one range of the key."""
    everything = select(func.count()).select_from(outputs)
    end = CONTENT[:-1] + chr(ord(CONTENT[-1]) + 1)
    composed = everything.where(outputs.c.path >= CONTENT, outputs.c.path < end)
    return connection.execute(everything).scalar_one() - connection.execute(composed).scalar_one()
