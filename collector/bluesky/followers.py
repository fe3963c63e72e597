"""Bluesky: who has begun to follow the account, by its notifications."""

from __future__ import annotations

from typing import Any

from collector.bluesky.answers import Server, items_of, milliseconds_of, text_of
from collector.bluesky.posts import calls_itself_bot, profile_url
from collector.connector import FollowerPage
from collector.nobots import wants_no_bots
from ledger.model import clean_name
from ledger.person import FoundPerson

#: app.bsky.notification.listNotifications: at most 100 a request.
PER_REQUEST = 100
MOST_REQUESTS = 20


def new_followers(server: Server, cursor: str, limit: int) -> FollowerPage:
    """Followers since the cursor, newest first; without one, the newest. Raises ChannelError."""
    since = int(cursor) if cursor.isdecimal() else 0
    newest, below = since, ""
    people: list[FoundPerson] = []
    for _ in range(MOST_REQUESTS):
        answer = server.query(
            "app.bsky.notification.listNotifications",
            reasons=["follow"],
            limit=PER_REQUEST,
            **({"cursor": below} if below else {}),
        )
        lowest = newest
        for item in items_of(answer, "notifications"):
            at = milliseconds_of(text_of(item, "indexedAt"))
            if at is None or at <= since or text_of(item, "reason") != "follow":
                lowest = min(lowest, at if at is not None else lowest)
                continue
            newest, lowest = max(newest, at), min(lowest, at)
            person = _person(item)
            if person is not None and len(people) < limit:
                people.append(person)
        before, below = below, text_of(answer, "cursor")
        passed = milliseconds_of(below)
        if below in ("", before) or len(people) >= limit or (passed or lowest) <= since:
            break
    return FollowerPage(tuple(people), str(newest) if newest else "")


def _person(item: Any) -> FoundPerson | None:
    author = item.get("author") if isinstance(item, dict) else None
    did, handle = text_of(author, "did"), text_of(author, "handle")
    if not isinstance(author, dict) or not did or not handle or handle == "handle.invalid":
        return None
    about = text_of(author, "description")
    viewer = author.get("viewer")
    blocked = isinstance(viewer, dict) and (viewer.get("blockedBy") or viewer.get("blocking"))
    return FoundPerson(
        address=f"@{handle}",
        name=clean_name(text_of(author, "displayName")),
        url=profile_url(handle),
        contact=did,
        about=about,
        is_bot=calls_itself_bot(author, did),
        wants_no_bots=wants_no_bots(author),
        is_protected=bool(blocked),
    )
