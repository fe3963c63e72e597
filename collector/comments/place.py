"""The cursor: which comments are known, and where a long feed is read on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

#: Comments remembered between two readings. Of those before, what shows up again is read again,
#: and stored once.
MOST_REMEMBERED = 2000


@dataclass(frozen=True)
class Place:
    """How far a feed has been read. Comments stand for their versions, the newest in front.

    `old` were known before the walk that is under way, `new` were read by it. `at` is the page
    where it goes on, "" for the feed's own address (`of`). `validators` are of that, once all it
    has is known. `whole_at`: when the feed was last read as a whole, in seconds since 1970.
    """

    of: str = ""
    old: Mapping[str, str] = field(default_factory=dict)
    new: Mapping[str, str] = field(default_factory=dict)
    at: str = ""
    validators: Mapping[str, str] = field(default_factory=dict)
    whole_at: int = 0

    @classmethod
    def reached(cls, cursor: str, address: str) -> Place:
        """What `text` gave for this feed; anything else means that nothing was read yet."""
        with contextlib.suppress(ValueError, TypeError):
            kept: dict[str, Any] = json.loads(cursor)
            if kept["of"] == address:
                return cls(**kept)
        return cls(address)

    @property
    def text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    def version(self, name: str) -> str | None:
        """The version that is known of a comment; None for one that is not."""
        return self.new.get(name) or self.old.get(name)


def remembered(seen: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """What was just seen, and of what was known before as much as is remembered."""
    most = max(MOST_REMEMBERED, len(seen))
    return dict(
        islice({**seen, **{k: v for k, v in before.items() if k not in seen}}.items(), most)
    )
