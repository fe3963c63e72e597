"""Bluesky: notifications, the prompt's thread and direct messages, by the account's server (PDS).

Here is what adding an account asks for, and what it is kept as.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from collector.connector import Ask
from ledger.model import Account

DEFAULT_SERVER = "https://bsky.social"

ASKS = (
    Ask(
        "handle",
        "Handle of the account",
        "Your profile on bsky.app shows it below the name, as in ada.bsky.social.",
    ),
    Ask(
        "password",
        "App password",
        "Settings, Privacy and security, App passwords, Add app password; tick 'Allow access to "
        "your direct messages' if Definedby shall read and write those. Not your main password.",
        secret=True,
    ),
    Ask(
        "base_url",
        "Address of the account's server (PDS)",
        "Leave it as it is unless your account lives on a server of your own.",
        default=DEFAULT_SERVER,
        needed=False,
        is_server=True,
    ),
)


def account_from(answers: dict[str, str]) -> tuple[dict[str, Any], str]:
    """The options and the secret of an account, from the answers to `ASKS`."""
    options = {
        "handle": answers.get("handle", "").strip().lstrip("@").lower(),
        "base_url": answers.get("base_url", "").strip().rstrip("/") or DEFAULT_SERVER,
    }
    return options, json.dumps({"password": answers.get("password", "").strip(), "session": ""})


def answers_of(account: Account) -> dict[str, str]:
    """What would have to be answered to get this account again, the app password included."""
    given = {name: str(account.options.get(name) or "") for name in ("handle", "base_url")}
    with contextlib.suppress(ValueError, KeyError, TypeError):
        given["password"] = str(json.loads(account.secret)["password"])
    return given
