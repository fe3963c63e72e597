"""How far a Mastodon account is read; its text is the account's cursor."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from collector.mastodon.posts import items_in, stand_in_id, text_of

#: So many of the newest notifications are looked at again, for one that was stored late.
LOOKED_AT_AGAIN = 40


class Taken(NamedTuple):
    """A status as it was taken: the id it had then, and the time of its last edit, if any."""

    external_id: str
    edited_at: str


@dataclass(frozen=True)
class Place:
    """The newest notifications, the last private status, and what was taken of the threads.

    A server numbers its notifications before it stores them, so one with a lower number may show
    up after one with a higher; hence `recent`. Threads have no order in which they grow: a post
    of another server may arrive late and stand anywhere. So it is kept what was taken from them,
    by a short mark of each status's own address: that is the same at every server, while some
    give a status a new id when it is answered or edited (snac). They don't show it at all while
    they write it anew: what is `missing` once is not yet forgotten.
    """

    mentions: str = "0"
    recent: tuple[str, ...] = ()
    private: str = "0"
    taken: Mapping[str, Taken] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    #: Nothing new was found last time. What is late is looked for first then: when many have come
    #: after it, it is no longer among the recent ones.
    is_settled: bool = False

    @classmethod
    def of(cls, cursor: str) -> Place:
        """The place a cursor names; the very beginning for what is no cursor."""
        try:
            kept = json.loads(cursor)
        except (ValueError, RecursionError):
            return cls()
        taken = kept.get("taken") if isinstance(kept, dict) else None
        return cls(
            text_of(kept, "mentions") or "0",
            tuple(map(str, items_in(kept, "recent"))) if isinstance(kept, dict) else (),
            text_of(kept, "private") or "0",
            {
                mark: Taken(*map(str, value))
                for mark, value in (taken if isinstance(taken, dict) else {}).items()
                if isinstance(value, list) and len(value) == 2
            },
            tuple(map(str, items_in(kept, "missing"))) if isinstance(kept, dict) else (),
            isinstance(kept, dict) and kept.get("is_settled") is True,
        )

    def cursor(self) -> str:
        return json.dumps(vars(self))

    @property
    def before_recent(self) -> str:
        """The notification after which the recent ones came."""
        return self.recent[0] if len(self.recent) > LOOKED_AT_AGAIN else "0"

    def after_mentions(self, newest: str, ids: list[str]) -> Place:
        """The place once these notifications were taken, `newest` being the last by number."""
        recent = (*self.recent, *ids)[-LOOKED_AT_AGAIN - 1 :]
        is_settled = self.is_settled and newest == self.mentions
        return replace(self, mentions=newest, recent=recent, is_settled=is_settled)

    def knows(self, status: Any) -> bool:
        """Whether this status was taken just as it is now."""
        taken = self.taken.get(mark_of(status))
        return taken is not None and taken.edited_at == text_of(status, "edited_at")

    def id_of(self, status: Any) -> str:
        """The id by which this status is known to the ledger."""
        taken = self.taken.get(mark_of(status))
        return taken.external_id if taken else text_of(status, "id")

    def after(self, statuses: list[Any]) -> Place:
        """The place once these were taken as well."""
        more = {
            mark_of(status): Taken(self.id_of(status), text_of(status, "edited_at"))
            for status in statuses
        }
        return replace(self, taken={**self.taken, **more})

    def only(self, marks: set[str]) -> Place:
        """The place without what no thread holds any more: it will not be seen again."""
        missing = [mark for mark in self.taken if mark not in marks]
        forgotten = {mark for mark in missing if mark in self.missing}
        return replace(
            self,
            taken={mark: taken for mark, taken in self.taken.items() if mark not in forgotten},
            missing=tuple(mark for mark in missing if mark not in forgotten),
        )


def mark_of(status: Any) -> str:
    """Eight characters for a status, by its own address."""
    name = text_of(status, "uri") or text_of(status, "id") or stand_in_id(status)
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest[:6]).decode()
