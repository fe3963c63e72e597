"""The connectors of channels whose replies are brought to us: form, paste, import, webmention."""

from __future__ import annotations

from dataclasses import dataclass

from collector.connector import ChannelError, OutgoingMessage
from ledger.model import Page


@dataclass(frozen=True)
class Unpolled:
    """A connector of a channel that brings its replies to us and can't carry an answer."""

    answer: str
    refusal: str
    mend: str

    def fetch(self, cursor: str, limit: int) -> Page:  # noqa: ARG002 - what every connector takes
        """An empty page: there is nothing to poll."""
        return Page((), cursor)

    def send(self, message: OutgoingMessage) -> str:  # noqa: ARG002 - what every connector takes
        raise ChannelError(self.refusal, permanent=True, mend=self.mend)

    def check(self) -> str:
        return self.answer
