"""What every connector is: fetch a page from a cursor, send a message, check the account.

Connectors hold no retry policy and no database: they translate one channel into
`IncomingReply` values and classify what goes wrong as permanent or temporary.
The poll cycle (collector/poll.py) and the dispatcher (collector/dispatch.py) decide the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from ledger.model import Page


class ChannelError(Exception):
    """The channel refused or could not be reached.

    `permanent`: trying again without a person changing something is pointless.
    `mend`: what that person should do, in one sentence.
    `retry_after`: how long the channel itself asked us to wait, if it did.
    `delivered_unknown`: for `send` only; the message may have left (promise P10).
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        mend: str,
        retry_after: timedelta | None = None,
        delivered_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.mend = mend
        self.retry_after = retry_after
        self.delivered_unknown = delivered_unknown


@dataclass(frozen=True)
class OutgoingMessage:
    """One message to one person. `message_id` is stable over retries, so peers can dedupe."""

    message_id: str
    recipient: str
    subject: str
    body: str
    in_reply_to: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Connector(Protocol):
    """Implemented once per channel, in collector/channels/<channel>.py."""

    def fetch(self, cursor: str, limit: int) -> Page:
        """Read at most about `limit` replies after `cursor` ("" the first time).

        Must return the same replies again when called with the same cursor.
        Raises ChannelError.
        """

    def send(self, message: OutgoingMessage) -> str:
        """Send once; return the channel's own id of the sent message. Raises ChannelError."""

    def check(self) -> str:
        """Try the account live; return one sentence on what answered. Raises ChannelError."""
