"""What every connector has to stand, kind by kind; a case has a hook for each, or says why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from collector.connector import LookingConnector, SourceState
from ledger.model import IncomingReply, Page


class Kind(StrEnum):
    """One thing that happens to connectors in the world."""

    PAGING = "paging"
    OVERLAP = "overlap"
    DUPLICATES = "duplicates"
    EDIT = "edit"
    DELETION = "deletion"
    RATE_LIMIT = "rate limit"
    UNAUTHORISED = "401"
    FORBIDDEN = "403"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    MALFORMED_ITEM = "malformed item"
    MALFORMED_BODY = "malformed body"
    TIME_OUT = "time-out"
    HUGE_BODY = "huge body"


#: What `prepare` is enough for: many replies, one after the other, one of them malformed.
BY_READING = frozenset({Kind.PAGING, Kind.OVERLAP, Kind.DUPLICATES, Kind.MALFORMED_ITEM})
#: What can happen to words that people bring themselves.
BY_BRINGING = frozenset({Kind.DUPLICATES, Kind.MALFORMED_ITEM, Kind.HUGE_BODY})
CHANGES = frozenset({Kind.EDIT, Kind.DELETION})
TROUBLES = frozenset(Kind) - BY_READING - CHANGES
#: Trying these again as things are is pointless; all else passes by itself.
NEEDS_A_PERSON = frozenset({Kind.UNAUTHORISED, Kind.FORBIDDEN})


def _nothing() -> None:
    """Most servers are in trouble only once."""


@dataclass
class Troubled:
    """A source whose next reading meets trouble, and that is well again after `mend`.

    `left_out`: the trouble costs one item, with its reason, and no error is raised.
    `permanent`: where the channel differs from `NEEDS_A_PERSON`, and `because` says why.
    `retry_after`: how long the platform itself asked us to wait, where it says so.
    """

    read: Callable[[], Page]
    mend: Callable[[], None] = _nothing
    retry_after: timedelta | None = None
    left_out: bool = False
    permanent: bool | None = None
    because: str = ""


@dataclass
class Changed:
    """One reply that was read; its author does `change`, and `noticed` says what we made of it."""

    change: Callable[[], None]
    noticed: Callable[[], SourceState]


def by_looking(connector: LookingConnector, change: Callable[[], None]) -> Changed:
    """Read the one reply now, and later by the next poll or by looking its source up again."""
    first = connector.fetch("", 5)
    (reply,) = first.replies

    def noticed() -> SourceState:
        page = connector.fetch(first.next_cursor, 5)
        if reply.external_id in {one.external_id for one in page.edited}:
            return SourceState.EDITED
        if reply.external_id in page.gone:
            return SourceState.GONE
        return connector.look_again([reply.external_id])[reply.external_id]

    return Changed(change, noticed)


#: Prepares a source with these texts that meets the trouble at its next reading.
Trouble = Callable[[Path, Sequence[str]], AbstractContextManager[Troubled]]
Change = Callable[[Path], AbstractContextManager[Changed]]
#: Checks what somebody brought, as the desk and the blog do: words and the id of their form.
Bring = Callable[[str, str], IncomingReply]
NOTICED = {Kind.EDIT: SourceState.EDITED, Kind.DELETION: SourceState.GONE}


@dataclass(frozen=True)
class Hooks:
    """What a channel can be brought to do, and for the rest why it can't."""

    troubles: dict[Kind, Trouble] = field(default_factory=dict)
    changes: dict[Kind, Change] = field(default_factory=dict)
    cannot: dict[Kind, str] = field(default_factory=dict)
    bring: Bring | None = None

    @property
    def named(self) -> list[Kind]:
        """Every kind that is spoken of, as often as it is."""
        brought = BY_BRINGING if self.bring else ()
        return [*self.troubles, *self.changes, *self.cannot, *brought]
