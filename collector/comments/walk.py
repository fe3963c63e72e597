"""Reading on: from the newest comment down to those that are known.

New comments push the others on to later pages, so walking down meets some of them twice and passes
none. What is known is told by its id. A whole page of it ends the walk, so that what slipped over
an edge, because another comment was taken away meanwhile, is found next time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from collector.comments.feed import Feed, Item, read_feed
from collector.comments.place import Place, remembered
from collector.comments.posts import id_of, read_comment, short, version_of
from collector.comments.wire import NOT_MODIFIED, Blog, validators_of
from collector.connector import ChannelError
from ledger.model import IncomingReply, Page, SkipKind, Skipped

#: Pages per reading: with 5 seconds for each, it ends within two minutes.
MOST_REQUESTS = 20
#: So often all of these pages are read, asked for or not: a comment that an editor of the blog
#: allows late stands among older ones, and WordPress then calls the feed unchanged.
WHOLE_EVERY_SECONDS = 6 * 60 * 60
GAP = (
    "More comments came between two readings than the feed lists, and it names no page with older "
    "ones: some may be missing. Let the blog list more of them, and paste in what is missing."
)


@dataclass
class _Walk:
    """What one reading found. `seen` are items by their remembered name, in the feed's order."""

    blog: Blog
    place: Place
    seen: dict[str, Item] = field(default_factory=dict)
    validators: dict[str, str] = field(default_factory=dict)
    last: str = ""
    has_ended: bool = False
    error: ChannelError | None = None
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def fresh(self) -> list[str]:
        """Names of what is not known, oldest first."""
        return [name for name in reversed(self.seen) if self.place.version(name) is None]

    def go(self, *, is_whole: bool) -> bool:
        """Read down to what is known; False when the server says that nothing is new."""
        url = self.place.at or self.blog.address
        asked = {} if is_whole or self.place.at else dict(self.place.validators)
        met: set[str] = set()
        while len(met) < MOST_REQUESTS and url not in met:
            try:
                page = self.blog.feed(url, asked if not met else None)
                if page.status == NOT_MODIFIED:
                    return False
                feed = read_feed(page)
            except ChannelError as error:
                self.error = error
                return True
            if not met and not self.place.at:
                self.validators = validators_of(page)
                self._note_gap(feed)
            met.add(url)
            self.last = url
            names = [_name(item) for item in feed.items]
            self.seen.update(zip(names, feed.items, strict=True))
            is_known = bool(names) and all(name in self.place.old for name in names)
            self.has_ended = not feed.older or (
                is_known and (not is_whole or len(met) == MOST_REQUESTS)
            )
            if self.has_ended:
                return True
            url = feed.older
        self.has_ended = url in met  # its pages lead in a circle
        return True

    def _note_gap(self, feed: Feed) -> None:
        known = [name for name in map(_name, feed.items) if self.place.version(name) is not None]
        if feed.items and self.place.old and not known and not feed.older:
            self.skipped.append(Skipped(f"before {id_of(feed.items[-1])}", GAP, SkipKind.TOO_LARGE))


def read_on(blog: Blog, place: Place, limit: int) -> Page:
    """The next comments, oldest first as far as one reading goes. Raises ChannelError.

    What fails for now does not hold back what was read before it: the error is raised once there
    is nothing else to give.
    """
    now = int(blog.clock().timestamp())
    is_whole = now - place.whole_at >= WHOLE_EVERY_SECONDS
    walk = _Walk(blog, place)
    if not walk.go(is_whole=is_whole):
        return Page((), place.text)
    if walk.error is not None and not walk.fresh:
        if place.at and walk.error.retry_after is None:
            # A page may have moved, or be broken for good: from the top, where new ones are.
            return Page((), replace(place, at="").text, more=True)
        raise walk.error
    fresh = walk.fresh
    taken = dict.fromkeys(fresh[:limit])
    replies, skipped = _read(walk, taken)
    known = {
        name: version_of(item)
        for name, item in walk.seen.items()
        if name in taken or place.version(name) is not None
    }
    is_left = len(taken) < len(fresh)
    is_done = walk.has_ended and not is_left
    if is_left:
        reached = replace(place, new=remembered(known, place.new), validators={})
    elif is_done:
        reached = Place(
            place.of,
            old=remembered({**known, **place.new}, place.old),
            validators=walk.validators,
            whole_at=now if is_whole else place.whole_at,
        )
    else:
        reached = replace(place, new=remembered(known, place.new), at=walk.last, validators={})
    return Page(
        tuple(replies),
        reached.text,
        more=not is_done,
        skipped=(*walk.skipped, *skipped),
        edited=_edited(walk),
    )


def _read(walk: _Walk, names: Iterable[str]) -> tuple[list[IncomingReply], list[Skipped]]:
    read = [read_comment(walk.seen[name], walk.blog.address) for name in names]
    return (
        [one for one in read if isinstance(one, IncomingReply)],
        [one for one in read if isinstance(one, Skipped)],
    )


def _edited(walk: _Walk) -> tuple[IncomingReply, ...]:
    changed = [
        name
        for name, item in walk.seen.items()
        if walk.place.version(name) not in (None, version_of(item))
    ]
    return tuple(_read(walk, changed)[0])


def _name(item: Item) -> str:
    return short(id_of(item), 8)
