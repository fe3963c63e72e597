"""X: mentions, answers to the prompt and direct messages, by tweepy and X's API v2.

Here is what adding an account asks for, and what it is kept as.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict

from collector.connector import Ask, ChannelError
from collector.x.login import MOST_TIMEOUT, TIMEOUT, Login, timeout_of
from collector.x.prices import PRICES
from ledger.errors import SettingError
from ledger.model import Account

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
