"""What one process keeps from one publication to the next, so that it need not be found out again.

Nothing in it is taken on trust: each part says what it was made from, and is made anew when that
has changed. Whoever publishes again and again, as the worker does, holds one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.database import Ledger
from ledger.keys import Keys
from publisher.site import sources

if TYPE_CHECKING:
    # Not loaded here: a process that finds nothing to do never needs them.
    from publisher.site.frame import Frame
    from publisher.site.ground import Ground


@dataclass
class Kept:
    """`ground` and `frame` are those of the last publication."""

    ground: Ground | None = None
    frame: Frame | None = None
    #: No consent has changed between these two events, of which the site knows the first.
    quiet: tuple[int, int] = (0, 0)
    _keys: Keys | None = None
    _parts: tuple[object, ...] = ()
    _stamp: str = ""

    def begin(self, ledger: Ledger) -> None:
        """Call this first: what was kept of another instance, or of one opened anew, is dropped."""
        if self._keys is not ledger.keys:
            self.ground, self.frame, self.quiet = None, None, (0, 0)
            self._keys, self._parts, self._stamp = ledger.keys, (), ""

    def stamp_of(self, ledger: Ledger, parts: tuple[object, ...]) -> str:
        """As `sources.stamp_of`, which is asked when another of these parts has changed."""
        if parts != self._parts:
            self._parts, self._stamp = parts, sources.stamp_of(ledger, parts)
        return self._stamp
