"""Cheap looks: whether consent has changed since the site was made, and how much stands."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from ledger.consent_state import EventKind
from ledger.events import subjects_since
from ledger.tables import definitions, outputs, site_dirty, site_groups
from publisher.claims import CONTENT

#: After these a definition may stand otherwise than before.
MATTERS = frozenset(
    {EventKind.GRANTED, EventKind.WITHDRAWN, EventKind.INVALIDATED, EventKind.ERASED}
)
#: The kind of the rows of `site_dirty` that stand for files of content/posts.
COMPOSED = "composed"


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
    return changed


def is_unfinished(connection: Connection) -> bool:
    """Whether a run was ended before it was done."""
    return connection.execute(select(site_dirty.c.path).limit(1)).first() is not None


def counts(connection: Connection) -> tuple[int, int]:
    """How many outputs and how many definitions stand."""
    return count_outputs(connection), count_posts(connection)


def count_posts(connection: Connection) -> int:
    """How many definitions stand, from the counts of the archive: the same time for any number."""
    counted = select(func.sum(site_groups.c.count)).where(site_groups.c.kind == "month")
    return connection.execute(counted).scalar() or 0


def count_outputs(connection: Connection) -> int:
    """All rows but those of content/posts, which are one range of the key."""
    everything = select(func.count()).select_from(outputs)
    end = CONTENT[:-1] + chr(ord(CONTENT[-1]) + 1)
    composed = everything.where(outputs.c.path >= CONTENT, outputs.c.path < end)
    return connection.execute(everything).scalar_one() - connection.execute(composed).scalar_one()
