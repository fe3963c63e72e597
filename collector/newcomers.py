"""Look for newcomers: an account's new followers, and people who mentioned it.

A person presses for that, one account at a time; on X it costs what the meter counts. Listing
somebody sends nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from collector.channels import FOLLOWED, open_connector
from collector.connector import ChannelError, FollowedConnector
from collector.context import context_of
from collector.nobots import wants_no_bots
from ledger.database import Ledger
from ledger.errors import DefinedbyError, TemporaryError
from ledger.model import Account, Channel
from ledger.newcomers import (
    Why,
    add_newcomers,
    follower_place,
    keep_follower_place,
    people_who_mention,
)
from ledger.person import FoundPerson

#: Followers per look: nobody greets more than these by hand, and on X each one is paid for.
MOST_FOLLOWERS = 100


@dataclass(frozen=True)
class LookReport:
    """What a look brought. `more`: another one would bring more."""

    looked_at: int
    added: int
    more: bool = False


def look_for_newcomers(ledger: Ledger, account: Account) -> LookReport:
    """Followers since the last look, and people who wrote without answering the question.

    Raises DefinedbyError with what to mend; then the place of the last look stays.
    """
    followers, cursor, more = _new_followers(ledger, account)
    with ledger.write() as connection:
        now = ledger.clock()
        mentions = [_who_wrote(row) for row in people_who_mention(connection, account)]
        added = add_newcomers(connection, ledger.keys, now, account, mentions, Why.MENTIONS)
        added += add_newcomers(connection, ledger.keys, now, account, followers, Why.FOLLOWS)
        keep_follower_place(connection, account.id, cursor, now)
    return LookReport(len(mentions) + len(followers), added, more)


def _new_followers(ledger: Ledger, account: Account) -> tuple[tuple[FoundPerson, ...], str, bool]:
    with ledger.read() as connection:
        cursor, _ = follower_place(connection, account.id)
    if account.channel not in FOLLOWED:
        return (), cursor, False
    try:
        connector = open_connector(account, context_of(ledger, account))
        assert isinstance(connector, FollowedConnector)
        page = connector.new_followers(cursor, MOST_FOLLOWERS)
    except ChannelError as error:
        kind = DefinedbyError if error.permanent else TemporaryError
        raise kind(str(error), error.mend) from error
    return page.people, page.next_cursor, page.more


def _who_wrote(row: Row[Any]) -> FoundPerson:
    """Somebody by their reply, with the marks that the channel sent along."""
    profile = _profile(str(row.raw), Channel(row.channel))
    return FoundPerson(
        address=row.address,
        name=row.author_name,
        url=row.author_url,
        contact=row.contact,
        about=row.text,
        is_bot=profile.get("bot") is True,
        wants_no_bots=wants_no_bots(profile),
    )


def _profile(raw: str, channel: Channel) -> dict[str, object]:
    try:
        item = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        return {}
    name = "account" if channel is Channel.MASTODON else "author"
    found = item.get(name) if isinstance(item, dict) else None
    return found if isinstance(found, dict) else {}
