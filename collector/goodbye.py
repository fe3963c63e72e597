"""The goodbye: where a platform wants a "stop" to be acknowledged, one last message does that."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from collector.greetings import goodbye_words
from ledger.campaigns import campaign_by_id
from ledger.database import Ledger
from ledger.etiquette import Action, may, rules_for
from ledger.facts import once_key
from ledger.model import Handle, Reply
from ledger.outbox import add_draft, approve
from ledger.person import PersonFacts

PROGRAM = "definedby"


def say_goodbye(ledger: Ledger, connection: Connection, reply: Reply, author: Handle) -> bool:
    """Queue the goodbye, in the transaction of the stop; False where none is wanted.

    Only one is ever made for a person: its place in the outbox is not given away again.
    """
    now = ledger.clock()
    facts = PersonFacts(reply.channel, stopped_at=now)
    if not may(Action.GOODBYE, facts, rules_for(reply.channel), now).allowed:
        return False
    campaign = campaign_by_id(connection, reply.campaign_id)
    try:
        with connection.begin_nested():
            message = add_draft(
                connection,
                ledger.keys,
                now,
                account_id=reply.account_id,
                contributor_id=author.contributor_id,
                recipient=author.contact or author.address,
                subject="",
                body=goodbye_words(campaign.lang),
                domain=urlsplit(ledger.settings.public_url).hostname or "localhost",
                in_reply_to=reply.external_id,
                purpose=Action.GOODBYE,
                once=once_key(Action.GOODBYE, author.contributor_id),
            )
    except IntegrityError:
        return False
    approve(connection, message, PROGRAM)
    return True
