"""What of a listing has been read: a floor in time, and what was read above it.

Bluesky sorts by the date that the author's app wrote, where that lies before the arrival. So a
post may show up below others that were read long ago, and one mark in time would miss it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from collector.bluesky.answers import milliseconds_of, short, text_of

#: How late a post may show up and still be found, in milliseconds: a day.
OVERLAP = 24 * 60 * 60 * 1000
#: Posts remembered above the floor. Where more come in a day, the floor rises sooner.
MOST_REMEMBERED = 500


class Standing(Enum):
    NEW = auto()
    KNOWN = auto()
    EDITED = auto()


@dataclass(frozen=True)
class Entry:
    """One item of a listing: its sorting time in milliseconds, its id and its version (a CID)."""

    at: int
    name: str
    version: str
    item: Any


@dataclass
class Seen:
    """What has been read of one listing. Changed by reading; `as_json` goes into the cursor."""

    floor: int = 0
    ids: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Any) -> Seen:
        """What `as_json` gave; anything else counts as nothing read yet."""
        if not isinstance(kept, dict) or not isinstance(kept.get("ids"), dict):
            return cls()
        return cls(int(kept.get("floor") or 0), dict(kept["ids"]))

    def as_json(self) -> dict[str, Any]:
        return {"floor": self.floor, "ids": self.ids}

    def standing(self, entry: Entry) -> Standing:
        known = self.ids.get(short(entry.name, 8))
        if known is not None:
            return Standing.KNOWN if known[1] == _version(entry) else Standing.EDITED
        return Standing.KNOWN if entry.at < self.floor else Standing.NEW

    def add(self, entry: Entry) -> None:
        self.ids[short(entry.name, 8)] = [entry.at, _version(entry)]

    def raise_floor(self) -> None:
        """Forget what is old. Only when everything up to the newest that was added is read."""
        times = sorted((at for at, _ in self.ids.values()), reverse=True)
        if not times:
            return
        enough = times[MOST_REMEMBERED - 1] if len(times) >= MOST_REMEMBERED else 0
        self.floor = max(self.floor, times[0] - OVERLAP, enough)
        self.ids = {name: kept for name, kept in self.ids.items() if kept[0] >= self.floor}


def entries_of(
    items: Iterable[Any],
    name_of: Callable[[Any], str],
    *,
    now: int,
    lone: int,
    when: str = "indexedAt",
) -> list[Entry]:
    """The items of one page, newest first as the server sent them, as entries, oldest first.

    An item without a usable time stands where it stood, at the time of its older neighbour, else
    of the newer one; `lone` is for a page without any. A time in the future is not usable: it
    would put all that follows below the floor.
    """
    upwards = list(reversed(list(items)))
    times = [milliseconds_of(text_of(item, when)) for item in upwards]
    usable = [at for at in times if at is not None and at <= now]
    found, neighbour = [], usable[0] if usable else lone
    for item, at in zip(upwards, times, strict=True):
        neighbour = neighbour if at is None or at > now else at
        found.append(Entry(neighbour, name_of(item), text_of(item, "cid"), item))
    return sorted(found, key=lambda entry: entry.at)


def _version(entry: Entry) -> str:
    return short(entry.version, 4)
