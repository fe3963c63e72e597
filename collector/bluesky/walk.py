"""Reading Bluesky oldest first: what notifications, threads and conversations bring.

The servers list newest first. So we page down to what is known, remember the way, and come up
again page by page: what was delivered is always all there is below it, and a kill loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from collector.bluesky.answers import (
    Refused,
    Server,
    items_of,
    milliseconds_of,
    moment_of,
    text_of,
)
from collector.bluesky.posts import name_of, parts_of, read_post
from collector.bluesky.seen import Entry, Seen, Standing, entries_of
from collector.connector import PromptPost
from ledger.clock import Clock
from ledger.model import IncomingReply, SkipKind, Skipped

#: What speaks to us; likes, reposts and follows do not.
REASONS = ["reply", "mention", "quote"]
#: app.bsky.notification.listNotifications: at most 100 a request.
PER_REQUEST = 100
#: Requests for notifications in one turn; the way down goes on in the next one.
MOST_REQUESTS = 60
#: app.bsky.feed.getPostThread allows 1000, JSON parsers do not nest that deep.
THREAD_DEPTH = 40


@dataclass
class Found:
    """What one turn gathers; `room` is how many more replies fit."""

    room: int
    replies: dict[str, IncomingReply] = field(default_factory=dict)
    edited: dict[str, IncomingReply] = field(default_factory=dict)
    skipped: dict[str, Skipped] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    more: bool = False

    def take(self, reply: IncomingReply | Skipped, *, edited: bool = False) -> None:
        if isinstance(reply, Skipped):
            self.skipped[reply.external_id] = reply
        elif edited:
            self.edited[reply.external_id] = reply
        elif reply.external_id not in self.replies:
            self.replies[reply.external_id] = reply
            self.room -= 1


def take_entries(entries: list[Entry], seen: Seen, own_did: str, found: Found) -> bool:
    """Take what is not known, oldest first, while there is room; returns whether all was taken."""
    for entry in entries:
        standing = seen.standing(entry)
        if standing is Standing.KNOWN:
            continue
        if not _is_own(entry.item, own_did):
            if found.room <= 0:
                return False
            found.take(read_post(entry.item), edited=standing is Standing.EDITED)
        seen.add(entry)
    return True


class Notifications:
    """Replies, mentions and quotes. The trail holds the cursors of the pages passed on the way
    down, the newest first; while rising, the last page of the trail is the next one to take.
    """

    def __init__(
        self, server: Server, clock: Clock, kept: Any, per_request: int = PER_REQUEST
    ) -> None:
        kept = kept if isinstance(kept, dict) else {}
        self.seen = Seen.of(kept.get("seen"))
        self._trail = [str(cursor) for cursor in items_of(kept, "trail")]
        self._rising = bool(kept.get("rising"))
        self._server = server
        self._now = round(clock().timestamp() * 1000)
        self._per_request = per_request
        self._requests_left = MOST_REQUESTS
        self._pages: dict[str, tuple[list[Entry], str]] = {}

    def as_json(self) -> dict[str, Any]:
        return {"seen": self.seen.as_json(), "trail": self._trail, "rising": self._rising}

    def read(self, found: Found) -> None:
        """Take what fits; `found.more` says that there is more."""
        if not self._rising:
            self._rising = self._go_down()
        while self._rising and self._trail and self._requests_left > 0:
            entries, _ = self._page(self._trail[-1])
            if not take_entries(entries, self.seen, self._server.did, found):
                break
            self.seen.raise_floor()
            self._trail.pop()
        self._rising = self._rising and bool(self._trail)
        found.more = found.more or bool(self._trail)

    def _go_down(self) -> bool:
        """Page down to what is known; false when the turn's requests did not suffice."""
        self._trail = self._trail or [self._top()]
        while self._requests_left > 0:
            entries, below = self._page(self._trail[-1])
            lowest = min((entry.at for entry in entries), default=self._now)
            passed = milliseconds_of(below)
            if below in ("", *self._trail):  # the end, or a server that goes round in circles
                return True
            if min(lowest, self._now if passed is None else passed) < self.seen.floor:
                return True
            self._trail.append(below)
        return False

    def _top(self) -> str:
        """The cursor of the newest page: with one, it stays where it is when more arrives."""
        entries, _ = self._page("")
        times = [milliseconds_of(text_of(entry.item, "indexedAt")) for entry in entries]
        newest = max((time for time in times if time is not None), default=None)
        if newest is None:
            return ""
        cursor = moment_of(newest + 1)
        self._pages[cursor] = self._pages[""]
        return cursor

    def _page(self, cursor: str) -> tuple[list[Entry], str]:
        """The entries of a page, oldest first, and the cursor of the page below it."""
        if cursor not in self._pages:
            self._requests_left -= 1
            answer = self._server.query(
                "app.bsky.notification.listNotifications",
                reasons=REASONS,
                limit=self._per_request,
                **({"cursor": cursor} if cursor else {}),
            )
            items = items_of(answer, "notifications")
            # All of this page is older than its cursor.
            edge = milliseconds_of(cursor)
            lone = self.seen.floor if edge is None or edge > self._now else edge - 1
            entries = entries_of(items, _post_name, now=self._now, lone=lone)
            self._pages[cursor] = entries, text_of(answer, "cursor")
        entries, below = self._pages[cursor]
        return entries, _overlapping(below, cursor)


def read_thread(server: Server, clock: Clock, prompt: PromptPost, kept: Any, found: Found) -> Any:
    """Take the answers below the prompt, which notifications may have left out.

    Returns what to keep of it; False once the prompt is gone.
    """
    if kept is False:
        return kept
    seen = Seen.of(kept)
    try:
        answer = server.query(
            "app.bsky.feed.getPostThread",
            uri=prompt.external_id,
            depth=THREAD_DEPTH,
            parentHeight=0,
        )
    except Refused as error:
        if error.code != "NotFound":
            raise
        gone = "The prompt's post is not on Bluesky any more."
        found.take(Skipped(prompt.external_id, gone, SkipKind.PROTECTED))
        return False
    now = round(clock().timestamp() * 1000)
    posts = sorted(_below(answer.get("thread")), key=lambda post: text_of(post, "indexedAt"))
    entries = entries_of(reversed(posts), _post_name, now=now, lone=seen.floor)
    if take_entries(entries, seen, server.did, found):
        seen.raise_floor()
    else:
        found.more = True
    return seen.as_json()


def _below(thread: Any) -> Iterator[Any]:
    """All posts of a thread but its root; what is blocked or deleted has no post."""
    waiting = items_of(thread, "replies") if isinstance(thread, dict) else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "post" in node:
                yield node["post"]
            waiting += items_of(node, "replies")


def _overlapping(below: str, cursor: str) -> str:
    """The cursor of the next page, moved up by a millisecond.

    The servers' cursors are times, and posts of the same millisecond may lie on both sides.
    """
    time = milliseconds_of(below)
    if time is None:
        return below
    moved = moment_of(time + 1)
    return below if moved == cursor else moved


def _post_name(post: Any) -> str:
    uri = text_of(post, "uri")
    return uri if parts_of(uri) else name_of(post)


def _is_own(post: Any, own_did: str) -> bool:
    parts = parts_of(text_of(post, "uri"))
    return parts is not None and parts[0] == own_did
