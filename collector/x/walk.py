"""Reading a listing that begins with its newest item, so that nothing in between is lost.

A walk goes from the newest unread item down. Where it reaches what was read before, the oldest
items are given first. Where it can't (too many, a limit of X, the cap), the newest are given, and
the mark remembers the gap that is left below them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from collector.connector import ChannelError
from collector.x.errors import WAIT, PlaceLost
from ledger.model import IncomingReply, Skipped

#: Requests per walk; X gives at most 100 items for each.
MOST_REQUESTS = 10
_NUMBERS = ("since", "until", "newest")


@dataclass(frozen=True)
class Mark:
    """How far a listing has been read: up to `since`, and, where a gap is left, from `until`
    to `newest`. X's ids grow with time. `token` is X's place in the gap, where it needs one.
    """

    since: int = 0
    until: int = 0
    newest: int = 0
    token: str = ""

    @classmethod
    def of(cls, parts: Any) -> Mark:
        """From its JSON; what can't be understood is read again from the start."""
        try:
            since, until, newest = (int(parts.get(name, 0)) for name in _NUMBERS)
            return cls(since, until, newest, str(parts.get("token", "")))
        except (AttributeError, TypeError, ValueError):
            return cls()

    def has_read(self, number: int) -> bool:
        """Whether this item was given before, if it was there to be read."""
        return number <= self.since or 0 < self.until <= number <= self.newest

    def as_json(self) -> dict[str, str]:
        # As strings: some JSON readers round numbers of this size.
        kept = {name: str(getattr(self, name)) for name in _NUMBERS if getattr(self, name)}
        return kept | ({"token": self.token} if self.token else {})


@dataclass(frozen=True)
class Item:
    """What one item of a listing became. `earlier`: ids of the versions before an edit."""

    position: int
    reply: IncomingReply | Skipped
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """One answer, newest first; `token` leads to the next one, "" where there is none."""

    items: Sequence[Item]
    token: str = ""


@dataclass(frozen=True)
class Listing:
    """`ask(mark, token)` gets one batch. `by_token`: older items are found by token only.

    `start`: items up to this id are none of ours.
    """

    name: str
    ask: Callable[[Mark, str], Batch]
    start: int = 0
    by_token: bool = False


@dataclass(frozen=True)
class Taken:
    """What was read of a listing, oldest first, and the mark after it.

    `rest`: there is more, or may be. `error`: what ended the walk early.
    """

    items: Sequence[Item]
    mark: Mark
    rest: bool
    error: ChannelError | None = None


@dataclass
class _Walk:
    found: list[tuple[Item, str]]
    token: str
    reached: bool = False
    error: ChannelError | None = None


def read_listing(listing: Listing, mark: Mark, limit: int) -> Taken:
    """About `limit` items that the mark has not; never raises ChannelError, but returns it."""
    walk = _walk(listing, mark)
    found = sorted(walk.found, key=lambda pair: pair[0].position)
    items = [item for item, _ in found]
    if walk.reached:
        end = _past_ties(items, limit)
        if end < len(items):
            return Taken(items[:end], replace(mark, since=items[end - 1].position), rest=True)
        since = max(mark.since, mark.newest, *(item.position for item in items), 0)
        return Taken(items, Mark(since), rest=bool(mark.until))
    if not items:
        stuck = walk.error or (None if listing.by_token else _only_empty())
        token = walk.token if listing.by_token else ""
        return Taken((), replace(mark, token=token), rest=True, error=stuck)
    start = len(items) - _past_ties(items[::-1], limit)
    below = found[start - 1][1] if start else walk.token
    gap = Mark(
        mark.since,
        until=items[start].position,
        newest=mark.newest or items[-1].position,
        token=below if listing.by_token else "",
    )
    return Taken(items[start:], gap, rest=True, error=walk.error)


def _walk(listing: Listing, mark: Mark) -> _Walk:
    walk = _Walk([], mark.token)
    seen = set()
    for _ in range(MOST_REQUESTS):
        try:
            batch = listing.ask(mark, walk.token)
        except ChannelError as error:
            if isinstance(error, PlaceLost) and walk.token == mark.token != "":
                walk.token, mark = "", replace(mark, token="")
                continue
            walk.error = error
            break
        for item in batch.items:
            if item.position <= mark.since:
                walk.reached = True
            elif (not mark.until or item.position < mark.until) and item.reply not in seen:
                seen.add(item.reply)
                walk.found.append((item, walk.token))
        walk.token = batch.token
        if not batch.token or walk.reached:
            walk.reached = True
            break
    return walk


def _past_ties(items: Sequence[Item], limit: int) -> int:
    """Where to cut: after `limit` items, but never between two at the same position."""
    end = min(max(limit, 1), len(items))
    while 0 < end < len(items) and items[end].position == items[end - 1].position:
        end += 1
    return end


def _only_empty() -> ChannelError:
    return ChannelError("X answers with empty pages only.", permanent=False, mend=WAIT)
