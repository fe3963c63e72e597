"""Makes the bytes of one output from what stands: same rows, same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby

from markupsafe import Markup, escape
from sqlalchemy import Connection, select

from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.model import Campaign
from ledger.prepared import Prepared
from ledger.tables import site_groups
from publisher import feeds
from publisher.feeds import Feed
from publisher.prose import ProseRenderer
from publisher.render import day, encoded_path, quote_macros
from publisher.report import Refusal
from publisher.shown import long_class
from publisher.site import linked, nodes
from publisher.site.editions import edition_parts
from publisher.site.entries import Entry
from publisher.site.frame import Frame
from publisher.site.listings import Listings
from publisher.site.nodes import Group, Node
from publisher.site.shelf import Shelf
from publisher.site.slots import Pieces, Slot
from publisher.theme import assets

_MAPS = Prepared(
    select(site_groups.c.owner, site_groups.c.month, site_groups.c.part)
    .where(site_groups.c.kind == "map")
    .order_by(site_groups.c.owner, site_groups.c.month, site_groups.c.part)
)
#: A path below the site folder and the bytes that belong there.
Output = tuple[str, bytes]


@dataclass
class Maker:
    """`refused` grows while outputs are made."""

    ledger: Ledger
    connection: Connection
    frame: Frame
    prose: ProseRenderer
    refused: list[Refusal] = field(default_factory=list)

    def __post_init__(self) -> None:
        frame, settings = self.frame, self.ledger.settings
        self.shelf = Shelf(self.connection, self.ledger.keys, frame.questions, frame.known)
        self.layout = frame.layout(settings)
        self.listings = Listings(self.connection, frame, self.layout, self.shelf)
        self._blog = (settings.public_url, settings.title)

    def make(self, node: Node) -> bytes | None:
        """The bytes of an output; None when nothing stands there any more."""
        match node.kind:
            case "post":
                found = self.shelf.by_ids([node.owner])
                return self._post(found[0], node) if found else None
            case "front":
                return self.listings.front()
            case "campaign" | "campaign-feed" | "month" | "map":
                return self._of_campaign(node)
            case "person":
                return self.listings.person(node)
            case "edition":
                return self._edition(node)
            case "editions":
                return self.listings.editions(node)
            case "prose":
                return self._prose(node)
            case _:
                return self._plain(node)

    def everything(self) -> Iterator[Output]:
        """Every output, one by one: a site of any size is made in the same memory."""
        self.listings.ask_for_all()
        for node in self.frame.always():
            made = self.make(node)
            if made is not None:
                yield node.path, made
        yield from self._by_month()
        for person, theirs in groupby(self.shelf.all_by_person(), lambda one: one.person):
            yield from self._person_parts(person, theirs)

    def _by_month(self) -> Iterator[Output]:
        """Posts, the pages of months and the sitemaps, in one walk over all entries."""
        month = lambda one: (one.campaign_id, one.month)  # noqa: E731 - names the key
        for (campaign_id, name), group in groupby(self.shelf.all_by_month(), month):
            campaign = self.frame.campaigns[campaign_id]
            part = lambda one: one.number // nodes.PER_PAGE  # noqa: E731
            parts = set()
            for number, on_page in groupby(group, part):
                items = list(on_page)
                for one in items:
                    node = nodes.post_node(one)
                    made = self._post(one, node)
                    if made is not None:
                        yield node.path, made
                parts.add(number)
                yield self._group(Group("month", campaign_id, name, number), items[::-1])
            if 0 not in parts:
                yield self._group(Group("month", campaign_id, name, 0), [])
            for shard in self.listings.parts("map", campaign_id, name):
                node = nodes.group_node(
                    Group("map", campaign_id, name, shard), self.frame.campaigns
                )
                made = self._map(campaign, node)
                if made is not None:
                    yield node.path, made

    def _person_parts(self, person: str, theirs: Iterator[Entry]) -> Iterator[Output]:
        parts = set()
        for number, on_page in groupby(theirs, lambda one: one.person_number // nodes.PER_PAGE):
            parts.add(number)
            yield self._group(Group("person", person, "", number), list(on_page)[::-1])
        if 0 not in parts:
            yield self._group(Group("person", person, "", 0), [])

    def _group(self, group: Group, items: list[Entry]) -> Output:
        node = nodes.group_node(group, self.frame.campaigns)
        made = self.listings.group(node, group, items)
        assert made is not None  # the page is asked for because somebody stands on it
        return node.path, made

    def _of_campaign(self, node: Node) -> bytes | None:
        campaign = self.frame.campaigns.get(node.owner)
        if campaign is None:
            return None
        if node.kind == "campaign":
            return self.listings.campaign(campaign)
        if node.kind == "campaign-feed":
            return self._feed(campaign)
        if node.kind == "map":
            return self._map(campaign, node)
        return self.listings.month(campaign, node)

    def _plain(self, node: Node) -> bytes | None:
        match node.kind:
            case "feed":
                return self._feed(None)
            case "404" | "410":
                return self.layout.page(node.path, path="")
            case "robots":
                return feeds.robots(self.ledger.settings.public_url)
            case "map-index":
                return self._map_index()
            case "map-pages":
                return self._map_pages()
            case "asset":
                return assets().get(node.owner)
            case _:
                return None

    def _post(self, entry: Entry, node: Node) -> bytes | None:
        if nodes.index_of(entry.address) != node.path:
            return None
        campaign = self.frame.campaigns[entry.campaign_id]
        when = entry.when
        if entry.is_piece:
            return self._piece(entry, campaign)
        return (
            self.layout.post(campaign)
            .fill(
                {
                    "title": escape(entry.title),
                    "words": escape(entry.words),
                    "href": escape(encoded_path(entry.address)),
                    "long": long_class(entry.words),
                    "above": entry.asked.above(entry.words),
                    "body": entry.body,
                    "time": when.isoformat(),
                    "day": day(when),
                    "author_page": _author_page(entry.person),
                    "also": " and in editions" if entry.in_editions else "",
                    "linked": linked.quotation(entry, campaign, *self._blog),
                }
            )
            .encode()
        )

    def _piece(self, entry: Entry, campaign: Campaign) -> bytes:
        return self.layout.page(
            "piece.html",
            path=entry.address,
            campaign=campaign,
            one=entry,
            body=Markup(entry.body),  # noqa: S704 - made by the theme, and sealed
            author_page=Markup(_author_page(entry.person)),  # noqa: S704 - made by the theme
            form=self.layout.form(campaign),
            linked=linked.article(entry, campaign, *self._blog),
        )

    def _edition(self, node: Node) -> bytes | None:
        edition = next((one for one in self.frame.editions if one.id == node.owner), None)
        if edition is None or nodes.index_of(edition.address) != node.path:
            return None
        parts = edition_parts(self.connection, edition.id)
        try:
            introduction = self.prose.render(parts.introduction)
            method = self.prose.render(parts.method)
        except DefinedbyError as error:
            self.refused.append(Refusal(f"Edition '{edition.title}'", error.what, error.next_step))
            return None
        campaign = self.frame.campaigns[edition.campaign_id]
        items = [
            one
            for one in self.shelf.by_ids(parts.definition_ids)
            if one.in_editions and one.campaign_id == campaign.id
        ]
        edition = edition.called(campaign, len({one.person or one.id for one in items}))
        winner = [one for one in items if edition.is_best and one.id == parts.winner_id]
        return self.layout.page(
            "edition.html",
            path=edition.address,
            feed=f"/{campaign.slug}/feed.xml",
            own_feed=edition.address,
            campaign=campaign,
            edition=edition,
            introduction=introduction,
            form=self.layout.form(campaign),
            method=method,
            next_one=edition.next_one(campaign),
            count=len(items),
            winner=self.listings.listed(winner),
            items=self.listings.listed([one for one in items if one not in winner]),
        )

    def _prose(self, node: Node) -> bytes | None:
        page = next((one for one in self.frame.pages if one.slug == node.owner), None)
        if page is None:
            return None
        return self.layout.page("page.html", path=f"/{page.slug}/", page=page)

    def _feed(self, campaign: Campaign | None) -> bytes:
        settings = self.ledger.settings
        page = f"/{campaign.slug}/" if campaign else "/"
        entries = self.shelf.newest(feeds.MOST_ENTRIES, campaign.id if campaign else "")
        return feeds.atom(
            Feed(
                title=f"{campaign.term} – {settings.title}" if campaign else settings.title,
                base=settings.public_url,
                path=f"{page}feed.xml",
                page=page,
                entries=entries,
                author=settings.asker,
                older=feeds.key_of(entries[-1].granted_at, entries[-1].id)
                if len(entries) == feeds.MOST_ENTRIES
                else "",
            )
        )

    def _map(self, campaign: Campaign, node: Node) -> bytes | None:
        month, part = nodes.range_of(node)
        listed = self.shelf.addresses(campaign.id, month, *nodes.map_range(part))
        if not listed:
            return None
        people = dict.fromkeys(person for _, person in listed if person)
        return feeds.sitemap(
            self.ledger.settings.public_url, [*(address for address, _ in listed), *people]
        )

    def _map_pages(self) -> bytes:
        addresses = ["/"]
        addresses += [f"/{one.slug}/" for one in self.frame.campaigns.values()]
        shown = {one.campaign_id for one in self.frame.editions}
        addresses += [
            nodes.editions_address(one) for one in self.frame.campaigns.values() if one.id in shown
        ]
        addresses += [one.address for one in self.frame.editions]
        addresses += [f"/{one.slug}/" for one in self.frame.pages]
        return feeds.sitemap(self.ledger.settings.public_url, addresses)

    def _map_index(self) -> bytes:
        rows = _MAPS.tuples(self.connection)
        names = [nodes.MAP_PAGES.path]
        names += [
            nodes.map_name(self.frame.campaigns[owner], month, part)
            for owner, month, part in rows
            if owner in self.frame.campaigns
        ]
        return feeds.sitemap_index(self.ledger.settings.public_url, names)


@cache
def _author_pieces() -> Pieces:
    return Pieces(str(quote_macros().author_page(Slot("href"))))


def _author_page(person: str) -> str:
    """The link to an author's page; nothing for somebody anonymous."""
    return _author_pieces().fill({"href": escape(encoded_path(person))}) if person else ""
