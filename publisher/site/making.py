"""Makes the bytes of one output from what stands: same rows, same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import Connection, bindparam, func, select

from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.model import Campaign
from ledger.tables import site_groups
from publisher import feeds
from publisher.pages import HandPage
from publisher.prose import ProseRenderer
from publisher.render import (
    MONTHS,
    chrome_macros,
    day,
    encoded_path,
    part_macros,
    quote_macros,
    render_page,
)
from publisher.report import Refusal
from publisher.shown import Question, long_class, question_of
from publisher.site import linked, nodes
from publisher.site.editions import ListedEdition, edition_parts
from publisher.site.entries import Entry, Shelf
from publisher.site.nodes import Group, Node
from publisher.site.slots import Pieces, Slot
from publisher.theme import asset_addresses, assets

ON_FRONT = 12
ON_CAMPAIGN = 100
_GROUP = (site_groups.c.kind, site_groups.c.owner, site_groups.c.month, site_groups.c.part)
_PARTS = (
    select(site_groups.c.part)
    .where(
        site_groups.c.kind == bindparam("kind"),
        site_groups.c.owner == bindparam("owner"),
        site_groups.c.month == bindparam("month"),
    )
    .order_by(site_groups.c.part)
)
_MONTHS = (
    select(site_groups.c.month, func.sum(site_groups.c.count))
    .where(site_groups.c.kind == "month", site_groups.c.owner == bindparam("owner"))
    .group_by(site_groups.c.month)
    .order_by(site_groups.c.month.desc())
)
#: A path below the site folder and the bytes that belong there.
Output = tuple[str, bytes]


@dataclass(frozen=True)
class Month:
    """A month of a campaign's archive, with the number of its definitions."""

    name: str
    address: str
    count: int


@dataclass
class Frame:
    """What shapes every page and is not of any definition; editions newest first."""

    campaigns: dict[str, Campaign]
    editions: Sequence[ListedEdition]
    pages: Sequence[HandPage]

    @cached_property
    def questions(self) -> dict[str, Question]:
        return {id_: question_of(campaign) for id_, campaign in self.campaigns.items()}

    def editions_of(self, campaign_id: str) -> list[ListedEdition]:
        return [one for one in self.editions if one.campaign_id == campaign_id]

    def always(self) -> Iterator[Node]:
        """The outputs that are there whatever stands."""
        yield from nodes.ALWAYS
        for name in assets():
            yield Node("asset", f"assets/{name}", name)
        for campaign in self.campaigns.values():
            yield from nodes.campaign_nodes(campaign)
        for edition in self.editions:
            yield nodes.edition_node(edition.id, edition.address)
        for page in self.pages:
            yield nodes.prose_node(page.slug)


@dataclass
class Maker:
    """`refused` grows while outputs are made."""

    ledger: Ledger
    connection: Connection
    frame: Frame
    prose: ProseRenderer
    refused: list[Refusal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.connection, self.ledger.keys, self.frame.questions)
        settings = self.ledger.settings
        self._blog = (settings.public_url, settings.title)
        self._menu = {page.slug for page in self.frame.pages}
        self._headers: dict[str, Markup] = {}
        self._footers: dict[str, Markup] = {}
        self._forms: dict[str, Markup] = {}
        self._posts: dict[str, Pieces] = {}
        self._known_parts: dict[tuple[str, str, str], list[int]] | None = None
        self._common: dict[str, Any] = {
            "title": settings.title,
            "asker": settings.asker,
            "contact": _contact(settings.contact),
            "demo": settings.demo,
            "base": settings.public_url,
            "assets": asset_addresses(),
            "questions": {id_: one.html for id_, one in self.frame.questions.items()},
        }

    def make(self, node: Node) -> bytes | None:
        """The bytes of an output; None when nothing stands there any more."""
        match node.kind:
            case "post":
                found = self.shelf.by_ids([node.owner])
                return self._post(found[0], node) if found else None
            case "front":
                return self._front()
            case "campaign" | "campaign-feed" | "month" | "map":
                return self._of_campaign(node)
            case "person":
                return self._person_of(node)
            case "edition":
                return self._edition(node)
            case "prose":
                return self._prose(node)
            case _:
                return self._plain(node)

    def everything(self) -> Iterator[Output]:
        """Every output, one by one: a site of any size is made in the same memory."""
        # Most people and months have one page: those that have more are asked for at once.
        self._known_parts = {}
        more = select(*_GROUP).where(site_groups.c.part > 0, site_groups.c.kind != "map")
        for kind, owner, month, part in self.connection.execute(more.order_by(*_GROUP)):
            self._known_parts.setdefault((kind, owner, month), []).append(part)
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
            for shard in self._parts("map", campaign_id, name):
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
        if group.kind == "person":
            made = self._person(node, group.part, items)
        else:
            campaign = self.frame.campaigns[group.owner]
            made = self._month(campaign, group.month, group.part, items)
        assert made is not None  # the page is asked for because somebody stands on it
        return node.path, made

    def _of_campaign(self, node: Node) -> bytes | None:
        campaign = self.frame.campaigns.get(node.owner)
        if campaign is None:
            return None
        if node.kind == "campaign":
            return self._campaign(campaign)
        if node.kind == "campaign-feed":
            return self._feed(campaign)
        if node.kind == "map":
            return self._map(campaign, node)
        month, part = nodes.range_of(node)
        first = part * nodes.PER_PAGE
        items = self.shelf.of_month(campaign.id, month, first, first + nodes.PER_PAGE)
        return self._month(campaign, month, part, items)

    def _plain(self, node: Node) -> bytes | None:
        match node.kind:
            case "feed":
                return self._feed(None)
            case "404" | "410":
                return self._page(node.path, path="")
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
        pieces = self._posts.get(entry.campaign_id)
        if pieces is None:
            pieces = self._posts[entry.campaign_id] = self._post_pieces(entry.campaign_id)
        when = entry.when
        return pieces.fill(
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
                "linked": linked.quotation(
                    entry, self.frame.campaigns[entry.campaign_id], *self._blog
                ),
            }
        ).encode()

    def _post_pieces(self, campaign_id: str) -> Pieces:
        """The page of any definition of a campaign, with gaps for what is its own."""
        campaign = self.frame.campaigns[campaign_id]
        names = (
            "title",
            "words",
            "long",
            "above",
            "body",
            "time",
            "day",
            "author_page",
            "also",
            "linked",
        )
        made = self._page(
            "definition.html",
            path="/",
            href=Slot("href"),
            one={name: Slot(name) for name in names},
            campaign=campaign,
            form=self._form(campaign),
        )
        return Pieces(made.decode())

    def _front(self) -> bytes:
        campaigns = list(self.frame.campaigns.values())
        return self._page(
            "index.html",
            path="/",
            open_campaigns=[campaign for campaign in campaigns if campaign.is_open],
            campaigns=campaigns,
            newest=_listed(self.shelf.newest(ON_FRONT), asked=len(campaigns) > 1),
            editions=self.frame.editions,
        )

    def _campaign(self, campaign: Campaign) -> bytes:
        months = self._months(campaign)
        newest = self.shelf.newest(ON_CAMPAIGN, campaign.id)
        address = f"/{campaign.slug}/"
        return self._page(
            "campaign.html",
            path=address,
            feed=f"{address}feed.xml",
            campaign=campaign,
            linked=linked.defined_term(campaign, *self._blog),
            newest=_listed(newest),
            listed=len(newest),
            count=sum(month.count for month in months),
            months=months,
            editions=self.frame.editions_of(campaign.id),
        )

    def _month(self, campaign: Campaign, month: str, part: int, items: list[Entry]) -> bytes | None:
        others = [] if part else [one for one in self._parts("month", campaign.id, month) if one]
        if not items and not others:
            return None
        base = nodes.month_address(campaign, month)
        return self._page(
            "archive.html",
            path=nodes.part_address(base, part),
            feed=f"/{campaign.slug}/feed.xml",
            campaign=campaign,
            month=Month(_month_name(month), base, len(items)),
            part=part,
            others=others,
            items=_listed(items),
        )

    def _person_of(self, node: Node) -> bytes | None:
        _, part = nodes.range_of(node)
        first = part * nodes.PER_PAGE
        items = self.shelf.of_person(node.owner, first, first + nodes.PER_PAGE)
        return self._person(node, part, items)

    def _person(self, node: Node, part: int, items: list[Entry]) -> bytes | None:
        others = [] if part else [one for one in self._parts("person", node.owner, "") if one]
        if not items and not others:
            return None
        named = items or self._some_of(node.owner, others[0])
        return self._page(
            "person.html",
            path=nodes.part_address(node.owner, part),
            address=node.owner,
            name=named[0].name,
            # Of what stands here: a page changes only with what stands on it.
            url=items[0].url if items else "",
            part=part,
            others=others,
            count=len(items),
            items=_listed(items, asked=True),
        )

    def _some_of(self, person: str, part: int) -> list[Entry]:
        first = part * nodes.PER_PAGE
        return self.shelf.of_person(person, first, first + nodes.PER_PAGE)

    def _edition(self, node: Node) -> bytes | None:
        edition = next((one for one in self.frame.editions if one.id == node.owner), None)
        if edition is None or nodes.index_of(edition.address) != node.path:
            return None
        text, ids = edition_parts(self.connection, edition.id)
        try:
            introduction = self.prose.render(text)
        except DefinedbyError as error:
            self.refused.append(Refusal(f"Edition '{edition.title}'", error.what, error.next_step))
            return None
        campaign = self.frame.campaigns[edition.campaign_id]
        items = [
            one
            for one in self.shelf.by_ids(ids)
            if one.in_editions and one.campaign_id == campaign.id
        ]
        return self._page(
            "edition.html",
            path=edition.address,
            feed=f"/{campaign.slug}/feed.xml",
            campaign=campaign,
            edition=edition,
            introduction=introduction,
            form=self._form(campaign),
            count=len(items),
            items=_listed(items),
        )

    def _prose(self, node: Node) -> bytes | None:
        page = next((one for one in self.frame.pages if one.slug == node.owner), None)
        if page is None:
            return None
        return self._page("page.html", path=f"/{page.slug}/", page=page)

    def _feed(self, campaign: Campaign | None) -> bytes:
        settings = self.ledger.settings
        page = f"/{campaign.slug}/" if campaign else "/"
        return feeds.atom(
            title=f"{campaign.term} – {settings.title}" if campaign else settings.title,
            base=settings.public_url,
            path=f"{page}feed.xml",
            page=page,
            entries=self.shelf.newest(feeds.MOST_ENTRIES, campaign.id if campaign else ""),
            author=settings.asker,
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
        addresses += [one.address for one in self.frame.editions]
        addresses += [f"/{one.slug}/" for one in self.frame.pages]
        return feeds.sitemap(self.ledger.settings.public_url, addresses)

    def _map_index(self) -> bytes:
        rows = self.connection.execute(
            select(site_groups.c.owner, site_groups.c.month, site_groups.c.part)
            .where(site_groups.c.kind == "map")
            .order_by(site_groups.c.owner, site_groups.c.month, site_groups.c.part)
        )
        names = [nodes.MAP_PAGES.path]
        names += [
            nodes.map_name(self.frame.campaigns[owner], month, part)
            for owner, month, part in rows
            if owner in self.frame.campaigns
        ]
        return feeds.sitemap_index(self.ledger.settings.public_url, names)

    def _months(self, campaign: Campaign) -> list[Month]:
        """Newest first."""
        rows = self.connection.execute(_MONTHS, {"owner": campaign.id})
        return [
            Month(_month_name(month), nodes.month_address(campaign, month), count)
            for month, count in rows
        ]

    def _parts(self, kind: str, owner: str, month: str) -> list[int]:
        if self._known_parts is not None and kind != "map":
            return self._known_parts.get((kind, owner, month), [])
        values = {"kind": kind, "owner": owner, "month": month}
        return list(self.connection.execute(_PARTS, values).scalars())

    def _page(self, template: str, *, path: str, feed: str = "/feed.xml", **values: Any) -> bytes:
        frame = {
            "header": self._header(path),
            "footer": self._footer(feed),
            "indexed": bool(path),
            "href": encoded_path(path),
            "feed": feed,
        }
        return render_page(template, {**self._common, **frame, **values})

    def _header(self, path: str) -> Markup:
        """The menu marks the page that it stands on, if that is one of its own."""
        current = path if path.strip("/") in self._menu else ""
        if current not in self._headers:
            self._headers[current] = chrome_macros().header(
                self._common["title"], self.frame.pages, current
            )
        return self._headers[current]

    def _footer(self, feed: str) -> Markup:
        if feed not in self._footers:
            self._footers[feed] = chrome_macros().footer(
                self._common["asker"], self._common["contact"], feed
            )
        return self._footers[feed]

    def _form(self, campaign: Campaign) -> Markup:
        """The form below a post or an edition."""
        if campaign.id not in self._forms:
            question = self.frame.questions[campaign.id].html
            self._forms[campaign.id] = part_macros().form(campaign, question, "h3")
        return self._forms[campaign.id]


def _listed(items: Sequence[Entry], *, asked: bool = False) -> Markup:
    """Entries one below the other, with their questions or without."""
    parts = (one.in_list(asked=asked) for one in items)
    return Markup("\n".join(parts))  # noqa: S704 - each was made by the theme, and sealed


@cache
def _author_pieces() -> Pieces:
    return Pieces(str(quote_macros().author_page(Slot("href"))))


def _author_page(person: str) -> str:
    """The link to an author's page; nothing for somebody anonymous."""
    return _author_pieces().fill({"href": escape(encoded_path(person))}) if person else ""


def _month_name(month: str) -> str:
    year, _, number = month.partition("-")
    return f"{MONTHS[int(number) - 1]} {year}"


def _contact(contact: str) -> Markup | str:
    """An e-mail address as a link, a postal address as it is."""
    if "@" in contact and " " not in contact:
        return Markup('<a href="mailto:{0}">{0}</a>').format(contact)
    return contact
