"""The outputs of the site: what each shows, where it lies, and which ones a change touches.

Pages of archives have fixed ranges. A definition keeps its place, so that one which comes or
goes changes the page it stands on and no other, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ledger.model import Campaign
from publisher.site.entries import Entry

#: Definitions on one page of a month or of a person.
PER_PAGE = 100
#: Addresses in one sitemap. A new page and a new sitemap never begin with the same definition,
#: so that neither adds to the files that the other one makes.
PER_MAP = 200
MAP_OFFSET = 50


class Node(NamedTuple):
    """One output: `owner` and `part` say which of its kind, `path` where in the site folder."""

    kind: str
    path: str
    owner: str = ""
    part: str = ""


class Group(NamedTuple):
    """One page of a fixed range; its owner is a campaign or the page of a person."""

    kind: str
    owner: str
    month: str
    part: int


FRONT = Node("front", "index.html")
FEED = Node("feed", "feed.xml")
MAP_INDEX = Node("map-index", "sitemap.xml")
MAP_PAGES = Node("map-pages", "sitemap-pages.xml")
ALWAYS = (
    FRONT,
    FEED,
    Node("404", "404.html"),
    Node("410", "410.html"),
    Node("robots", "robots.txt"),
    MAP_INDEX,
    MAP_PAGES,
)


def index_of(address: str) -> str:
    return address.lstrip("/") + "index.html"


def part_address(base: str, part: int) -> str:
    return f"{base}{part + 1}/" if part else base


def month_address(campaign: Campaign, month: str) -> str:
    return f"/{campaign.slug}/{month}/"


def map_name(campaign: Campaign, month: str, part: int) -> str:
    return f"sitemap-{campaign.slug}-{month}-{part + 1}.xml"


def campaign_nodes(campaign: Campaign) -> tuple[Node, Node]:
    """The campaign's page and its feed."""
    return (
        Node("campaign", f"{campaign.slug}/index.html", campaign.id),
        Node("campaign-feed", f"{campaign.slug}/feed.xml", campaign.id),
    )


def post_node(entry: Entry) -> Node:
    return Node("post", index_of(entry.address), entry.id)


def edition_node(edition_id: str, address: str) -> Node:
    return Node("edition", index_of(address), edition_id)


def editions_address(campaign: Campaign) -> str:
    return f"/{campaign.slug}/editions/"


def editions_node(campaign: Campaign) -> Node:
    """The list of all editions of a campaign."""
    return Node("editions", index_of(editions_address(campaign)), campaign.id)


def prose_node(slug: str) -> Node:
    return Node("prose", f"{slug}/index.html", slug)


def groups_of(entry: Entry) -> Iterator[Group]:
    yield Group("month", entry.campaign_id, entry.month, entry.number // PER_PAGE)
    yield Group("map", entry.campaign_id, entry.month, map_part(entry.number))
    if entry.person:
        yield Group("person", entry.person, "", entry.person_number // PER_PAGE)


def map_part(number: Any) -> Any:
    """Which sitemap lists the definition with this number, or the column of numbers."""
    return (number + PER_MAP - MAP_OFFSET) // PER_MAP


def map_range(part: int) -> tuple[int, int]:
    """The first number of a sitemap's definitions and the first that is beyond it."""
    first = part * PER_MAP - (PER_MAP - MAP_OFFSET)
    return max(first, 0), first + PER_MAP


def group_node(group: Group, campaigns: Mapping[str, Campaign]) -> Node:
    part = f"{group.month}/{group.part}"
    if group.kind == "person":
        return Node("person", index_of(part_address(group.owner, group.part)), group.owner, part)
    campaign = campaigns[group.owner]
    if group.kind == "map":
        return Node("map", map_name(campaign, group.month, group.part), group.owner, part)
    address = part_address(month_address(campaign, group.month), group.part)
    return Node("month", index_of(address), group.owner, part)


def range_of(node: Node) -> tuple[str, int]:
    """Month and number of the page that a node with a fixed range shows."""
    month, _, part = node.part.partition("/")
    return month, int(part)


def touched(
    old: Entry | None, new: Entry | None, campaigns: Mapping[str, Campaign]
) -> Iterator[Node]:
    """Every output that shows a definition as it was or as it is now, but for the newest ones."""
    for entry in (old, new):
        if entry is None:
            continue
        yield post_node(entry)
        yield campaign_nodes(campaigns[entry.campaign_id])[0]
        for group in groups_of(entry):
            yield group_node(group, campaigns)
