"""Where a publication begins: what jobs and events name, and what has changed besides consent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ledger.campaigns import all_campaigns
from ledger.database import Ledger
from ledger.jobs import Job, JobKind, open_jobs
from ledger.model import Campaign
from ledger.paused import PAUSED
from ledger.pieces import pieces_of_others
from ledger.prepared import Prepared
from ledger.tables import chain_head, instance
from publisher import posts_folder
from publisher.kept import Kept
from publisher.prose import ProseRenderer
from publisher.site import nodes, sources
from publisher.site.behind import changed_since
from publisher.site.editions import all_editions
from publisher.site.frame import Frame
from publisher.site.ground import Ground, frame_of, ground_of
from publisher.site.hand_pages import Prose
from publisher.site.nodes import Node
from publisher.site.sources import Shape

MOST_JOBS = 100_000
_FACT = select(instance.c.value)
#: The newest event, why publishing is paused, and who last compared every composed file.
_AT_HAND = Prepared(
    select(
        chain_head.c.seq,
        _FACT.where(instance.c.name == PAUSED).scalar_subquery(),
        _FACT.where(instance.c.name == sources.COMPOSED_BY).scalar_subquery(),
    ).where(chain_head.c.id == 1)
)


@dataclass
class Outset:
    """What a round begins with."""

    jobs: list[Job]
    ids: list[str]
    head: int
    pause: str
    known: dict[str, str]
    ground: Ground
    frame: Frame
    editions: list[str]
    #: The newest event that the site knows of.
    cursor: int
    #: Files that a killed run has left behind, by definition.
    unfinished: dict[str, set[str]]
    #: The program that last compared every composed file.
    composed_by: str

    @property
    def shape(self) -> Shape:
        return self.ground.shape

    @property
    def known_shape(self) -> Shape | None:
        """The shape of the site that stands; None when it did not come to its end."""
        text = self.known.get(sources.SHAPE, "")
        return self.shape if text == self.ground.facts[sources.SHAPE] else Shape.of(text)


def look_around(
    ledger: Ledger,
    renderer: ProseRenderer,
    horizon: datetime,
    cursor: int = 0,
    also: Collection[str] = (),
    kept: Kept | None = None,
) -> Outset:
    """Everything that is to be looked at; `also` are definitions that somebody names."""
    kept = kept or Kept()
    with ledger.read() as connection:
        known = sources.read_sources(connection)
        campaigns = all_campaigns(connection)
        cursor = max(cursor, int(known.get(sources.CURSOR, 0)))
        head, pause, composed_by = _AT_HAND.tuples(connection)[0]
        jobs = open_jobs(connection, JobKind.PUBLISH, horizon, limit=MOST_JOBS)
        unfinished = posts_folder.unfinished(connection)
        ids = {job.subject for job in jobs} | unfinished.keys() | set(also)
        if head > cursor:
            ids |= changed_since(connection, cursor)
        if ids:
            stands_under = pieces_of_others(connection)
            ids |= {stands_under[one] for one in ids & stands_under.keys()}
        listed, edition_ids = all_editions(connection)
    shown = {name.removeprefix(sources.EDITION) for name in known if name[:8] == sources.EDITION}
    ground = ground_of(ledger, kept, campaigns, known, renderer)
    return Outset(
        jobs=jobs,
        ids=sorted(ids),
        head=head,
        pause=pause or "",
        known=known,
        ground=ground,
        frame=frame_of(kept, campaigns, listed, ground.prose.pages),
        # Public now or when the site was last made, or neither.
        editions=sorted((edition_ids | shown) & ids),
        cursor=cursor,
        unfinished=unfinished,
        composed_by=composed_by or "",
    )


def beside_consent(outset: Outset, known: Shape | None) -> Iterator[tuple[Node, str]]:
    """Outputs that change because of a page, a new campaign or an edition."""
    stored = outset.known.get(sources.PAGES, "")
    if stored != outset.ground.facts[sources.PAGES]:
        before = {one.slug: one for one in Prose.of(stored).pages}
        for page in outset.ground.prose.pages:
            if before.get(page.slug) != page:
                yield nodes.prose_node(page.slug), "a page was changed"
    campaigns: dict[str, Campaign] = outset.frame.campaigns
    for campaign_id in campaigns.keys() - (known.campaigns if known else {}):
        for node in (*nodes.campaign_nodes(campaigns[campaign_id]), nodes.FRONT, nodes.MAP_PAGES):
            yield node, "a campaign was added"
    yield from of_editions(outset)


def of_editions(outset: Outset) -> Iterator[tuple[Node, str]]:
    """Outputs that change because of the editions that were asked for."""
    for edition_id in outset.editions:
        yield from _of_edition(outset, edition_id)


def _of_edition(outset: Outset, edition_id: str) -> Iterator[tuple[Node, str]]:
    reason = "an edition was published, changed or taken away"
    old = outset.known.get(f"{sources.EDITION}{edition_id}")
    addresses = {old} if old else set()
    addresses |= {one.address for one in outset.frame.editions if one.id == edition_id}
    for address in sorted(addresses):
        yield nodes.edition_node(edition_id, address), reason
        slug = address.strip("/").split("/")[0]
        for campaign in outset.frame.campaigns.values():
            if campaign.slug == slug:
                yield nodes.campaign_nodes(campaign)[0], reason
                yield nodes.editions_node(campaign), reason
    if addresses:
        yield nodes.FRONT, reason
        yield nodes.MAP_PAGES, reason
