"""Public editions as the site lists them, and which definitions each one holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from ledger.tables import editions, posts, site_edges

BATCH = 500


@dataclass(frozen=True)
class ListedEdition:
    id: str
    campaign_id: str
    title: str
    address: str
    published_at: datetime


def public_editions(connection: Connection) -> list[ListedEdition]:
    """Newest first."""
    rows = connection.execute(
        select(
            editions.c.id,
            editions.c.campaign_id,
            editions.c.title,
            posts.c.address,
            editions.c.published_at,
        )
        .join(posts, posts.c.subject == editions.c.id)
        .where(
            posts.c.kind == "edition",
            posts.c.gone_at.is_(None),
            editions.c.published_at.is_not(None),
        )
        .order_by(editions.c.published_at.desc(), editions.c.id.desc())
    )
    return [ListedEdition(*row) for row in rows]


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
        rows = connection.execute(
            select(site_edges.c.edition_id)
            .where(site_edges.c.definition_id.in_(definition_ids[start : start + BATCH]))
            .distinct()
        )
        found.update(rows.scalars())
    return found
