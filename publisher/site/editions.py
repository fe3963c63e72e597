"""Public editions as the site lists them, and which definitions each one holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select

from ledger.editions import EditionKind, called, period_of
from ledger.model import Campaign
from ledger.periods import Every, period_with
from ledger.prepared import Prepared
from ledger.tables import editions, posts, site_edges, site_entries

BATCH = 500
_EVERY = Prepared(
    select(
        editions.c.id,
        editions.c.campaign_id,
        editions.c.title,
        posts.c.address,
        editions.c.published_at,
        editions.c.kind,
        editions.c.theme,
        editions.c.since,
        editions.c.until,
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
#: Somebody anonymous has no page and counts for every definition of theirs.
_ONE = case(
    (site_entries.c.person == "", site_entries.c.definition_id), else_=site_entries.c.person
)
_PEOPLE = Prepared(
    select(site_edges.c.edition_id, func.count(_ONE.distinct()))
    .join(site_entries, site_entries.c.definition_id == site_edges.c.definition_id)
    .join(editions, editions.c.id == site_edges.c.edition_id)
    .where(
        site_edges.c.edition_id.in_(bindparam("ids", expanding=True)),
        site_entries.c.in_editions,
        site_entries.c.campaign_id == editions.c.campaign_id,
    )
    .group_by(site_edges.c.edition_id)
)


@dataclass(frozen=True)
class ListedEdition:
    """A public edition; its `title` is empty when it is called by a rule."""

    id: str
    campaign_id: str
    title: str
    address: str
    published_at: datetime
    kind: str = EditionKind.EDITION
    theme: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_best(self) -> bool:
        return self.kind == EditionKind.BEST

    @property
    def follows_its_people(self) -> bool:
        """Whether its title says how many people it holds."""
        return not self.title and not self.is_best

    def called(self, campaign: Campaign, people: int) -> ListedEdition:
        """The same with the title that it has for so many people."""
        period = period_of(self.since, self.until)
        title = called(
            self.title, campaign, people, kind=self.kind, theme=self.theme, period=period
        )
        return replace(self, title=title)

    def next_one(self, campaign: Campaign) -> datetime | None:
        """When the edition after this one appears, if it is one of a series."""
        every = Every(campaign.edition_every)
        if every is Every.NEVER or self.until is None or self.is_best:
            return None
        return period_with(every, self.until).until


class EditionText(NamedTuple):
    introduction: str
    definition_ids: list[str]
    winner_id: str
    method: str


def all_editions(connection: Connection) -> tuple[list[ListedEdition], set[str]]:
    """The public ones, newest first, and the ids of all."""
    rows = _EVERY.rows(connection)
    public = [ListedEdition(*row) for row in rows if row.address and row.published_at]
    return public, {row.id for row in rows}


def titled(
    connection: Connection, some: Sequence[ListedEdition], campaigns: Mapping[str, Campaign]
) -> list[ListedEdition]:
    """The same editions, each with the title that it has now."""
    ids = [one.id for one in some if one.follows_its_people]
    people = dict(_PEOPLE.tuples(connection, {"ids": ids})) if ids else {}
    return [one.called(campaigns[one.campaign_id], people.get(one.id, 0)) for one in some]


def edition_parts(connection: Connection, edition_id: str) -> EditionText:
    """What its editor wrote and chose; its definitions are in the editor's order."""
    row = connection.execute(select(editions).where(editions.c.id == edition_id)).one()
    return EditionText(row.introduction, list(row.definition_ids), row.winner_id, row.method)


def join_edges(connection: Connection, edition_ids: list[str], public: set[str]) -> None:
    """Note anew which definitions stand in these editions; in one that is not public, none."""
    for edition_id in edition_ids:
        connection.execute(delete(site_edges).where(site_edges.c.edition_id == edition_id))
        ids = edition_parts(connection, edition_id).definition_ids if edition_id in public else []
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
