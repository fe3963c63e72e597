"""Editions: round-ups of definitions with a hand-written introduction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slugify import slugify
from sqlalchemy import Connection, Row, insert, select, update

from ledger.contributors import new_id
from ledger.errors import DefinedbyError, SettingError
from ledger.tables import editions


@dataclass(frozen=True)
class Edition:
    """`introduction` is Markdown by the editor; `definition_ids` are in the order shown."""

    id: str
    campaign_id: str
    slug: str
    title: str
    introduction: str
    definition_ids: tuple[str, ...]
    created_at: datetime
    published_at: datetime | None = None


def add_edition(
    connection: Connection,
    at: datetime,
    *,
    campaign_id: str,
    title: str,
    introduction: str = "",
    definition_ids: tuple[str, ...] = (),
) -> Edition:
    """Make an edition that is not public yet. Raises DefinedbyError for a title in use."""
    title = " ".join(title.split())
    slug = slugify(title, allow_unicode=True, max_length=60, word_boundary=True, save_order=True)
    if not slug:
        raise SettingError("An edition needs a title.", "Write one, for example '33 answers'.")
    if any(edition.slug == slug for edition in editions_in(connection, campaign_id)):
        raise DefinedbyError(
            f"This campaign has an edition '{title}' already.", "Give this one another title."
        )
    made = Edition(new_id(), campaign_id, slug, title, introduction, definition_ids, at)
    connection.execute(
        insert(editions).values({**vars(made), "definition_ids": list(definition_ids)})
    )
    return made


def save_edition(
    connection: Connection,
    edition_id: str,
    *,
    title: str,
    introduction: str,
    definition_ids: tuple[str, ...],
) -> None:
    """Change an edition; its address stays."""
    connection.execute(
        update(editions)
        .where(editions.c.id == edition_id)
        .values(
            title=" ".join(title.split()),
            introduction=introduction,
            definition_ids=list(definition_ids),
        )
    )


def set_published(connection: Connection, edition_id: str, at: datetime | None) -> None:
    """Make an edition public (keeping its first date), or take it away with None."""
    statement = update(editions).where(editions.c.id == edition_id)
    if at is not None:
        statement = statement.where(editions.c.published_at.is_(None))
    connection.execute(statement.values(published_at=at))


def find_edition(connection: Connection, edition_id: str) -> Edition | None:
    row = connection.execute(select(editions).where(editions.c.id == edition_id)).first()
    return None if row is None else _edition(row)


def editions_in(connection: Connection, campaign_id: str) -> list[Edition]:
    """A campaign's editions, newest first."""
    rows = connection.execute(
        select(editions)
        .where(editions.c.campaign_id == campaign_id)
        .order_by(editions.c.created_at.desc(), editions.c.id)
    )
    return [_edition(row) for row in rows]


def _edition(row: Row[Any]) -> Edition:
    return Edition(
        row.id,
        row.campaign_id,
        row.slug,
        row.title,
        row.introduction,
        tuple(row.definition_ids),
        row.created_at,
        row.published_at,
    )
