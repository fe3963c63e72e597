"""Editions: round-ups of definitions with a hand-written introduction, and the best of a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from slugify import slugify
from sqlalchemy import Connection, Row, insert, select, update

from ledger.contributors import new_id
from ledger.edition_titles import title_by_rule, title_of_the_best
from ledger.errors import DefinedbyError
from ledger.model import Campaign
from ledger.periods import Period
from ledger.tables import editions


class EditionKind(StrEnum):
    EDITION = "edition"
    #: A shortlist and a winner that the editor has chosen.
    BEST = "best"


@dataclass(frozen=True)
class Edition:
    """`introduction` and `method` are Markdown by the editor; `definition_ids` are in the order
    shown. Without a `title` it is called by a rule. `since` and `until` bound what it gathers.
    """

    id: str
    campaign_id: str
    slug: str
    title: str
    introduction: str
    definition_ids: tuple[str, ...]
    created_at: datetime
    published_at: datetime | None = None
    kind: EditionKind = EditionKind.EDITION
    theme: str = ""
    since: datetime | None = None
    until: datetime | None = None
    #: One of the definitions, in the best of a year; `method` says how it was chosen.
    winner_id: str = ""
    method: str = ""

    @property
    def period(self) -> Period | None:
        return period_of(self.since, self.until)


def period_of(since: datetime | None, until: datetime | None) -> Period | None:
    return Period(since, until) if since and until else None


def called(
    title: str,
    campaign: Campaign,
    people: int,
    *,
    kind: str,
    theme: str = "",
    period: Period | None = None,
) -> str:
    """An edition's title: the one it was given, else by rule for so many people."""
    if title:
        return title
    if kind == EditionKind.BEST:
        return title_of_the_best(campaign.term, campaign.lang, period)
    return title_by_rule(campaign.term, campaign.lang, people, theme=theme, period=period)


def add_edition(
    connection: Connection,
    at: datetime,
    *,
    campaign_id: str,
    title: str = "",
    introduction: str = "",
    definition_ids: tuple[str, ...] = (),
    kind: EditionKind = EditionKind.EDITION,
    theme: str = "",
    period: Period | None = None,
    winner_id: str = "",
    method: str = "",
) -> Edition:
    """Make an edition that is not public yet. Raises DefinedbyError for a title in use."""
    title, theme = " ".join(title.split()), " ".join(theme.split())
    known = {edition.slug for edition in editions_in(connection, campaign_id)}
    slug = _slug(title or theme) or _slug_by_rule(kind, period, len(known))
    if slug in known:
        raise DefinedbyError(
            f"This campaign has an edition '{title or theme or slug}' already.",
            "Give this one another title.",
        )
    since, until = period or (None, None)
    made = Edition(
        new_id(),
        campaign_id,
        slug,
        title,
        introduction,
        definition_ids,
        at,
        None,
        kind,
        theme,
        since,
        until,
        winner_id,
        method,
    )
    connection.execute(
        insert(editions).values({**vars(made), "definition_ids": list(definition_ids)})
    )
    return made


def _slug(text: str) -> str:
    return slugify(text, allow_unicode=True, max_length=60, word_boundary=True, save_order=True)


def _slug_by_rule(kind: EditionKind, period: Period | None, before: int) -> str:
    named = period.slug if period else str(before + 1)
    return f"best-{named}" if kind is EditionKind.BEST else named


def save_edition(
    connection: Connection,
    edition_id: str,
    *,
    title: str,
    introduction: str,
    definition_ids: tuple[str, ...],
    theme: str = "",
    winner_id: str = "",
    method: str = "",
) -> None:
    """Change an edition; its address, its kind and its period stay."""
    connection.execute(
        update(editions)
        .where(editions.c.id == edition_id)
        .values(
            title=" ".join(title.split()),
            introduction=introduction,
            definition_ids=list(definition_ids),
            theme=" ".join(theme.split()),
            winner_id=winner_id,
            method=method,
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
    values = {**row._mapping, "definition_ids": tuple(row.definition_ids)}
    return Edition(**{**values, "kind": EditionKind(row.kind)})
