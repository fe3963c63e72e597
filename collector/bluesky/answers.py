"""What a Bluesky server answers, as the connector sees it: plain JSON, or a refusal with a code."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from collector.connector import ChannelError

SIGN_IN_AGAIN = (
    "Make a new app password (Settings, Privacy and security, App passwords) and sign in again: "
    "definedby account add bluesky --replace."
)
WAIT = "Wait; it is tried again by itself."
#: Names of errors that say: this token is no good any more (com.atproto.server.*).
STALE_TOKEN = frozenset({"ExpiredToken", "InvalidToken"})
#: The end of the year 9999, in milliseconds.
_LAST_MOMENT = 253_402_300_799_000


class Refused(ChannelError):  # noqa: N818 - it names what the server did
    """The server answered with an error; `code` is its name for it (https://atproto.com/specs/xrpc).

    `said` are the server's own words.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        said: str,
        permanent: bool,
        mend: str,
        retry_after: timedelta | None = None,
        delivered_unknown: bool = False,
    ) -> None:
        super().__init__(
            message,
            permanent=permanent,
            mend=mend,
            retry_after=retry_after,
            delivered_unknown=delivered_unknown,
        )
        self.code = code
        self.said = said


class Server(Protocol):
    """An account's own server (PDS), signed in; it passes on to the AppView and the chat service.

    Every method raises ChannelError, a `Refused` where the server answered.
    """

    @property
    def did(self) -> str:
        """The account's lasting id."""

    @property
    def handle(self) -> str:
        """The account's name, without "@"."""

    @property
    def may_chat(self) -> bool:
        """Whether the login has the right to direct messages."""

    def query(self, nsid: str, **params: Any) -> dict[str, Any]:
        """Ask; changes nothing. An NSID of chat.bsky goes to the chat service."""

    def call(self, nsid: str, body: dict[str, Any], *, once: bool = False) -> dict[str, Any]:
        """Do something. `once`: a repeat would do it twice, so say when it may have happened."""


def items_of(answer: dict[str, Any], name: str) -> list[Any]:
    """The list of this name; empty where the answer has none."""
    items = answer.get(name)
    return items if isinstance(items, list) else []


def text_of(item: Any, *path: str) -> str:
    """The string at this path of keys; "" where something else, or nothing, is there."""
    for key in path:
        item = item.get(key) if isinstance(item, dict) else None
    return item if isinstance(item, str) else ""


def time_of(text: str) -> datetime | None:
    """A moment as the lexicons write it (RFC 3339); None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def milliseconds_of(text: str) -> int | None:
    """A moment in milliseconds since 1970; None for what is not one."""
    moment = time_of(text)
    return None if moment is None else round(moment.timestamp() * 1000)


def moment_of(milliseconds: int) -> str:
    """The reverse of `milliseconds_of`, as the servers write it."""
    moment = datetime.fromtimestamp(min(milliseconds, _LAST_MOMENT) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def short(text: str, length: int = 11) -> str:
    """A fingerprint that takes little room in a cursor; 11 characters are 55 bits."""
    digest = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:10])
    return base32(digest, length)


def base32(number: int, length: int) -> str:
    """The last digits of a number in the base 32 of record keys (https://atproto.com/specs/tid)."""
    letters = "234567abcdefghijklmnopqrstuvwxyz"
    return "".join(letters[(number >> (5 * place)) & 31] for place in reversed(range(length)))
