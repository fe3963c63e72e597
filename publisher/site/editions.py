"""Public editions as the site lists them, and which definitions each one holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger.prepared import Prepared
from ledger.tables import editions, posts, site_edges

BATCH = 500
_EVERY = Prepared(
    select(
        editions.c.id,
        editions.c.campaign_id,
        editions.c.title,
        posts.c.address,
        editions.c.published_at,
    )
    .outerjoin(
        posts,
        (posts.c.subject == editions.c.id)
        & (posts.c.kind == "edition")
        & posts.c.gone_at.is_(None),
    )
    .order_by(editions.c.published_at.desc(), editions.c.id.desc())
)
_WITH = Prepared(
    select(site_edges.c.edition_id)
    .where(site_edges.c.definition_id.in_(bindparam("ids", expanding=True)))
    .distinct()
)


@dataclass(frozen=True)
class ListedEdition:
    id: str
    campaign_id: str
    title: str
    address: str
    published_at: datetime


def all_editions(connection: Connection) -> tuple[list[ListedEdition], set[str]]:
    """The public ones, newest first, and the ids of all."""
    rows = _EVERY.rows(connection)
    public = [ListedEdition(*row) for row in rows if row.address and row.published_at]
    return public, {row.id for row in rows}


def edition_parts(connection: Connection, edition_id: str) -> tuple[str, list[str]]:
    """An edition's introduction, and its definitions in the editor's order."""
    row = connection.execute(
        select(editions.c.introduction, editions.c.definition_ids).where(
            editions.c.id == edition_id
        )
    ).one()
    return row.introduction, list(row.definition_ids)


def join_edges(connection: Connection, edition_ids: list[str], public: set[str]) -> None:
    """Note anew which definitions stand in these editions; in one that is not public, none."""
    for edition_id in edition_ids:
        connection.execute(delete(site_edges).where(site_edges.c.edition_id == edition_id))
        ids = edition_parts(connection, edition_id)[1] if edition_id in public else []
        edges = [{"edition_id": edition_id, "definition_id": one} for one in dict.fromkeys(ids)]
        if edges:
            connection.execute(insert(site_edges), edges)


def editions_with(connection: Connection, definition_ids: list[str]) -> set[str]:
    """The public editions that hold any of these definitions."""
    found: set[str] = set()
    for start in range(0, len(definition_ids), BATCH):
        rows = _WITH.tuples(connection, {"ids": definition_ids[start : start + BATCH]})
        found.update(one for (one,) in rows)
    return found
