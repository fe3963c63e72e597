"""What a contributor's personal page shows: their definitions, and how each one stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from consent.credit import suggested_credit
from ledger import events
from ledger.campaigns import campaign_by_id
from ledger.consent_state import EventKind, Grant
from ledger.database import Ledger
from ledger.definitions import definitions_of, reply_of
from ledger.jobs import JobKind, is_waiting
from ledger.joined import parts_of
from ledger.model import Campaign, Channel, Credit, Definition, PostKind
from ledger.offers import OFFERED
from ledger.piece_text import piece_of
from ledger.pieces import all_shares
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
    #: Of a piece, how the others whose words it shows are credited, by their number in it.
    others: Mapping[int, Credit] = field(default_factory=dict)

    @property
    def kind(self) -> PostKind:
        return self.definition.kind

    @property
    def headline(self) -> str:
        """The words, or the title of a piece."""
        text = self.definition.text
        return piece_of(text).title if self.definition.is_piece else text

    @property
    def own_answers(self) -> list[tuple[int, str]]:
        """Of a piece, what they say in it themselves, by the number of the turn."""
        return answers_in(self.definition, self.definition.text)

    @property
    def proposed(self) -> str:
        """What they would rather say, to be read."""
        return other_words(self.definition, self.proposal)

    @property
    def corrected(self) -> str:
        """The same for a correction."""
        return other_words(self.definition, self.correction)


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
    built = not is_waiting(connection, JobKind.PUBLISH, definition.post_id)
    post = find_post(connection, definition.post_id) if built else None
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
        others=credits_of_others(ledger, connection, definition),
    )


def credits_of_others(
    ledger: Ledger, connection: Connection, definition: Definition
) -> dict[int, Credit]:
    """How everybody else in a piece is credited: as they allowed it, as they were asked, or as we
    would ask them.
    """
    found: dict[int, Credit] = {}
    for one in all_shares(connection, definition):
        if one.id == definition.id:
            continue
        state = events.state_of(connection, ledger.keys, one.id)
        if state.grant is not None:
            found[one.part] = state.grant.credit
        elif state.request is not None:
            found[one.part] = state.request.credit
        else:
            found[one.part] = suggested_credit(reply_of(connection, one).handle)
    return found


def answers_in(definition: Definition, text: str) -> list[tuple[int, str]]:
    """What this person says in a piece, by the number of the turn; nothing for other kinds."""
    if not definition.is_piece:
        return []
    turns = enumerate(piece_of(text).turns)
    return [(number, turn.words) for number, turn in turns if turn.person == definition.part]


def other_words(definition: Definition, text: str) -> str:
    """Of a piece with other words, their answers that are other ones, or all of theirs; else the
    text.
    """
    if not text or not definition.is_piece:
        return text
    before = dict(answers_in(definition, definition.text))
    answers = answers_in(definition, text)
    changed = [said for turn, said in answers if said != before.get(turn)]
    return "\n\n".join(changed or [said for _, said in answers])
