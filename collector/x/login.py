"""The login of an X account, by the secret and the options it is kept as.

OAuth 1.0a tokens last; OAuth 2.0 ones end after two hours and are renewed, each renewal ending
the tokens before it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from collector.connector import ChannelError
from collector.x.errors import SIGN_IN_AGAIN

#: Where tweepy's client sends everything.
TWEEPY_HOST = "https://api.twitter.com"
#: Seconds; at most MOST_TIMEOUT, so that a sender is done before its claim is given up.
TIMEOUT, MOST_TIMEOUT = 20.0, 30.0


@dataclass(frozen=True)
class Login:
    """`user_id` is X's number for the account, kept so that it is paid for once."""

    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    consumer_key: str = ""
    consumer_secret: str = field(default="", repr=False)
    access_token_secret: str = field(default="", repr=False)
    user_id: str = ""

    @classmethod
    def of(cls, secret: str) -> Login:
        """Raises ChannelError for a secret that is no login."""
        try:
            parts = json.loads(secret)
            login = cls(**{name: str(parts[name]) for name in cls.__annotations__ if name in parts})
        except (ValueError, TypeError, KeyError):
            login = cls()
        if not login.is_complete:
            raise ChannelError(
                "The account has no complete login for X.", permanent=True, mend=SIGN_IN_AGAIN
            )
        return login

    @property
    def is_complete(self) -> bool:
        return bool(self.access_token) and (not self.is_oauth1 or bool(self.access_token_secret))

    @property
    def is_oauth1(self) -> bool:
        return bool(self.consumer_key and self.consumer_secret)

    @property
    def is_renewable(self) -> bool:
        return not self.is_oauth1 and bool(self.refresh_token and self.client_id)

    @property
    def secret(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value})


def base_url_of(options: dict[str, Any]) -> str:
    """Where requests go. Raises ChannelError for where a login must not be sent."""
    url = str(options.get("base_url") or TWEEPY_HOST).rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
        loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
        safe = parts.scheme == "https" or (parts.scheme == "http" and loopback)
        plain = not (parts.username or parts.query or parts.fragment)
        if parts.hostname and safe and plain:
            return url
    except ValueError:
        pass
    raise ChannelError(
        "The base_url of the account is no address that a login may be sent to.",
        permanent=True,
        mend="Give it as https://gateway.example, or leave it empty for X itself.",
    )


def timeout_of(options: dict[str, Any]) -> float:
    """Seconds to wait for an answer. Raises ChannelError."""
    try:
        seconds = float(options.get("timeout") or TIMEOUT)
    except (TypeError, ValueError):
        seconds = 0
    if 0 < seconds <= MOST_TIMEOUT:
        return seconds
    raise ChannelError(
        "The time-out of the account is no number of seconds that can be used.",
        permanent=True,
        mend=f"Give one up to {MOST_TIMEOUT:.0f}, or leave it out.",
    )
