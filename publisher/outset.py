"""Where a publication begins: what jobs and events name, and what has changed besides consent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ledger import events
from ledger.campaigns import all_campaigns
from ledger.database import Ledger
from ledger.jobs import Job, JobKind, open_jobs
from ledger.model import Campaign
from ledger.paused import paused
from ledger.tables import editions
from publisher import posts_folder
from publisher.prose import ProseRenderer
from publisher.site import nodes, sources
from publisher.site.behind import changed_since
from publisher.site.editions import public_editions
from publisher.site.hand_pages import Prose, read_prose
from publisher.site.making import Frame
from publisher.site.nodes import Node
from publisher.site.sources import Shape

MOST_JOBS = 100_000


@dataclass
class Outset:
    """What a round begins with."""

    jobs: list[Job]
    ids: list[str]
    head: int
    pause: str
    known: dict[str, str]
    stamp: str
    prose: Prose
    frame: Frame
    shape: Shape
    editions: list[str]
    #: The newest event that the site knows of.
    cursor: int
    #: Files that a killed run has left behind, by definition.
    unfinished: dict[str, set[str]]
    #: The program that last compared every composed file.
    composed_by: str


def look_around(
    ledger: Ledger,
    renderer: ProseRenderer,
    horizon: datetime,
    cursor: int = 0,
    also: Collection[str] = (),
) -> Outset:
    """Everything that is to be looked at; `also` are definitions that somebody names."""
    with ledger.read() as connection:
        known = sources.read_sources(connection)
        campaigns = all_campaigns(connection)
        cursor = max(cursor, int(known.get(sources.CURSOR, 0)))
        head = events.head(connection).seq
        jobs = open_jobs(connection, JobKind.PUBLISH, horizon, limit=MOST_JOBS)
        unfinished = posts_folder.unfinished(connection)
        composed_by = sources.composer(connection)
        ids = {job.subject for job in jobs} | unfinished.keys() | set(also)
        ids |= changed_since(connection, cursor)
        pause = paused(connection)
        listed = public_editions(connection)
        asked = _editions_among(connection, ids, known)
    stamp = sources.stamp(ledger, campaigns)
    if stamp == known.get(sources.STAMP):
        prose = Prose.of(known.get(sources.PAGES, ""))
    else:
        prose = read_prose(ledger, campaigns, renderer)
    menu = [(one.slug, one.title) for one in prose.pages]
    return Outset(
        jobs=jobs,
        ids=sorted(ids),
        head=head,
        pause=pause,
        known=known,
        stamp=stamp,
        prose=prose,
        frame=Frame({one.id: one for one in campaigns}, listed, prose.pages),
        shape=sources.shape_of(ledger, campaigns, menu),
        editions=asked,
        cursor=cursor,
        unfinished=unfinished,
        composed_by=composed_by,
    )


def _editions_among(connection: Connection, ids: set[str], known: dict[str, str]) -> list[str]:
    """Those that are editions, public now or when the site was last made."""
    shown = {name.removeprefix(sources.EDITION) for name in known if name[:8] == sources.EDITION}
    rows = connection.execute(select(editions.c.id).where(editions.c.id.in_(sorted(ids))))
    return sorted((set(rows.scalars()) | (shown & ids)) & ids)


def beside_consent(outset: Outset, known: Shape | None) -> Iterator[tuple[Node, str]]:
    """Outputs that change because of a page, a new campaign or an edition."""
    before = {one.slug: one for one in Prose.of(outset.known.get(sources.PAGES, "")).pages}
    for page in outset.prose.pages:
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
    if addresses:
        yield nodes.FRONT, reason
        yield nodes.MAP_PAGES, reason
