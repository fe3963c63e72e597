"""Pages that list definitions: the front page, those of campaigns, of their months, of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from sqlalchemy import Connection, bindparam, func, select

from ledger.model import Campaign
from ledger.periods import MONTHS
from ledger.prepared import Prepared
from ledger.tables import site_groups
from publisher.compose import picture_address
from publisher.site import linked, nodes
from publisher.site.editions import ListedEdition, titled
from publisher.site.entries import Entry
from publisher.site.frame import Frame, Layout
from publisher.site.nodes import Group, Node
from publisher.site.shelf import Shelf

ON_FRONT = 12
ON_CAMPAIGN = 100
#: Editions on the front page and on that of a campaign, the newest; another page lists them all.
ON_LISTS = 6
_GROUP = (site_groups.c.kind, site_groups.c.owner, site_groups.c.month, site_groups.c.part)
_PARTS = Prepared(
    select(site_groups.c.part)
    .where(
        site_groups.c.kind == bindparam("kind"),
        site_groups.c.owner == bindparam("owner"),
        site_groups.c.month == bindparam("month"),
    )
    .order_by(site_groups.c.part)
)
_LATER_PARTS = Prepared(
    select(*_GROUP).where(site_groups.c.part > 0, site_groups.c.kind != "map").order_by(*_GROUP)
)
_MONTHS = Prepared(
    select(site_groups.c.month, func.sum(site_groups.c.count))
    .where(site_groups.c.kind == "month", site_groups.c.owner == bindparam("owner"))
    .group_by(site_groups.c.month)
    .order_by(site_groups.c.month.desc())
)


@dataclass(frozen=True)
class Month:
    """A month of a campaign's archive, with the number of its definitions."""

    name: str
    address: str
    count: int


@dataclass
class Listings:
    connection: Connection
    frame: Frame
    layout: Layout
    shelf: Shelf
    #: The later pages of those that have more than one, once they were all asked for.
    _later: dict[tuple[str, str, str], list[int]] | None = None

    def ask_for_all(self) -> None:
        """Most people and months have one page: those that have more are asked for at once."""
        self._later = {}
        for kind, owner, month, part in _LATER_PARTS.tuples(self.connection):
            self._later.setdefault((kind, owner, month), []).append(part)

    def front(self) -> bytes:
        campaigns = list(self.frame.campaigns.values())
        return self.layout.page(
            "index.html",
            path="/",
            linked=self.layout.terms,
            open_campaigns=[campaign for campaign in campaigns if campaign.is_open],
            campaigns=campaigns,
            newest=self.listed(self.shelf.newest(ON_FRONT), asked=len(campaigns) > 1),
            editions=self._titled(self.frame.editions[:ON_LISTS]),
        )

    def campaign(self, campaign: Campaign) -> bytes:
        months = self._months(campaign)
        newest = self.shelf.newest(ON_CAMPAIGN, campaign.id)
        address = f"/{campaign.slug}/"
        settings = self.layout.settings
        editions = self.frame.editions_of(campaign.id)
        return self.layout.page(
            "campaign.html",
            path=address,
            feed=f"{address}feed.xml",
            campaign=campaign,
            linked=linked.defined_term(campaign, settings.public_url, settings.title),
            newest=self.listed(newest),
            listed=len(newest),
            count=sum(month.count for month in months),
            months=months,
            editions=self._titled(editions[:ON_LISTS]),
            next_one=next(filter(None, (one.next_one(campaign) for one in editions)), None),
        )

    def editions(self, node: Node) -> bytes | None:
        """The list of all editions of a campaign; None while it has none."""
        campaign = self.frame.campaigns.get(node.owner)
        editions = self.frame.editions_of(node.owner)
        if campaign is None or not editions:
            return None
        return self.layout.page(
            "editions.html",
            path=nodes.editions_address(campaign),
            feed=f"/{campaign.slug}/feed.xml",
            campaign=campaign,
            editions=self._titled(editions),
            next_one=next(filter(None, (one.next_one(campaign) for one in editions)), None),
        )

    def _titled(self, editions: Sequence[ListedEdition]) -> list[ListedEdition]:
        return titled(self.connection, editions, self.frame.campaigns)

    def month(self, campaign: Campaign, node: Node) -> bytes | None:
        month, part = nodes.range_of(node)
        first = part * nodes.PER_PAGE
        items = self.shelf.of_month(campaign.id, month, first, first + nodes.PER_PAGE)
        return self._month(campaign, month, part, items)

    def person(self, node: Node) -> bytes | None:
        _, part = nodes.range_of(node)
        return self._person(node, part, self._of_person(node.owner, part))

    def group(self, node: Node, group: Group, items: list[Entry]) -> bytes | None:
        """The page of a month or a person, with these definitions on it."""
        if group.kind == "person":
            return self._person(node, group.part, items)
        return self._month(self.frame.campaigns[group.owner], group.month, group.part, items)

    def parts(self, kind: str, owner: str, month: str) -> list[int]:
        """The pages of a month, of a person or of sitemaps on which something stands.

        Without the first one, when all were asked for and they are not of sitemaps.
        """
        if self._later is not None and kind != "map":
            return self._later.get((kind, owner, month), [])
        values = {"kind": kind, "owner": owner, "month": month}
        return [one for (one,) in _PARTS.tuples(self.connection, values)]

    def listed(self, items: Sequence[Entry], *, asked: bool = False) -> Markup:
        """Entries one below the other, with their questions or without."""
        parts = [self.shelf.in_list(one, asked=asked) for one in items]
        return Markup("\n".join(parts))  # noqa: S704 - each was made by the theme, and sealed

    def _month(self, campaign: Campaign, month: str, part: int, items: list[Entry]) -> bytes | None:
        others = [] if part else [one for one in self.parts("month", campaign.id, month) if one]
        if not items and not others:
            return None
        base = nodes.month_address(campaign, month)
        return self.layout.page(
            "archive.html",
            path=nodes.part_address(base, part),
            feed=f"/{campaign.slug}/feed.xml",
            campaign=campaign,
            month=Month(_month_name(month), base, len(items)),
            part=part,
            others=others,
            items=self.listed(items),
        )

    def _person(self, node: Node, part: int, items: list[Entry]) -> bytes | None:
        others = [] if part else [one for one in self.parts("person", node.owner, "") if one]
        if not items and not others:
            return None
        named = items or self._of_person(node.owner, others[0])
        return self.layout.page(
            "person.html",
            path=nodes.part_address(node.owner, part),
            own_feed=node.owner,
            address=node.owner,
            name=named[0].name,
            # Of what stands here: a page changes only with what stands on it.
            url=items[0].url if items else "",
            picture=picture_address(items[0].picture) if items else "",
            part=part,
            others=others,
            count=len(items),
            items=self.listed(items, asked=True),
        )

    def _of_person(self, person: str, part: int) -> list[Entry]:
        first = part * nodes.PER_PAGE
        return self.shelf.of_person(person, first, first + nodes.PER_PAGE)

    def _months(self, campaign: Campaign) -> list[Month]:
        """Newest first."""
        rows = _MONTHS.tuples(self.connection, {"owner": campaign.id})
        return [
            Month(_month_name(month), nodes.month_address(campaign, month), count)
            for month, count in rows
        ]


def _month_name(month: str) -> str:
    year, _, number = month.partition("-")
    return f"{MONTHS[int(number) - 1]} {year}"
