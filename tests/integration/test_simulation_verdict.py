"""The verdict on the simulated year can fail: each thing that must not be is found if it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from consent.decisions import refuse, withdraw
from ledger.accounts import ensure_account
from ledger.contributors import find_or_add_handle
from ledger.courtesies import settle_held
from ledger.database import Ledger
from ledger.etiquette import Action
from ledger.facts import once_key
from ledger.joins import join, part
from ledger.model import Account, Campaign, Channel, IncomingReply
from ledger.outbox import add_draft, approve
from ledger.replies import store_replies
from ledger.tables import outbox
from publisher.publish import publish_pending
from tests.conftest import SteppingClock
from tests.people import EVIDENCE, agree, asked
from tests.simulation.manners import by_person


class House:
    """An account that people are written to by, with or without regard to the rules."""

    def __init__(self, ledger: Ledger, campaign: Campaign) -> None:
        self.ledger, self.clock = ledger, ledger.clock
        with ledger.write() as connection:
            self.account: Account = ensure_account(
                connection, ledger.keys, Channel.MASTODON, "us", campaign.id
            )

    def meet(self, name: str) -> str:
        with self.ledger.write() as connection:
            _, handle = find_or_add_handle(
                connection,
                self.ledger.keys,
                self.clock(),
                channel=Channel.MASTODON,
                address=f"@{name}@far.example",
            )
        return handle.contributor_id

    def send(self, whose: str, action: Action, *, by_hand: bool = False, once: str = "") -> None:
        """As if nothing had been in the way."""
        with self.ledger.write() as connection:
            message = add_draft(
                connection,
                self.ledger.keys,
                self.clock(),
                account_id=self.account.id,
                contributor_id=whose,
                recipient=whose,
                subject="A word",
                body="A word",
                domain="blog.example",
                purpose=action,
                once=once or once_key(action, whose),
            )
            if by_hand:
                assert settle_held(connection, message, self.clock(), "robin", sent=True)
                return
            approve(connection, message, "robin")
            connection.execute(
                outbox.update()
                .where(outbox.c.id == message)
                .values(state="sent", claimed_at=self.clock(), sent_at=self.clock())
            )

    def join(self, one: str, other: str) -> int:
        with self.ledger.write() as connection:
            return join(
                connection,
                self.ledger.keys,
                self.clock(),
                one,
                other,
                joined_by="robin",
                because="They say so.",
            )

    def writes(self, name: str) -> None:
        reply = IncomingReply(f"{self.clock()}", f"@{name}@far.example", "Hello")
        with self.ledger.write() as connection:
            store_replies(connection, self.account, [reply], self.clock())

    def broken(self, **more: Any) -> set[str]:
        known = {"granted": set(), "taken_back_in_words": set(), **more}
        year: Any = SimpleNamespace(ledger=self.ledger, **known)
        return {what for what, found in by_person(year).items() if found}


@pytest.fixture
def house(ledger: Ledger, campaign: Campaign) -> House:
    return House(ledger, campaign)


@pytest.mark.parametrize("by_hand", [True, False])
def test_twins_that_are_joined_count_as_one(
    house: House, clock: SteppingClock, *, by_hand: bool
) -> None:
    ada, twin = house.meet("ada"), house.meet("twin")
    house.send(ada, Action.GREET, by_hand=by_hand)
    clock.pass_time(days=1)
    made = house.join(ada, twin)
    assert house.broken() == set()
    clock.pass_time(days=1)
    house.send(twin, Action.GREET, by_hand=by_hand)
    assert house.broken() == {"greeted twice as one person"}
    clock.pass_time(days=1)
    with house.ledger.write() as connection:
        part(connection, made, clock(), "robin")
    assert house.broken() == {"greeted twice as one person"}, "they were one when it left"


def test_who_was_greeted_before_they_were_known_as_one_is_no_breach(
    house: House, clock: SteppingClock
) -> None:
    ada, twin = house.meet("ada"), house.meet("twin")
    house.send(ada, Action.GREET)
    house.send(twin, Action.GREET, by_hand=True)
    clock.pass_time(days=1)
    house.join(ada, twin)
    assert house.broken() == set()


def test_reminders_are_counted_by_person(house: House, clock: SteppingClock) -> None:
    ada = house.meet("ada")
    house.send(ada, Action.GREET)
    clock.pass_time(days=8)
    house.send(ada, Action.FOLLOW_UP, by_hand=True)
    assert house.broken() == set()
    clock.pass_time(days=8)
    house.writes("ada")
    clock.pass_time(days=8)
    house.send(ada, Action.FOLLOW_UP, once="again")
    assert house.broken() == {
        "reminded twice as one person",
        "reminded although they had written",
    }


def test_asking_again_after_a_no_and_greeting_who_was_asked_are_found(
    house: House, ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    question = asked(ledger, campaign, "hearing people out").request
    refuse(ledger, question.id, EVIDENCE)
    clock.pass_time(days=5)
    house.send(question.contributor_id, Action.ASK)
    assert house.broken() == {"asked again too soon after a no"}
    house.send(question.contributor_id, Action.GREET)
    assert "greeted though they had answered or were asked" in house.broken()


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_cap_is_for_the_account_by_whatever_hand(
    house: House, clock: SteppingClock, *, by_hand: bool
) -> None:
    for number in range(6):
        clock.pass_time(minutes=5)
        house.send(house.meet(f"p{number}"), Action.GREET, by_hand=by_hand and number % 2 == 0)
        assert (house.broken() == {"over a cap"}) is (number == 5)


def test_words_on_the_blog_that_nobody_allows_are_found(
    house: House, ledger: Ledger, campaign: Campaign
) -> None:
    words = "word 000007 of 3"
    question = asked(ledger, campaign, words)
    agree(ledger, question, words)
    assert house.broken() == {"allowed and not published"}
    publish_pending(ledger)
    assert house.broken() == set()
    kept = {"taken_back_in_words": {question.request.definition_id}}
    assert house.broken(**kept) == {"taken back in words and still allowed"}
    withdraw(ledger, question.request.definition_id, EVIDENCE)
    assert house.broken() == {"published without a grant"}
    publish_pending(ledger)
    assert house.broken() == set()


def test_thanks_are_counted_by_what_they_are_for(house: House, clock: SteppingClock) -> None:
    ada = house.meet("ada")
    house.send(ada, Action.THANK, by_hand=True, once="thank:1")
    clock.pass_time(days=1)
    house.send(ada, Action.THANK, once="thank:2")
    assert house.broken() == set()
