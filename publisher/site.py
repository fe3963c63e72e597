"""Every file of the blog, made from what stands. Same input, same bytes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markupsafe import Markup

from ledger.database import Ledger
from ledger.editions import Edition
from ledger.errors import DefinedbyError
from ledger.model import Campaign, Use
from publisher.feeds import atom, robots, sitemap
from publisher.pages import HandPage
from publisher.prose import ProseRenderer
from publisher.render import THEME, render_page
from publisher.report import Refusal
from publisher.shown import Shown

PER_PAGE = 100
ON_FRONT = 12
#: A path below the site folder and the bytes that belong there.
Output = tuple[str, bytes]


@dataclass
class Blog:
    """All that the blog shows. `shown` is sorted newest first; `refused` grows while building."""

    ledger: Ledger
    campaigns: Sequence[Campaign]
    shown: Sequence[Shown]
    editions: Sequence[tuple[Edition, str]]
    pages: Sequence[HandPage]
    prose: ProseRenderer
    refused: list[Refusal] = field(default_factory=list)

    def of_campaign(self, campaign: Campaign) -> list[Shown]:
        return [one for one in self.shown if one.campaign_id == campaign.id]

    def editions_of(self, campaign: Campaign) -> list[tuple[Edition, str]]:
        return [pair for pair in self.editions if pair[0].campaign_id == campaign.id]


def outputs(blog: Blog) -> Iterator[Output]:
    """Every file, one by one: a blog of any size is built in the same memory."""
    paths: list[str] = []
    for address, content in _addresses(blog):
        paths.append(address)
        yield address.lstrip("/") + "index.html", content
    settings = blog.ledger.settings
    yield (
        "feed.xml",
        atom(
            title=settings.title,
            base=settings.public_url,
            path="/feed.xml",
            page="/",
            shown=blog.shown,
            author=settings.asker,
        ),
    )
    yield from _campaign_feeds(blog)
    yield "404.html", _page(blog, "404.html", path="")
    yield "410.html", _page(blog, "410.html", path="")
    yield from sitemap(settings.public_url, paths)
    yield "robots.txt", robots(settings.public_url)
    for name, content in assets().items():
        yield f"assets/{name}", content


def _addresses(blog: Blog) -> Iterator[Output]:
    yield "/", _front_page(blog)
    for campaign in blog.campaigns:
        yield from _campaign_pages(blog, campaign)
    by_person: dict[str, list[Shown]] = defaultdict(list)
    campaigns = {campaign.id: campaign for campaign in blog.campaigns}
    for one in blog.shown:
        yield (
            one.address,
            _page(
                blog,
                "definition.html",
                path=one.address,
                one=one,
                campaign=campaigns[one.campaign_id],
            ),
        )
        if one.person:
            by_person[one.person].append(one)
    for address, theirs in by_person.items():
        yield address, _page(blog, "person.html", path=address, theirs=theirs)
    for page in blog.pages:
        address = f"/{page.slug}/"
        yield address, _page(blog, "page.html", path=address, page=page)


def _front_page(blog: Blog) -> bytes:
    return _page(
        blog,
        "index.html",
        path="/",
        open_campaigns=[campaign for campaign in blog.campaigns if campaign.is_open],
        campaigns=blog.campaigns,
        newest=blog.shown[:ON_FRONT],
        editions=blog.editions,
        feed="/feed.xml",
    )


def _campaign_pages(blog: Blog, campaign: Campaign) -> Iterator[Output]:
    shown = blog.of_campaign(campaign)
    # Archive pages count from the oldest definition on, so that a new one changes only the last.
    older = (max(len(shown) - PER_PAGE, 0) + PER_PAGE - 1) // PER_PAGE
    address = f"/{campaign.slug}/"
    feed = f"{address}feed.xml"
    common: dict[str, Any] = {"campaign": campaign, "count": len(shown), "feed": feed}
    yield (
        address,
        _page(
            blog,
            "campaign.html",
            path=address,
            newest=shown[:PER_PAGE],
            older=older,
            editions=blog.editions_of(campaign),
            **common,
        ),
    )
    for number in range(1, older + 1):
        end = len(shown) - (number - 1) * PER_PAGE
        path = f"{address}page/{number}/"
        items = shown[max(end - PER_PAGE, 0) : end]
        yield (
            path,
            _page(
                blog, "archive.html", path=path, items=items, number=number, last=older, **common
            ),
        )
    for edition, path in blog.editions_of(campaign):
        made = _edition_page(blog, campaign, edition, path)
        if made is not None:
            yield path, made


def _edition_page(blog: Blog, campaign: Campaign, edition: Edition, path: str) -> bytes | None:
    try:
        introduction = blog.prose.render(edition.introduction)
    except DefinedbyError as error:
        blog.refused.append(Refusal(f"Edition '{edition.title}'", error.what, error.next_step))
        return None
    return _page(
        blog,
        "edition.html",
        path=path,
        campaign=campaign,
        edition=edition,
        introduction=introduction,
        items=edition_items(edition, blog.of_campaign(campaign)),
        feed=f"/{campaign.slug}/feed.xml",
    )


def edition_items(edition: Edition, shown: Sequence[Shown]) -> list[Shown]:
    """The edition's definitions whose authors allow editions, in the editor's order."""
    allowed = {one.id: one for one in shown if Use.EDITION in one.uses}
    chosen = dict.fromkeys(edition.definition_ids)
    return [allowed[definition_id] for definition_id in chosen if definition_id in allowed]


def _campaign_feeds(blog: Blog) -> Iterator[Output]:
    settings = blog.ledger.settings
    for campaign in blog.campaigns:
        address = f"/{campaign.slug}/"
        yield (
            f"{campaign.slug}/feed.xml",
            atom(
                title=f"{campaign.term} – {settings.title}",
                base=settings.public_url,
                path=f"{address}feed.xml",
                page=address,
                shown=blog.of_campaign(campaign),
                author=settings.asker,
            ),
        )


@cache
def assets() -> dict[str, bytes]:
    """The theme's files, each under a name that changes with its content."""
    made = {}
    for path in sorted((THEME / "assets").iterdir()):
        content = path.read_bytes()
        made[f"{path.stem}.{hashlib.sha256(content).hexdigest()[:10]}{path.suffix}"] = content
    return made


def _asset_addresses() -> dict[str, str]:
    return {name.partition(".")[0]: f"/assets/{name}" for name in assets()}


def _page(blog: Blog, template: str, *, path: str, feed: str = "/feed.xml", **values: Any) -> bytes:
    settings = blog.ledger.settings
    return render_page(
        template,
        title=settings.title,
        asker=settings.asker,
        contact=_contact(settings.contact),
        demo=settings.demo,
        base=settings.public_url,
        path=path,
        feed=feed,
        pages=blog.pages,
        assets=_asset_addresses(),
        **values,
    )


def _contact(contact: str) -> Markup | str:
    """An e-mail address as a link, a postal address as it is."""
    if "@" in contact and " " not in contact:
        return Markup('<a href="mailto:{0}">{0}</a>').format(contact)
    return contact
