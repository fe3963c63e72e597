"""The editor's greetings in the simulation: one at a time, some of them tried twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.greeting_check import mark_of, objections_to
from collector.greetings import draft
from ledger.accounts import account_by_id
from ledger.contributors import find_or_add_handle
from ledger.courtesies import Courtesy, held_drafts, settle_held, store_courtesy
from ledger.errors import DefinedbyError
from ledger.etiquette import Action
from ledger.in_hand import ask_again
from ledger.newcomers import (
    Newcomer,
    NewcomerState,
    Why,
    add_newcomers,
    facts_of_newcomer,
    greeted_newcomers,
    set_newcomer_state,
    waiting_newcomers,
)
from ledger.person import FoundPerson
from tests.simulation.peers import BlueskyPeer, MastodonPeer, XPeer

if TYPE_CHECKING:
    from tests.simulation.year import Person, Year

_SYLLABLES = ("ba", "den", "fil", "gor", "hum", "kan", "lo", "mir", "nus", "pel", "rag", "tov")


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
    """Some of those who wait; now and then a second editor greets the very same person, and now
    and then somebody tries with a sentence that another one got.
    """
    with year.ledger.read() as connection:
        waiting = waiting_newcomers(connection, year.campaign.id, 5)
        silent = greeted_newcomers(connection, year.campaign.id, 20)
    for newcomer in waiting:
        if year.sentences and year.chance.random() < 0.05:
            _try(year, newcomer, Action.GREET, year.chance.choice(year.sentences[-20:]).title())
        for _ in range(2 if year.chance.random() < 0.3 else 1):
            if not _try(year, newcomer, Action.GREET, _sentence(year)):
                with year.ledger.write() as connection:
                    set_newcomer_state(connection, newcomer.id, NewcomerState.LEFT_ALONE)
    for newcomer in silent:
        if year.chance.random() < 0.1:
            _try(year, newcomer, Action.FOLLOW_UP, _sentence(year))
    _send_by_hand(year)


def _sentence(year: Year) -> str:
    """Something true of one person: no two have much in common."""
    words = ["".join(year.chance.choices(_SYLLABLES, k=3)) for _ in range(8)]
    return f"your {' '.join(words)}."


def _try(year: Year, newcomer: Newcomer, action: Action, personal: str) -> bool:
    try:
        _greet(year, newcomer, action, personal)
    except DefinedbyError as error:
        year.tally.counts[f"refused: {str(error).partition('.')[0]}"] += 1
        return False
    year.sentences.append(personal)
    return True


def _greet(year: Year, newcomer: Newcomer, action: Action, personal: str) -> None:
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
        text = draft(year.campaign, newcomer.name, personal, action=action)
        objections = objections_to(connection, ours.keys, year.campaign, newcomer, personal, text)
        if objections:
            raise DefinedbyError(f"The linter objects ({objections[0].check}).", "Write another.")
        prepared = store_courtesy(
            connection,
            ours.keys,
            now,
            Courtesy(
                action,
                newcomer.campaign_id,
                account,
                handle.contributor_id,
                recipient=newcomer.contact or newcomer.address,
                subject=year.campaign.prompt,
                body=f"{text} {year.token(handle.contributor_id)}",
                likeness=mark_of(ours.keys, personal, newcomer.name),
            ),
            facts_of_newcomer(connection, ours.keys, now, account, newcomer.campaign_id, newcomer),
            by="robin",
            domain="blog.example",
        )
        set_newcomer_state(connection, newcomer.id, NewcomerState.GREETED, handle.contributor_id)
    done = "greeted" if action is Action.GREET else "reminded"
    year.tally.counts[f"{done} by hand" if prepared.by_hand else done] += 1


def _send_by_hand(year: Year) -> None:
    """What a platform leaves to people is sent there by the editor, who says so here: mostly at
    once, sometimes days later, and then the page has asked the rules again.
    """
    with year.ledger.read() as connection:
        waiting = held_drafts(connection, year.ledger.keys)
    for held in waiting:
        if year.chance.random() < 0.3:
            continue
        with year.ledger.write() as connection:
            block = ask_again(connection, year.ledger.keys, held.id, year.clock())
            if block is not None:
                year.tally.counts[f"held back by hand: {block.rule}"] += 1
                continue
            year.by_hand.append(held.body)
            settle_held(connection, held.id, year.clock(), "robin", sent=True)
        year.tally.counts["sent by hand"] += 1
