"""What waits for a person's hand is asked again when it is opened: nothing goes stale there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from consent.decisions import withdraw
from ledger.accounts import account_by_id
from ledger.courtesies import held_drafts
from ledger.database import Ledger
from ledger.facts import Manners, keep_manners
from ledger.model import Account, Campaign, Channel
from ledger.outbox import MessageState, add_draft, approve, claim, hand_over
from ledger.person import FoundPerson
from ledger.sent import messages_in
from ledger.tables import contributors, outbox
from publisher.publish import publish_pending
from tests.conftest import SteppingClock
from tests.greeting_desk import arrive, at_x, contributor_at, greet, listed
from tests.people import EVIDENCE, agree, asked
from tests.servers.x import XServer
from tests.visiting import Visitor, application, owner

LIZ = FoundPerson("@liz_example", "Liz", contact="77")
HELD = "/desk/greetings/by-hand/1"
TRUE = "your talk on gardens in winter stayed with me."


@pytest.fixture
def x(clock: SteppingClock) -> Iterator[XServer]:
    with XServer(clock) as server:
        yield server


@pytest.fixture
def editor(ledger: Ledger) -> Visitor:
    app: Flask = application(ledger)
    return owner(app, ledger)


@pytest.fixture
def account(ledger: Ledger, campaign: Campaign, x: XServer) -> Account:
    return at_x(ledger, campaign, x)


def failed(ledger: Ledger) -> list[str]:
    with ledger.read() as connection:
        return [one.error for one in messages_in(connection, MessageState.FAILED)]


def no_composer(editor: Visitor) -> bool:
    return "https://x.com" not in editor.page and TRUE not in editor.page


def test_p11_a_greeting_in_hand_ends_when_they_answer(
    editor: Visitor, ledger: Ledger, account: Account
) -> None:
    listed(ledger, account, LIZ)
    assert "Send it yourself" in greet(editor)
    arrive(ledger, account, "@liz_example", "Thought leadership is listening")
    from ledger.replies import find_reply
    from tests.people import define

    with ledger.read() as connection:
        reply = find_reply(connection, 1)
    assert reply is not None
    define(ledger, reply)
    editor.go(HELD)
    assert "Not any more" in editor.page
    assert "They have answered us or been asked already" in editor.page
    assert "Rule “strangers only”" in editor.page
    assert no_composer(editor)
    assert failed(ledger) == [
        "They have answered us or been asked already: talk with them instead."
    ]
    # Had it left before, that is kept: else the same person could be written to again.
    editor.press(HELD, outcome="sent")
    assert "Kept as sent." in editor.page
    with ledger.read() as connection:
        assert len(messages_in(connection, MessageState.SENT)) == 1
    editor.go(HELD)
    assert editor.status == 404


def test_a_greeting_in_hand_ends_when_they_were_greeted_by_another_name(
    editor: Visitor, ledger: Ledger, account: Account
) -> None:
    listed(ledger, account, LIZ, FoundPerson("@elisa_example", "Elisa", contact="78"))
    greet(editor, 1)
    greet(editor, 2, "your bread at the market fair was wonderful.")
    editor.press("/desk/greetings/by-hand/2", outcome="sent")
    with ledger.write() as connection:
        connection.execute(update(contributors).values(person_id="one"))
    editor.go(HELD)
    assert "greeted once, and once is all" in editor.page
    assert no_composer(editor)


def test_p11_thanks_in_hand_end_with_a_withdrawal(
    editor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, "hearing people out")
    definition_id = question.request.definition_id
    agree(ledger, question, "hearing people out")
    publish_pending(ledger)
    page = editor.go(f"/desk/definitions/{definition_id}")
    body = page.partition('name="body"')[2].partition(">")[2].partition("</textarea>")[0]
    editor.press(f"/desk/definitions/{definition_id}/thank", body=body)
    assert "Send it yourself" in editor.page
    withdraw(ledger, definition_id, EVIDENCE)
    editor.go(editor.at)
    assert "Thanks are due once their words are published" in editor.page
    assert "I have sent it" not in editor.page
    assert campaign.slug + "/hearing-people-out" not in editor.page
    with ledger.read() as connection:
        assert connection.execute(
            select(outbox.c.sealed_body).where(outbox.c.purpose == "thank")
        ).scalars().all() == [""]
        assert held_drafts(connection, ledger.keys) == []


def test_p11_a_stop_by_anybody_at_that_address_takes_it_off_the_list(
    editor: Visitor, ledger: Ledger, account: Account
) -> None:
    listed(ledger, account, LIZ)
    greet(editor)
    with ledger.write() as connection:
        # As after a restore or a merge: the stop is known, the message was not touched.
        connection.execute(update(contributors).values(stopped_at=ledger.clock()))
        assert held_drafts(connection, ledger.keys) == []
    assert 'id="held"' not in editor.go("/desk/greetings")
    editor.go(HELD)
    assert editor.status == 404


def test_quiet_hours_and_caps_hold_for_hands_too(
    editor: Visitor, ledger: Ledger, campaign: Campaign, account: Account
) -> None:
    listed(ledger, account, LIZ)
    greet(editor)
    with ledger.write() as connection:
        keep_manners(connection, campaign.id, Manners(zone="Asia/Tokyo"))
    editor.go(HELD)
    assert "between 21:00 and 08:00" in editor.page
    assert "It unlocks on" in editor.page
    assert no_composer(editor)
    with ledger.write() as connection:
        keep_manners(connection, campaign.id, Manners(stricter={"per_hour": 0}))
    editor.go(HELD)
    assert "Rule “per hour”" in editor.page
    assert no_composer(editor)
    with ledger.write() as connection:
        keep_manners(connection, campaign.id, Manners())
    editor.go(HELD)
    assert "https://x.com/messages/compose" in editor.page
    assert failed(ledger) == []


def handed_over_question(ledger: Ledger, campaign: Campaign, account: Account) -> int:
    """A question that the platform left to a person."""
    from ledger.etiquette import Action

    with ledger.write() as connection:
        known = account_by_id(connection, ledger.keys, account.id)
    arrive(ledger, account, "@liz_example", "What is this about?")
    who = contributor_at(ledger, "@liz_example", Channel.X)
    with ledger.write() as connection:
        message = add_draft(
            connection, ledger.keys, ledger.clock(), account_id=known.id, contributor_id=who,
            recipient="@liz_example", subject="May I?", body=f"Liz, {TRUE}",
            domain="blog.example", purpose=Action.ASK,
        )  # fmt: skip
        approve(connection, message, "Olu")
        assert claim(connection, ledger.keys, ledger.clock()) is not None
        composer = "https://x.com/intent/post?text=x"
        hand_over(connection, ledger.keys, message, "X leaves it to people.", composer)
    return message


def test_what_a_platform_left_to_people_is_asked_again_too(
    editor: Visitor, ledger: Ledger, campaign: Campaign, account: Account, clock: SteppingClock
) -> None:
    handed_over_question(ledger, campaign, account)
    assert "https://x.com/intent/post" in editor.go("/desk/outbox")
    with ledger.write() as connection:
        keep_manners(connection, campaign.id, Manners(zone="Asia/Tokyo"))
    editor.go("/desk/outbox")
    assert "Rule “quiet hours”" in editor.page
    assert no_composer(editor)
    assert "Drop it" in editor.page
    with ledger.write() as connection:
        keep_manners(connection, campaign.id, Manners(stricter={"exchange": 9}))
    editor.go("/desk/outbox")
    assert no_composer(editor)
    assert "Drop it" not in editor.page
    assert failed(ledger) == ["They have not written to us 9 times yet: talk first, then ask."]
    sealed: Any
    with ledger.read() as connection:
        sealed = connection.execute(select(outbox.c.sealed_body, outbox.c.sealed_composer)).one()
    assert tuple(sealed) == ("", "")
