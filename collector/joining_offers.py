"""What people say of themselves, offered to an editor: "they say that they are @x too".

Found whenever a conversation is looked at, and never acted upon: anyone can claim anything, and
whoever is joined with somebody is written to in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from collector.also_me import named_as_own, says_it_is_them
from collector.mail.quotes import own_words
from ledger.joins import settled_by_reply
from ledger.known_as import known_as
from ledger.model import Channel, Handle, Reply
from ledger.replies import replies_in_threads
from ledger.threads import Thread
from ledger.together import people_of


@dataclass(frozen=True)
class JoiningOffer:
    """By `words` in `reply` somebody says that the bearer of `other` is this person too."""

    reply: Reply
    other: Handle
    words: str


def joining_offers(connection: Connection, thread: Thread) -> list[JoiningOffer]:
    """What is to be decided in a conversation; not again what an editor has decided."""
    written = [one for one in replies_in_threads(connection, thread.rows) if not one.automatic]
    settled = settled_by_reply(connection, [reply.id for reply in written])
    found: dict[str, JoiningOffer] = {}
    for reply in written:
        for offer in _offers(connection, thread, reply):
            whose = offer.other.contributor_id
            if (reply.id, whose) not in settled:
                found.setdefault(whose, offer)
    return list(found.values())


def _offers(connection: Connection, thread: Thread, reply: Reply) -> Iterator[JoiningOffer]:
    text = own_words(reply.text) if reply.channel is Channel.EMAIL else reply.text
    is_theirs = reply.handle.contributor_id in thread.person
    for named in named_as_own(text):
        handles = known_as(connection, named.address, named.channel)
        if is_theirs:
            others = {one.contributor_id: one for one in handles}
            new = [one for whose, one in others.items() if whose not in thread.person]
            # What may mean several people tells nothing of any.
            if len({people_of(connection, one.contributor_id) for one in new}) == 1:
                yield JoiningOffer(reply, new[0], named.words)
        elif any(one.contributor_id in thread.person for one in handles):
            yield JoiningOffer(reply, reply.handle, named.words)
    words = "" if is_theirs else says_it_is_them(text)
    if words:
        yield JoiningOffer(reply, reply.handle, words)
