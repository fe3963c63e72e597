"""Mastodon: who has begun to follow the account, by its notifications."""

from __future__ import annotations

from typing import Any

from collector.connector import FollowerPage
from collector.mastodon.api import Api
from collector.mastodon.posts import handle_of, text_of, web_address
from collector.nobots import wants_no_bots
from collector.post_html import post_text
from ledger.model import clean_name
from ledger.person import FoundPerson

#: The most that Mastodon gives at once (docs.joinmastodon.org/methods/notifications).
AT_ONCE = 80


def new_followers(api: Api, cursor: str, limit: int) -> FollowerPage:
    """Followers since the cursor, oldest first; without one, the newest. Raises ChannelError."""
    found = api.read_list(
        "the new followers",
        api.client.notifications,
        types=["follow"],
        limit=min(limit, AT_ONCE),
        **({"min_id": cursor} if cursor else {}),
    )
    items = [item for item in found[::-1] if isinstance(item, dict)]
    ids = [known for item in items if (known := text_of(item, "id"))]
    people = [
        person
        for item in items
        if text_of(item, "type") == "follow"
        and (person := person_of(item.get("account"), api)) is not None
    ]
    return FollowerPage(
        tuple(people),
        ids[-1] if ids else cursor,
        more=bool(cursor) and len(found) >= min(limit, AT_ONCE),
    )


def person_of(account: Any, api: Api) -> FoundPerson | None:
    """An account as somebody who may be greeted; None when its handle can't be read."""
    address = handle_of(account, api.domain)
    if not address or account.get("moved"):
        return None
    note = account.get("note")
    return FoundPerson(
        address=address,
        name=clean_name(text_of(account, "display_name") or text_of(account, "username")),
        url=web_address(account, "url"),
        contact=address,
        about=post_text(note) if isinstance(note, str) else "",
        is_bot=account.get("bot") is True or account.get("group") is True,
        wants_no_bots=wants_no_bots(account),
        # "locked": they confirm by hand who may follow them.
        is_protected=any(account.get(mark) is True for mark in ("locked", "suspended", "limited")),
    )
