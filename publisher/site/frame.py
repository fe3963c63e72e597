"""What stands around every page, and what follows from it: made once, for as long as it stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from markupsafe import Markup

from ledger.model import Campaign
from ledger.settings import Settings
from publisher.pages import HandPage
from publisher.render import chrome_macros, encoded_path, part_macros, render_page
from publisher.shown import Question, question_of
from publisher.site import linked, nodes
from publisher.site.editions import ListedEdition
from publisher.site.nodes import Node
from publisher.site.shelf import Known
from publisher.site.slots import Pieces, Slot
from publisher.theme import asset_addresses, assets

#: What a definition's page has of its own.
OF_A_POST = (
    *("title", "words", "long", "above", "body", "time", "day"),
    *("author_page", "also", "linked"),
)


@dataclass
class Frame:
    """What shapes every page and is not of any definition; editions newest first.

    `known` are entries that were read for pages in this frame, as publisher.site.shelf says.
    """

    campaigns: dict[str, Campaign]
    editions: Sequence[ListedEdition]
    pages: Sequence[HandPage]
    known: Known = field(default_factory=dict, repr=False, compare=False)
    _layout: Layout | None = field(default=None, repr=False, compare=False)

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
            yield nodes.editions_node(campaign)
        for edition in self.editions:
            yield nodes.edition_node(edition.id, edition.address)
        for page in self.pages:
            yield nodes.prose_node(page.slug)

    def layout(self, settings: Settings) -> Layout:
        if self._layout is None or self._layout.settings is not settings:
            self._layout = Layout(settings, self)
        return self._layout


class Layout:
    """The parts of pages that are the same on many of them, rendered when first wanted."""

    def __init__(self, settings: Settings, frame: Frame) -> None:
        self.settings = settings
        self._frame = frame
        self._menu = {page.slug for page in frame.pages}
        self._headers: dict[str, Markup] = {}
        self._footers: dict[str, Markup] = {}
        self._feeds: dict[str, Markup] = {}
        self._forms: dict[str, Markup] = {}
        self._posts: dict[str, Pieces] = {}
        self._common: dict[str, Any] = {
            "title": settings.title,
            "asker": settings.asker,
            "contact": _contact(settings.contact),
            "demo": settings.demo,
            "base": settings.public_url,
            "assets": asset_addresses(),
            "questions": {id_: one.html for id_, one in frame.questions.items()},
        }

    def page(
        self,
        template: str,
        *,
        path: str,
        feed: str = "/feed.xml",
        own_feed: str = "",
        **values: Any,
    ) -> bytes:
        """`own_feed` is the address of what a page has feeds of besides that of the blog."""
        around = {
            "header": self._header(path),
            "footer": self._footer(feed),
            "indexed": bool(path),
            "href": encoded_path(path),
            "feed": feed,
            "feeds": self._feed_links(feed),
            "own_feed": own_feed,
        }
        return render_page(template, {**self._common, **around, **values})

    def post(self, campaign: Campaign) -> Pieces:
        """The page of any definition of a campaign, with gaps for what is its own."""
        if campaign.id not in self._posts:
            made = self.page(
                "definition.html",
                path="/",
                href=Slot("href"),
                one={name: Slot(name) for name in OF_A_POST},
                campaign=campaign,
                form=self.form(campaign),
            )
            self._posts[campaign.id] = Pieces(made.decode())
        return self._posts[campaign.id]

    def form(self, campaign: Campaign) -> Markup:
        """The form below a post or an edition."""
        if campaign.id not in self._forms:
            question = self._frame.questions[campaign.id].html
            self._forms[campaign.id] = part_macros().form(campaign, question, "h3")
        return self._forms[campaign.id]

    def _header(self, path: str) -> Markup:
        """The menu marks the page that it stands on, if that is one of its own."""
        current = path if path.strip("/") in self._menu else ""
        if current not in self._headers:
            self._headers[current] = chrome_macros().header(
                self._common["title"], self._frame.pages, current
            )
        return self._headers[current]

    def _feed_links(self, feed: str) -> Markup:
        if feed not in self._feeds:
            self._feeds[feed] = chrome_macros().feeds(self._common["title"], feed)
        return self._feeds[feed]

    @cached_property
    def terms(self) -> Markup:
        """All terms of the blog, for programs."""
        of, campaigns = self.settings, self._frame.campaigns.values()
        return linked.term_set(campaigns, of.public_url, of.title)

    def _footer(self, feed: str) -> Markup:
        if feed not in self._footers:
            self._footers[feed] = chrome_macros().footer(
                self._common["asker"], self._common["contact"], feed
            )
        return self._footers[feed]


def _contact(contact: str) -> Markup | str:
    """An e-mail address as a link, a postal address as it is."""
    if "@" in contact and " " not in contact:
        return Markup('<a href="mailto:{0}">{0}</a>').format(contact)
    return contact
