"""Looking again: does a comment still stand below its post, and does it read as it did?

The feed tells first. What it lists no more is looked for on the page where it stood, by its anchor.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from collector.comments.feed import Item, read_feed
from collector.comments.posts import id_of, moment_of, read_comment, stored_version, version_of
from collector.comments.walk import MOST_REQUESTS
from collector.comments.wire import GONE, PROTECTED, Blog
from collector.connector import ChannelError, SourceState
from collector.safe_fetch import FetchedPage
from ledger.model import IncomingReply

#: What an element is called; possessive, so that nothing is tried twice.
_NAMED = re.compile(
    r"""\b(?:id|name)\s*+=\s*+(?:"([^"<>]*+)"|'([^'<>]*+)'|([^\s"'<>]++))""", re.IGNORECASE
)


@dataclass
class Look:
    """What the feed lists now, and the pages that were fetched beside it."""

    blog: Blog
    items: dict[str, Item] = field(default_factory=dict)
    #: Whether the last page of the feed was read, so that what is not listed is nowhere in it.
    is_complete: bool = False
    texts: dict[str, str] = field(default_factory=dict)
    _pages: dict[str, FetchedPage | None] = field(default_factory=dict)

    def read_down_to(self, wanted: set[str]) -> None:
        """Read the feed until all of these are found. Raises ChannelError for what passes.

        A feed that is gone or closed for good lists nothing: then the pages tell.
        """
        url, met = self.blog.address, set[str]()
        while len(met) < MOST_REQUESTS and url and url not in met and wanted - self.items.keys():
            met.add(url)
            try:
                feed = read_feed(self.blog.feed(url))
            except ChannelError as error:
                if not error.permanent:
                    raise
                return
            self.items.update((id_of(item), item) for item in feed.items)
            self.is_complete, url = not feed.older, feed.older

    def state(self, asked: str) -> SourceState | None:
        """How one source stands, asked for as `asked_with` named it; None: nobody can tell."""
        identity, version, published, link = (*asked.split("\n"), "", "", "")[:4]
        if identity in self.items:
            return self._listed(identity, version)
        found = self._on_its_page(link)
        if found is not None:
            return found
        return SourceState.GONE if self._would_be_listed(published, link) else None

    def _listed(self, identity: str, version: str) -> SourceState:
        item = self.items[identity]
        if version in ("", version_of(item)):
            return SourceState.THERE
        reply = read_comment(item, self.blog.address)
        if isinstance(reply, IncomingReply):
            self.texts[identity] = reply.text
        return SourceState.EDITED

    def _on_its_page(self, link: str) -> SourceState | None:
        url, _, anchor = link.partition("#")
        page = self._page(url) if url else None
        if page is None:
            return None
        if page.status in GONE:
            return SourceState.GONE
        if page.status in PROTECTED:
            return SourceState.PROTECTED
        if not (200 <= page.status < 300 and anchor):
            return None
        has_it = anchor in _anchors(page.body.decode("utf-8", "replace"))
        return SourceState.THERE if has_it else SourceState.GONE

    def _would_be_listed(self, published: str, link: str) -> bool:
        """Whether the feed reaches back to it: it lists what is older."""
        if not published:
            return self.is_complete and not link
        times = [moment for moment in map(moment_of, self.items.values()) if moment is not None]
        return any(moment < datetime.fromisoformat(published) for moment in times)

    def _page(self, url: str) -> FetchedPage | None:
        if url not in self._pages:
            try:
                self._pages[url] = self.blog.page(url)
            except ChannelError:
                self._pages[url] = None
        return self._pages[url]


def look(blog: Blog, asked: Sequence[str]) -> tuple[dict[str, SourceState], dict[str, str]]:
    """How these stand, and the words of those that were edited. Raises ChannelError."""
    found = Look(blog)
    found.read_down_to({one.partition("\n")[0] for one in asked})
    states = {one: found.state(one) for one in asked}
    return {one: state for one, state in states.items() if state is not None}, found.texts


def asked_with(external_id: str, raw: str) -> str:
    """The id, with what tells later whether the comment still stands as it was stored."""
    return "\n".join((external_id, *stored_version(raw)))


def _anchors(page: str) -> set[str]:
    """What the elements of a page are called, and so what an address can lead to on it."""
    return {html.unescape(next(filter(None, found), "")) for found in _NAMED.findall(page)}
