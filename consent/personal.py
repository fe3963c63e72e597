"""What a contributor's personal page shows: their definitions, and how each one stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger import events
from ledger.campaigns import campaign_by_id
from ledger.consent_state import EventKind, Grant
from ledger.database import Ledger
from ledger.definitions import definitions_of, reply_of
from ledger.jobs import JobKind, is_waiting
from ledger.joined import parts_of
from ledger.model import Campaign, Channel, Definition
from ledger.offers import OFFERED
from ledger.posts import find_post
from ledger.requests import ConsentRequest, live_request
from ledger.rights_requests import correction_of
from ledger.sources import held_source


@dataclass(frozen=True)
class PersonalItem:
    """One definition as its author sees it. `address` is the live post's path, or empty."""

    definition: Definition
    campaign: Campaign
    channel: Channel
    when: datetime
    request: ConsentRequest | None
    grant: Grant | None
    proposal: str
    last: EventKind | None
    address: str
    #: Allowed before an editor has chosen it.
    awaits_choice: bool = False
    #: Other words of its author's that they will be asked about.
    correction: str = ""
    #: How many messages the words were sent in.
    messages: int = 1


def personal_page(ledger: Ledger, contributor_id: str) -> list[PersonalItem]:
    """All definitions of one contributor, oldest first."""
    with ledger.read() as connection:
        return [
            _item(ledger, connection, definition)
            for definition in definitions_of(connection, contributor_id)
        ]


def _item(ledger: Ledger, connection: Connection, definition: Definition) -> PersonalItem:
    reply = reply_of(connection, definition)
    state = events.state_of(connection, ledger.keys, definition.id)
    request = live_request(connection, definition.contributor_id)
    if request is not None and (
        request.definition_id != definition.id or request.expires_at <= ledger.clock()
    ):
        request = None
    held = held_source(connection, definition.reply_id)
    # A post's row is there before its page is built; nobody shall follow a link into nothing.
    built = not is_waiting(connection, JobKind.PUBLISH, definition.id)
    post = find_post(connection, definition.id) if built else None
    return PersonalItem(
        definition=definition,
        campaign=campaign_by_id(connection, definition.campaign_id),
        channel=reply.channel,
        when=reply.written_at or reply.received_at,
        request=request,
        grant=state.grant,
        proposal=state.proposal,
        last=state.last,
        address=post.address if post is not None else "",
        awaits_choice=held is not None and held.state == OFFERED,
        correction=correction_of(connection, definition.id),
        messages=1 + len(parts_of(connection, reply.id)),
    )
