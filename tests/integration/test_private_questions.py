"""Questions in private conversations: on X in words unless a link was chosen, and answered there.

Messages there name none that they answer, so "yes" is meant for what was asked last (P01, P12).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from collector.dispatch import dispatch
from collector.polling import poll_all
from collector.read import read_new
from consent.answering import SAID_NO, TAKEN_BACK, confirm_yes, read_answers
from consent.errors import NotNowError
from consent.requests import Asked, ask
from consent.ways import WayName
from ledger import events
from ledger.answers import Answer, answers_about
from ledger.consent_state import EventKind
from ledger.database import Ledger
from ledger.definitions import take_definition
from ledger.model import Campaign, ReplyKind, ReplyState, Use
from ledger.replies import desk_replies
from tests.conftest import SteppingClock
from tests.sending_houses import BlueskyHouse, XHouse
from tests.visiting import application, choices, message_shown, owner, send_as_shown

PRIVATE = WayName.PRIVATE


@pytest.fixture
def x(ledger: Ledger, campaign: Campaign) -> Iterator[XHouse]:
    house = XHouse(ledger, campaign)
    with house.server:
        house.move_in()
        yield house


@pytest.fixture
def bluesky(ledger: Ledger, campaign: Campaign) -> Iterator[BlueskyHouse]:
    house = BlueskyHouse(ledger, campaign)
    with house.server:
        house.move_in()
        yield house


def asked_in_words(x: XHouse) -> Asked:
    asked = x.asked(PRIVATE, private=True)
    assert dispatch(x.ledger).sent == 1
    return asked


def hears(x: XHouse, words: str, *, sender: str = "", minutes: int = 5) -> int:
    """Somebody writes in private, and it is read; returns how many answers that were."""
    x.ledger.clock.pass_time(minutes=minutes)  # type: ignore[attr-defined]  # the test's clock
    x.server.add_message(words, sender=sender or str(x.server.messages[0]["sender_id"]))
    x.ledger.clock.pass_time(hours=1)  # type: ignore[attr-defined]
    poll_all(x.ledger)
    read_new(x.ledger)
    return read_answers(x.ledger)


def answered(x: XHouse, asked: Asked) -> Answer:
    with x.ledger.read() as connection:
        return answers_about(connection, asked.request.definition_id)[0][0]


def kinds(x: XHouse, asked: Asked) -> list[EventKind]:
    with x.ledger.read() as connection:
        known = events.history(connection, x.ledger.keys, asked.request.definition_id)
    return [event.kind for event in known]


def test_on_x_a_yes_in_the_conversation_waits_for_an_editor(x: XHouse) -> None:
    asked = asked_in_words(x)
    (text,) = x.sent()
    assert asked.link == ""
    assert not re.search(r"https?://|/p/", text)
    assert f"“listening, number 1” on “{x.ledger.settings.title}”, credited to" in text
    assert hears(x, "Yes, please do.") == 1
    answer = answered(x, asked)
    assert (answer.decision, answer.evidence) == ("grant", "Yes, please do")
    assert kinds(x, asked) == [EventKind.REQUESTED]
    given = confirm_yes(x.ledger, answer.reply_id, "robin")
    assert given.covers("listening, number 1", asked.request.credit, Use.POST)
    with x.ledger.read() as connection:
        newest = desk_replies(connection, x.campaign.id, ReplyState.NEW)[0]
    assert newest.reading.kind is ReplyKind.OTHER, "an answer to us is no new definition"


def test_a_no_there_closes_the_question_at_once(x: XHouse) -> None:
    asked = asked_in_words(x)
    assert hears(x, "No, I would rather not.") == 1
    assert answered(x, asked).done == SAID_NO
    assert kinds(x, asked)[-1] is EventKind.REFUSED
    # What they write after that is about other things, until they are asked again.
    assert hears(x, "Yes! What a day.") == 0


def test_after_a_yes_only_taking_back_is_about_it(x: XHouse) -> None:
    asked = asked_in_words(x)
    hears(x, "Yes, please do.")
    confirm_yes(x.ledger, answered(x, asked).reply_id, "robin")
    assert hears(x, "No, thank you, no coffee for me.") == 0
    assert EventKind.WITHDRAWN not in kinds(x, asked)
    assert hears(x, "I have changed my mind: please take my words down.") == 1
    assert answered(x, asked).done == TAKEN_BACK
    assert EventKind.WITHDRAWN in kinds(x, asked)


def test_taking_back_there_takes_back_all_that_they_allowed(x: XHouse) -> None:
    """Even while another question is open, which may not be what they speak of."""
    first = asked_in_words(x)
    hears(x, "Yes, please do.")
    confirm_yes(x.ledger, answered(x, first).reply_id, "robin")
    hears(x, "Thought leadership is waiting, too.")
    with x.ledger.write() as connection:
        newest = desk_replies(connection, x.campaign.id, ReplyState.NEW)[0]
        made = take_definition(connection, x.ledger.keys, x.ledger.clock(), newest, "en")
    ask(x.ledger, made.id, asked_by="robin", way=PRIVATE)
    assert dispatch(x.ledger).sent == 1
    assert hears(x, "I have changed my mind: please take my words down.") == 1
    assert EventKind.WITHDRAWN in kinds(x, first)
    with x.ledger.read() as connection:
        for definition_id in (first.request.definition_id, made.id):
            state = events.state_of(connection, x.ledger.keys, definition_id)
            assert state.grant is None
            assert state.request is None


def test_what_others_write_or_what_was_written_before_is_no_answer(
    x: XHouse, clock: SteppingClock
) -> None:
    early = clock() - timedelta(days=1)
    asked = asked_in_words(x)
    sender = str(x.server.messages[0]["sender_id"])
    x.server.add_message("Yes.", sender=sender, created_at=early.isoformat())
    assert hears(x, "Yes, please do.", sender=x.server.add_user("eve_example")) == 0
    # Below a post of theirs everyone can read along, and nothing is taken for an answer either.
    x.server.add_post("@asker_example Yes, please do.", author=sender)
    poll_all(x.ledger)
    read_new(x.ledger)
    assert read_answers(x.ledger) == 0
    assert kinds(x, asked) == [EventKind.REQUESTED]


def test_on_bluesky_a_chat_is_answered_there_too(
    bluesky: BlueskyHouse, clock: SteppingClock
) -> None:
    asked = bluesky.asked(PRIVATE, private=True)
    assert dispatch(bluesky.ledger).sent == 1
    assert asked.link
    clock.pass_time(minutes=5)
    (person,) = (name.removeprefix("convo-") for name in bluesky.server.convos)
    bluesky.server.write_to(person, "No, I'd rather not.", round(clock().timestamp() * 1000))
    clock.pass_time(hours=1)
    poll_all(bluesky.ledger)
    read_new(bluesky.ledger)
    assert read_answers(bluesky.ledger) == 1
    with bluesky.ledger.read() as connection:
        (answer, _), *_ = answers_about(connection, asked.request.definition_id)
    assert answer.done == SAID_NO


def test_a_link_on_x_is_there_where_it_was_chosen_and_nowhere_else(x: XHouse) -> None:
    with pytest.raises(NotNowError, match="no such way"):
        x.asked(PRIVATE, link=True)
    asked = x.asked(PRIVATE, private=True, link=True)
    assert dispatch(x.ledger).sent == 1
    assert asked.link in x.sent()[0]
    below = x.asked(WayName.PUBLIC, link=True)
    assert below.link == "", "in public there is none, whatever was chosen"


def test_the_desk_asks_on_x_without_a_link_and_shows_what_one_costs(
    x: XHouse, campaign: Campaign
) -> None:
    x.answer("listening before you speak", private=True)
    poll_all(x.ledger)
    read_new(x.ledger)
    with x.ledger.write() as connection:
        (reply,) = desk_replies(connection, campaign.id, ReplyState.NEW)
        made = take_definition(connection, x.ledger.keys, x.ledger.clock(), reply, "en")
    path = f"/desk/definitions/{made.id}"
    editor = owner(application(x.ledger), x.ledger)
    assert "It has no link; they answer in words. X charges $0.015." in editor.go(path)
    form = choices(way="private")
    editor.press(f"{path}/ask", **form)
    assert "/p/" not in message_shown(editor)
    assert "X charges $0.015 for a message either way" in editor.page
    assert "a post with a link would be $0.20" in editor.page
    editor.press(f"{path}/ask", **form, do="link")
    with_link = message_shown(editor)
    assert "/p/" in with_link
    assert 'name="link" value="yes"' in editor.page
    editor.press(f"{path}/ask", **form, link="yes", do="no_link")
    assert "/p/" not in message_shown(editor)
    # A link that was typed but not chosen does not leave, nor one that was chosen and taken out.
    send_as_shown(editor, path, **form, body=with_link)
    assert "There is a personal link in it" in editor.page
    send_as_shown(editor, path, **form, link="yes", body="May I?")
    assert "The personal link is missing" in editor.page
    editor.press(f"{path}/ask", **form, do="no_link")
    send_as_shown(editor, path, **form)
    assert "nothing else is to be done" in editor.page
    assert dispatch(x.ledger).sent == 1
    (text,) = x.sent()
    assert "/p/" not in text
