"""Direct messages of Bluesky: chat.bsky.convo, reached through the account's own server.

Not every login may read them; where it may not, nothing is read and the check says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from collector.bluesky.answers import Refused, Server, items_of, text_of
from collector.bluesky.posts import message_name, read_message
from collector.bluesky.seen import Entry, Seen, Standing, entries_of
from collector.bluesky.walk import Found
from ledger.clock import Clock

#: Messages older than this when the account is first read belong to other matters.
FIRST_READING = timedelta(days=30)
#: Bounds of one turn: conversations listed (100 a request), requests for one conversation.
MOST_LISTED, MOST_PAGES = 50, 50
PER_REQUEST = 100
_DELETED = "chat.bsky.convo.defs#deletedMessageView"


class Chats:
    """All conversations of an account, read where their last message is not known yet."""

    def __init__(self, server: Server, clock: Clock, kept: Any) -> None:
        self.seen = Seen.of(kept)
        self._server = server
        self._now = round(clock().timestamp() * 1000)
        if not isinstance(kept, dict):
            self.seen.floor = self._now - round(FIRST_READING.total_seconds() * 1000)

    def read(self, found: Found) -> None:
        """Take new messages, the longest quiet conversation first, each one completely."""
        changed = sorted(self._changed(), key=lambda pair: pair[0])
        for _, convo in changed:
            if found.room <= 0:
                found.more = True
                return
            self._read_convo(convo, found)
        self.seen.raise_floor()

    def _changed(self) -> list[tuple[int, dict[str, Any]]]:
        """The conversations with something unknown at their end, and when that was."""
        changed, cursor = [], ""
        for _ in range(MOST_LISTED):
            more = {"cursor": cursor} if cursor else {}
            answer = self._server.query("chat.bsky.convo.listConvos", limit=PER_REQUEST, **more)
            convos = [one for one in items_of(answer, "convos") if isinstance(one, dict)]
            lowest = self._now
            for convo in convos:
                for last in self._entries([convo.get("lastMessage")], convo):
                    lowest = min(lowest, last.at)
                    if self.seen.standing(last) is not Standing.KNOWN:
                        changed.append((last.at, convo))
            cursor = text_of(answer, "cursor")
            if not cursor or lowest < self.seen.floor:
                break
        return changed

    def _read_convo(self, convo: dict[str, Any], found: Found) -> None:
        gathered: list[Entry] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer = self._server.query(
                "chat.bsky.convo.getMessages",
                convoId=text_of(convo, "id"),
                limit=PER_REQUEST,
                **more,
            )
            entries = self._entries(items_of(answer, "messages"), convo)
            gathered = entries + gathered
            cursor = text_of(answer, "cursor")
            if not cursor or (entries and entries[0].at < self.seen.floor):
                break
        # The list may name a last message that the conversation does not show (any more).
        gathered += self._entries([convo.get("lastMessage")], convo)
        for entry in gathered:
            self._take(entry, convo, found)

    def _take(self, entry: Entry, convo: dict[str, Any], found: Found) -> None:
        standing = self.seen.standing(entry)
        if standing is Standing.KNOWN:
            return
        self.seen.add(entry)
        if entry.version == "deleted":
            if standing is Standing.EDITED:
                found.gone.append(entry.name)
        elif text_of(entry.item, "sender", "did") != self._server.did:
            found.take(read_message(entry.item, convo), edited=standing is Standing.EDITED)

    def _entries(self, messages: list[Any], convo: dict[str, Any]) -> list[Entry]:
        found = entries_of(
            [message for message in messages if message is not None],
            lambda message: message_name(message, convo),
            now=self._now,
            lone=self.seen.floor,
            when="sentAt",
        )
        return [Entry(entry.at, entry.name, _version(entry.item), entry.item) for entry in found]


def read_chats(server: Server, clock: Clock, kept: Any, found: Found) -> Any:
    """Take new direct messages, where the login may read them; returns what to keep of it."""
    if not server.may_chat:
        return kept
    chats = Chats(server, clock, kept)
    try:
        chats.read(found)
    except Refused as error:
        if not error.permanent:
            raise
        return kept  # check() says why
    return chats.seen.as_json()


def _version(message: Any) -> str:
    return "deleted" if text_of(message, "$type") == _DELETED else "there"
