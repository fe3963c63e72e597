"""Comments: what people write below a post of a blog, by the blog's own feed of comments.

Here is what adding an account asks for, and what it is kept as. Nothing of it is secret.
"""

from __future__ import annotations

from typing import Any

from collector.connector import Ask
from collector.web_address import normal_url
from ledger.errors import SettingError
from ledger.model import Account

ASKS = (
    Ask(
        "address",
        "Address of the comment feed",
        "On WordPress the address of the post that asks, with feed/ behind it: "
        "https://blog.example/the-question/feed/",
    ),
)


def account_from(answers: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Options of an account, from the answers to `ASKS`; it has no secret. Raises SettingError."""
    given = answers["address"]
    address = normal_url(given if "://" in given else f"https://{given}")
    if not address:
        raise SettingError(f"'{given[:200]}' is no address on the web.", ASKS[0].where)
    return {"address": address}, ""


def answers_of(account: Account) -> dict[str, str]:
    """What would have to be answered to get this account again."""
    return {"address": str(account.options.get("address") or "")}
