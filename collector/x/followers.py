"""X: who has begun to follow the account, newest first, charged by the meter."""

from __future__ import annotations

import json
from typing import Any

from collector.connector import FollowerPage
from collector.nobots import wants_no_bots
from collector.x.api import Api
from collector.x.posts import WEB, number_of
from ledger.model import clean_name
from ledger.person import FoundPerson

#: GET /2/users/:id/followers gives 1 to 1,000; each one is charged.
PAGE = (1, 1000)
#: So many of the newest are remembered: one of them tells where the unread ones end, also when
#: others have stopped following meanwhile.
REMEMBERED = 20
FIELDS = ["description", "name", "protected", "username"]


def new_followers(api: Api, cursor: str, limit: int) -> FollowerPage:
    """The newest followers that are not known yet, at most `limit`. Raises ChannelError."""
    known = _known(cursor)
    own_id = api.own_id()
    most = min(limit, PAGE[1])
    answer = api.read(
        "follower",
        (PAGE[0], most),
        "the followers",
        lambda client, oauth1, count: client.get_users_followers(
            own_id, max_results=count, user_fields=FIELDS, user_auth=oauth1
        ),
    )
    found = answer.get("data")
    users = [user for user in found if isinstance(user, dict)] if isinstance(found, list) else []
    fresh = []
    for user in users:
        if str(user.get("id")) in known:
            break
        fresh.append(user)
    ids = [str(user.get("id")) for user in users if number_of(user.get("id"))]
    return FollowerPage(
        tuple(person for user in fresh if (person := _person(user)) is not None),
        json.dumps([*ids, *(one for one in known if one not in ids)][:REMEMBERED]),
        # Should none of those known be among them, there may be more further down.
        more=bool(known) and len(fresh) == len(users) == most,
    )


def _person(user: dict[str, Any]) -> FoundPerson | None:
    username, about = user.get("username"), str(user.get("description") or "")
    if not isinstance(username, str) or not username or not number_of(user.get("id")):
        return None
    return FoundPerson(
        address=f"@{username}",
        name=clean_name(str(user.get("name") or "")),
        url=f"{WEB}/{username}",
        contact=str(user["id"]),
        about=about,
        wants_no_bots=wants_no_bots(user),
        is_protected=user.get("protected") is True,
    )


def _known(cursor: str) -> list[str]:
    try:
        kept = json.loads(cursor or "[]")
    except ValueError:
        return []
    return [str(one) for one in kept] if isinstance(kept, list) else []
