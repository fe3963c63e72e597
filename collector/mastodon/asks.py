"""Mastodon: mentions, private mentions and the prompt's thread, by Mastodon.py.

Here is what adding an account asks for, and what it is kept as.
"""

from __future__ import annotations

from typing import Any

from collector.connector import Ask
from ledger.model import Account

ASKS = (
    Ask(
        "base_url",
        "Address of your server",
        "as your browser shows it: https://mastodon.example",
        is_server=True,
    ),
    Ask(
        "token",
        "Access token",
        "Preferences, Development, New application, with the scopes read and write",
        secret=True,
    ),
)


def account_from(answers: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Options and secret of an account, from the answers to `ASKS`."""
    address = answers["base_url"].strip().rstrip("/")
    if "://" not in address:
        address = f"https://{address}"
    return {"base_url": address}, answers["token"].strip()


def answers_of(account: Account) -> dict[str, str]:
    """What would have to be answered to get this account again, the token included."""
    return {"base_url": str(account.options.get("base_url") or ""), "token": account.secret}
