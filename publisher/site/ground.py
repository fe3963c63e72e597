"""All that shapes the blog besides consent and editions, found quickly when it is unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.database import Ledger
from ledger.model import Campaign
from publisher.kept import Kept
from publisher.pages import HandPage
from publisher.prose import ProseRenderer
from publisher.site import sources
from publisher.site.editions import ListedEdition
from publisher.site.frame import Frame
from publisher.site.hand_pages import Prose, read_prose
from publisher.site.sources import Shape


@dataclass(frozen=True)
class Ground:
    """`facts` are what the site's record keeps of it."""

    stamp: str
    prose: Prose
    shape: Shape
    facts: Mapping[str, str | None]


def ground_of(
    ledger: Ledger,
    kept: Kept,
    campaigns: Sequence[Campaign],
    recorded: Mapping[str, str],
    renderer: ProseRenderer,
) -> Ground:
    """What pages are made on now; `recorded` are the facts of the site that stands.

    Pages are read from their files only when one of those has changed since the site was made.
    """
    stamp = kept.stamp_of(ledger, sources.stamped(ledger, campaigns))
    pages = recorded.get(sources.PAGES, "")
    stands = recorded.get(sources.STAMP) == stamp
    old = kept.ground
    if old and old.stamp == stamp and (not stands or old.facts[sources.PAGES] == pages):
        return old
    prose = Prose.of(pages) if stands else read_prose(ledger, campaigns, renderer)
    shape = sources.shape_of(ledger, campaigns, [(one.slug, one.title) for one in prose.pages])
    facts = {
        sources.STAMP: stamp,
        sources.SHAPE: shape.text(),
        sources.PAGES: prose.text(),
    }
    kept.ground = Ground(stamp, prose, shape, facts)
    return kept.ground


def frame_of(
    kept: Kept,
    campaigns: Sequence[Campaign],
    editions: Sequence[ListedEdition],
    pages: Sequence[HandPage],
) -> Frame:
    """The frame of the last publication while all in it is as it was."""
    found, old = Frame({one.id: one for one in campaigns}, editions, pages), kept.frame
    if old == found:
        return old
    if old is not None and old.campaigns == found.campaigns:
        found.known = old.known
    kept.frame = found
    return found
