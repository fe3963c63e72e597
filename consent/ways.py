"""Ways: how a question can reach its person, by what their channel allows.

A message of ours answers what somebody wrote, on the channel and by the account that read it.
Only in private does it carry their personal link: whoever has that can answer in their name; and
on X only where an editor chose it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from ledger.accounts import account_by_id, accounts_of
from ledger.contributors import handles_of
from ledger.counting import x_length
from ledger.keys import Keys
from ledger.model import Account, Channel, Definition, ReadingState, Reply
from ledger.sent import has_answered

#: Channels on which a contact is an e-mail address.
REACHED_BY_MAIL = frozenset({Channel.EMAIL, Channel.FORM})
#: Characters that fit, in private and in public. Sources: docs.x.com (direct messages 10,000,
#: posts 280 weighted), lexicons chat.bsky.convo.defs (1,000 graphemes) and app.bsky.feed.post
#: (300), docs.joinmastodon.org/user/posting (500; a server's own limit is checked on sending).
ROOM = {
    Channel.X: (10_000, 280),
    Channel.BLUESKY: (1_000, 300),
    Channel.MASTODON: (500, 500),
}
_MENTION = re.compile(r"(?<![\w/@])@[\w.-]*\w(?:@[\w.-]*\w)?")


class WayName(StrEnum):
    MAIL = "mail"
    #: A message that only its recipient sees.
    PRIVATE = "private"
    #: An answer below their post, for everyone to see.
    PUBLIC = "public"
    #: An editor brings it.
    HAND = "hand"


@dataclass(frozen=True)
class Way:
    """One way to a person. `most` is how long a message may be there; 0: as long as it likes."""

    name: WayName
    account: Account
    recipient: str
    in_reply_to: str = ""
    most: int = 0

    @property
    def is_private(self) -> bool:
        return self.name is not WayName.PUBLIC

    @property
    def is_without_link(self) -> bool:
        """Whether a question goes without a personal link here unless an editor chose one.

        X: links from people one does not know are what spam looks like there, and in a post one
        costs thirteen times as much (collector/x/prices.py).
        """
        return self.account.channel is Channel.X

    def length(self, text: str) -> int:
        """How long the channel finds a text, or a little more: never less."""
        if self.account.channel is Channel.X:
            return x_length(text)
        if self.account.channel is Channel.MASTODON:  # its message begins with the handle
            return len(text) + len(self.recipient) + 1
        return len(text)

    def names_others(self, text: str) -> str:
        """A handle in the text whose bearer would be told of a public message; "" for none."""
        own = self.recipient.lower()
        others = (found for found in _MENTION.findall(text) if found.lower() != own)
        return "" if self.is_private else next(others, "")


def ways_to(
    connection: Connection, keys: Keys, definition: Definition, reply: Reply
) -> tuple[Way, ...]:
    """The ways to the author of a reply, best first; by hand is always possible beside them."""
    return ways_by(connection, keys, definition.contributor_id, definition.campaign_id, reply)


def ways_by(
    connection: Connection, keys: Keys, contributor_id: str, campaign_id: str, reply: Reply
) -> tuple[Way, ...]:
    """The same for a reply of theirs that nobody has taken a definition from."""
    found = []
    if reply.channel in ROOM:
        account = account_by_id(connection, keys, reply.account_id)
        found += [] if _is_removed(account) else _own_ways(connection, account, reply)
    mail = _mail(connection, keys, contributor_id, campaign_id, reply)
    return (*found, mail) if mail is not None else tuple(found)


def contact_by_mail(connection: Connection, contributor_id: str) -> str:
    """An e-mail address of this person, or nothing."""
    known = handles_of(connection, contributor_id)
    return next(
        (one.contact for one in known if one.contact and one.channel in REACHED_BY_MAIL), ""
    )


def _own_ways(connection: Connection, account: Account, reply: Reply) -> list[Way]:
    channel = account.channel
    # X: at most one automated reply to each interaction, and messages only after one of theirs.
    if channel is Channel.X and has_answered(connection, account.id, reply.external_id):
        return []
    in_private, in_public = ROOM[channel]
    recipient = reply.handle.contact
    ways = []
    if recipient and (reply.private or channel is not Channel.X):
        ways.append(Way(WayName.PRIVATE, account, recipient, reply.external_id, in_private))
    if not reply.private:
        whom = reply.handle.address
        ways.append(Way(WayName.PUBLIC, account, whom, reply.external_id, in_public))
    return ways


def _mail(
    connection: Connection, keys: Keys, contributor_id: str, campaign_id: str, reply: Reply
) -> Way | None:
    contact = contact_by_mail(connection, contributor_id)
    if not contact:
        return None
    answered = reply.external_id if reply.channel is Channel.EMAIL else ""
    known = accounts_of(connection, keys, campaign_id)
    if answered:
        known.insert(0, account_by_id(connection, keys, reply.account_id))
    for account in known:
        if account.channel is Channel.EMAIL and not _is_removed(account):
            return Way(WayName.MAIL, account, contact, answered)
    return None


def _is_removed(account: Account) -> bool:
    """Whether its login is forgotten: nothing can be sent by it."""
    return account.reading is ReadingState.REMOVED
