"""The login of an X account: what is asked for, the secret and the options it is kept as.

OAuth 1.0a tokens last; OAuth 2.0 ones end after two hours and are renewed, each renewal ending
the tokens before it.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from collector.connector import Ask, ChannelError
from collector.x.errors import SIGN_IN_AGAIN
from collector.x.prices import PRICES
from ledger.errors import SettingError
from ledger.model import Account

#: Where tweepy's client sends everything.
TWEEPY_HOST = "https://api.twitter.com"
#: Seconds; at most MOST_TIMEOUT, so that a sender is done before its claim is given up.
TIMEOUT, MOST_TIMEOUT = 20.0, 30.0
_CONSOLE = "“Keys and tokens” of your app on developer.x.com"

ASKS: tuple[Ask, ...] = (
    Ask("consumer_key", "API key (leave empty for OAuth 2.0)", _CONSOLE, needed=False),
    Ask("consumer_secret", "API key secret", _CONSOLE, secret=True, needed=False),
    Ask(
        "access_token",
        "Access token, with the right to read, write and message",
        _CONSOLE,
        secret=True,
    ),
    Ask("access_token_secret", "Access token secret", _CONSOLE, secret=True, needed=False),
    Ask("client_id", "OAuth 2.0 client id", _CONSOLE, needed=False),
    Ask("client_secret", "OAuth 2.0 client secret", _CONSOLE, secret=True, needed=False),
    Ask(
        "refresh_token",
        "OAuth 2.0 refresh token",
        "what your sign-in with the scope offline.access returned",
        secret=True,
        needed=False,
    ),
    Ask(
        "monthly_cap",
        "The most that reading and posting may cost a month, in dollars",
        "X charges by use; what is left is shown with the account",
        default="10",
    ),
    Ask(
        "messages",
        "Read direct messages too?",
        "each one read costs a cent; the app needs the right to read messages",
        default="yes",
        choices=("yes", "no"),
    ),
    Ask(
        "prices",
        "Prices, where X charges you others",
        "your plan on developer.x.com; in dollars, like mention=0.005, follower=0.01",
        needed=False,
        rarely=True,
    ),
    Ask(
        "timeout",
        "Seconds to wait for an answer",
        f"{TIMEOUT:.0f} unless you say so, {MOST_TIMEOUT:.0f} at most",
        needed=False,
        rarely=True,
    ),
    Ask(
        "base_url",
        "Address of a gateway to X",
        "leave empty for X itself",
        needed=False,
        rarely=True,
        is_server=True,
    ),
)
_TOKENS = (
    ("consumer_key", "consumer_secret", "access_token", "access_token_secret"),
    ("access_token", "refresh_token", "client_id"),
)


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


def account_from(answers: dict[str, str]) -> tuple[dict[str, object], str]:
    """Options and secret of a new account. Raises SettingError for an incomplete login."""
    given = {name: value.strip() for name, value in answers.items() if value.strip()}
    if not any(all(name in given for name in names) for names in _TOKENS):
        raise SettingError(
            "That is no complete login for X.",
            "Give API key, its secret, access token and its secret; or, for OAuth 2.0, client id, "
            "access token and refresh token.",
        )
    options: dict[str, object] = {}
    if "monthly_cap" in given:
        options["monthly_cap"] = _dollars(given["monthly_cap"])
    if given.get("messages", "yes").lower() not in ("yes", "no"):
        raise SettingError("Direct messages are read or not.", "Answer yes or no.")
    options["messages"] = given.get("messages", "yes").lower()
    if "prices" in given:
        options["prices"] = _price_table(given["prices"])
    if "timeout" in given:
        options["timeout"] = _seconds(given["timeout"])
    if "base_url" in given:
        options["base_url"] = given["base_url"]
    login = Login(**{name: given[name] for name in Login.__annotations__ if name in given})
    return options, login.secret


def answers_of(account: Account) -> dict[str, str]:
    """What would have to be answered to get this account again, secrets included."""
    given = {name: str(value) for name, value in account.options.items() if name != "prices"}
    prices = account.options.get("prices") or {}
    given["prices"] = ", ".join(f"{kind}={price}" for kind, price in prices.items())
    with contextlib.suppress(ChannelError):
        login = Login.of(account.secret)
        given |= {name: value for name, value in asdict(login).items() if value}
    return given


def _dollars(text: str) -> float:
    try:
        cap = float(text.removeprefix("$"))
    except ValueError:
        cap = -1
    if not 0 <= cap < 1_000_000:
        raise SettingError(f"'{text}' is no sum of dollars.", "Give a number, like 10 or 0.005.")
    return cap


def _price_table(text: str) -> dict[str, float]:
    table = {}
    for part in text.split(","):
        kind, _, price = (piece.strip() for piece in part.partition("="))
        if kind not in PRICES or not price:
            raise SettingError(
                f"'{part.strip()}' is no price of X.",
                f"Give prices like mention=0.005; there are {', '.join(PRICES)}.",
            )
        table[kind] = _dollars(price)
    return table


def _seconds(text: str) -> float:
    try:
        return timeout_of({"timeout": float(text) or -1})
    except (ValueError, ChannelError) as error:
        raise SettingError(
            f"'{text}' is no time to wait.", f"Give seconds, {MOST_TIMEOUT:.0f} at most."
        ) from error


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
