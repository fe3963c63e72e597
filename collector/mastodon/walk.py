"""Reading a Mastodon account on from a place: mentions, private mentions, the prompts' threads.

Threads are incomplete across servers, so the prompts' own threads are read beside the mentions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from collector.connector import PromptPost
from collector.mastodon.api import Api
from collector.mastodon.place import Place, mark_of
from collector.mastodon.posts import (
    PRIVATE,
    Home,
    items_in,
    read_status,
    stand_in_id,
    text_of,
)
from ledger.model import Page, SkipKind, Skipped

#: The most that Mastodon gives at once (docs.joinmastodon.org/methods, each one's limit); of
#: conversations fewer, because each may cost a request of its own.
MENTIONS_AT_ONCE = 80
CONVERSATIONS_AT_ONCE = 20


class Walk:
    """One look at each source in turn; what is None has nothing new. All raise ChannelError."""

    def __init__(self, api: Api, prompts: Sequence[PromptPost]) -> None:
        self._api = api
        self._prompts = prompts

    def mentions(self, place: Place, limit: int) -> Page | None:
        """The oldest mentions after the place: min_id pages upwards, so none is jumped over."""
        late: list[Any] | None = None
        items: list[Any] = []
        if place.is_settled and place.recent:
            items = self._notifications(place.before_recent)
            known = [at for at, one in enumerate(items) if text_of(one, "id") in place.recent]
            ends = max(known, default=-1) + 1
            late, items = _unknown(items[:ends], place), items[ends:]
        if late:
            return self._late(late, place, limit)
        if not items:
            items = self._notifications(place.mentions)
        ids = [text_of(item, "id") for item in items]
        # At least one with an id, or the place could not move past those without.
        last = max(limit, next((at for at, known in enumerate(ids, 1) if known), 0))
        taken, ids = items[:last], [known for known in ids[:last] if known]
        newest = self._api.newer if len(taken) == len(items) else ""
        newest = newest or (ids[-1] if ids else "")
        if newest not in ("", place.mentions):
            return self._mentions_page(taken, place.after_mentions(newest, ids)) if taken else None
        if late is None and place.recent:
            late = _unknown(self._notifications(place.before_recent), place)
        return self._late(late, place, limit) if late else None

    def private(self, place: Place, limit: int) -> Page | None:
        """Private mentions that no notification told of, by the conversations they stand in."""
        found = self._api.read_list(
            "the private mentions",
            self._api.client.conversations,
            min_id=place.private,
            limit=min(limit, CONVERSATIONS_AT_ONCE),
        )
        # Conversations are paged by the ids of their last statuses, not by their own.
        newest, last = self._api.newer, ""
        statuses: list[Any] = []
        for item in reversed(found):
            status = item.get("last_status") if isinstance(item, dict) else None
            last = text_of(status, "id") or last
            if last and not place.knows(status):
                statuses += [*self._before(status), status]
        newest = newest or last
        if newest in ("", place.private):
            return None
        return self._page(statuses, replace(place, private=newest), more=True)

    def threads(self, place: Place, limit: int) -> Page:
        """What stands under the prompts and was not taken yet, or was edited since."""
        found: dict[str, Any] = {}
        skipped: list[Skipped] = []
        for prompt in self._prompts:
            context = self._api.read_if_there(
                "the prompt's thread", self._api.client.status_context, prompt.external_id
            )
            statuses = items_in(context, "descendants")
            if context is None:
                # What stands for it in the place, so that it is told only once.
                statuses = [{"id": prompt.external_id, "edited_at": "gone"}]
                if not place.knows(statuses[0]):
                    reason = "The prompt's post is gone, and so is the list of its answers."
                    skipped.append(Skipped(prompt.external_id, reason, SkipKind.PROTECTED))
                    place = place.after(statuses)
            found |= {mark_of(status): status for status in statuses}
        fresh = [status for status in found.values() if not place.knows(status)]
        more = len(fresh) > limit
        return self._page(fresh[:limit], place.only(set(found)), more=more, skipped=skipped)

    def _notifications(self, after: str) -> list[Any]:
        """Mentions after one of them, oldest first."""
        # As many as there are, whatever the limit: some servers give the newest ones instead.
        found = self._api.read_list(
            "the mentions",
            self._api.client.notifications,
            types=["mention"],
            min_id=after,
            limit=MENTIONS_AT_ONCE,
        )
        return found[::-1]

    def _late(self, late: list[Any], place: Place, limit: int) -> Page:
        ids = [text_of(item, "id") for item in late[:limit]]
        return self._mentions_page(late[:limit], place.after_mentions(place.mentions, ids))

    def _mentions_page(self, items: list[Any], place: Place) -> Page:
        statuses, skipped = [], []
        for item in items:
            status = item.get("status") if isinstance(item, dict) else None
            if isinstance(status, dict):
                statuses.append(status)
            elif text_of(item, "type") in ("", "mention"):
                known = text_of(item, "id") or stand_in_id(item)
                skipped.append(Skipped(f"mention:{known}", "It comes without its post."))
        return self._page(statuses, place, more=True, skipped=skipped)

    def _before(self, status: Any) -> list[Any]:
        """What stands before a private status: a conversation names only its last one."""
        if not text_of(status, "in_reply_to_id"):
            return []
        context = self._api.read_if_there(
            "the private mentions", self._api.client.status_context, text_of(status, "id")
        )
        return [
            each
            for each in items_in(context, "ancestors")
            if text_of(each, "visibility") in PRIVATE
        ]

    def _page(
        self,
        statuses: list[Any],
        place: Place,
        *,
        more: bool,
        skipped: Sequence[Skipped] = (),
    ) -> Page:
        """These statuses as a page, each once; the next place knows that they were taken."""
        by_mark = {mark_of(status): status for status in statuses}
        own_id = text_of(self._api.own(), "id") if by_mark else ""
        home = Home(own_id, self._api.domain)
        replies, refused, edited = [], list(skipped), []
        for status in by_mark.values():
            item = read_status(status, home)
            if isinstance(item, Skipped):
                refused.append(item)
                continue
            item = item._replace(external_id=place.id_of(status))
            replies.append(item)
            if text_of(status, "edited_at"):
                edited.append(item)
        return Page(
            tuple(replies),
            place.after(list(by_mark.values())).cursor(),
            more=more,
            skipped=tuple(refused),
            edited=tuple(edited),
        )


def _unknown(notifications: list[Any], place: Place) -> list[Any]:
    """Those among them that were stored late: all others of their time are known."""
    return [one for one in notifications if text_of(one, "id") not in (*place.recent, "")]
