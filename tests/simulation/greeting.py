"""The editor's greetings in the simulation: one at a time, some of them tried twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.greetings import draft, likeness, lint
from ledger.accounts import account_by_id
from ledger.contributors import find_or_add_handle
from ledger.courtesies import Courtesy, held_drafts, settle_held, store_courtesy, was_written_before
from ledger.errors import DefinedbyError
from ledger.etiquette import Action
from ledger.newcomers import (
    Newcomer,
    NewcomerState,
    Why,
    add_newcomers,
    facts_of_newcomer,
    set_newcomer_state,
    waiting_newcomers,
)
from ledger.person import FoundPerson
from tests.simulation.peers import BlueskyPeer, MastodonPeer, XPeer

if TYPE_CHECKING:
    from tests.simulation.year import Person, Year

_DIGITS = ["nought", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def follows(year: Year, person: Person) -> None:
    """They follow one of our accounts; the desk lists them, or passes them over."""
    contact = {
        MastodonPeer: lambda: person.peer.address(person.number),
        BlueskyPeer: lambda: f"did:plc:sim{person.number:06d}",
        XPeer: lambda: person.peer.number_of(person.number),  # type: ignore[attr-defined]
    }[type(person.peer)]
    found = FoundPerson(
        person.peer.address(person.number), f"Person {person.number}", contact=contact()
    )
    with year.ledger.write() as connection:
        account = account_by_id(connection, year.ledger.keys, person.peer.account.id)
        year.tally.counts["followers listed"] += add_newcomers(
            connection, year.ledger.keys, year.clock(), account, [found], Why.FOLLOWS
        )


def greet_some(year: Year) -> None:
    """Some of those who wait; now and then a second editor greets the very same person."""
    with year.ledger.read() as connection:
        waiting = waiting_newcomers(connection, year.campaign.id, 5)
    for newcomer in waiting:
        for _ in range(2 if year.chance.random() < 0.3 else 1):
            try:
                _greet(year, newcomer)
            except DefinedbyError as error:
                year.tally.counts[f"refused: {str(error).partition('.')[0]}"] += 1
                with year.ledger.write() as connection:
                    set_newcomer_state(connection, newcomer.id, NewcomerState.LEFT_ALONE)
    _send_by_hand(year)


def _greet(year: Year, newcomer: Newcomer) -> None:
    ours, now = year.ledger, year.clock()
    with ours.write() as connection:
        account = account_by_id(connection, ours.keys, newcomer.account_id)
        _, handle = find_or_add_handle(
            connection,
            ours.keys,
            now,
            channel=newcomer.channel,
            address=newcomer.address,
            name=newcomer.name,
            contact=newcomer.contact,
        )
        token = year.token(handle.contributor_id)
        spelled = " ".join(_DIGITS[int(digit)] for digit in str(year.count))
        personal = f"I have read your notes on the {spelled} lighthouses of the north {token}."
        text = draft(year.campaign, newcomer.name, personal)
        mark = ours.keys.token_hash("likeness:" + likeness(personal, newcomer.name))
        is_new = not was_written_before(connection, mark)
        objections = lint(text, year.campaign, newcomer.shown_name, personal, is_new=is_new)
        if objections:
            raise DefinedbyError(f"The linter objects ({objections[0].check}).", "Write another.")
        prepared = store_courtesy(
            connection,
            ours.keys,
            now,
            Courtesy(
                Action.GREET,
                newcomer.campaign_id,
                account,
                handle.contributor_id,
                recipient=newcomer.contact or newcomer.address,
                subject=year.campaign.prompt,
                body=text,
                likeness=mark,
            ),
            facts_of_newcomer(connection, ours.keys, now, account, newcomer.campaign_id, newcomer),
            by="robin",
            domain="blog.example",
        )
        set_newcomer_state(connection, newcomer.id, NewcomerState.GREETED, handle.contributor_id)
    year.tally.counts["greeted by hand" if prepared.by_hand else "greeted"] += 1


def _send_by_hand(year: Year) -> None:
    """What a platform leaves to people is sent there by the editor, who says so here."""
    with year.ledger.write() as connection:
        for held in held_drafts(connection, year.ledger.keys):
            year.by_hand.append(held.body)
            settle_held(connection, held.id, year.clock(), "robin", sent=True)
