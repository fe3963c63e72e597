"""A question that nobody has answered is brought to mind once, in private, and then left alone."""

from __future__ import annotations

import re

import pytest

from consent.decisions import refuse
from consent.errors import NotNowError
from consent.reminding import draft_reminder, may_remind, remind
from consent.requests import Asked, ask, cancel, expire_overdue
from consent.ways import WayName
from ledger import stopping
from ledger.accounts import ensure_account
from ledger.courtesies import NotPolite
from ledger.database import Ledger
from ledger.definitions import need_definition
from ledger.etiquette import Action, Verdict
from ledger.model import Campaign, Channel, IncomingReply, ReplyState
from ledger.outbox import Message, MessageState, claim, mark_sent
from ledger.replies import desk_replies, store_replies
from ledger.sent import message_of_request
from tests.conftest import SteppingClock
from tests.people import EVIDENCE, define
from tests.visiting import OWNER_ADDRESS, PASSWORD, Visitor, application, owner

WORDS = "listening before you speak"
EDITOR = "editor@blog.example"


@pytest.fixture
def question(ledger: Ledger, campaign: Campaign) -> Asked:
    """A question that has left by mail."""
    made = put(ledger, campaign)
    sent = send(ledger)
    assert sent is not None
    return made


def put(ledger: Ledger, campaign: Campaign, lang: str = "", way: WayName | None = None) -> Asked:
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.EMAIL, "inbox", campaign.id)
        reply = IncomingReply(
            *("1", "ada@sample.example", WORDS, "Ada Sample"), contact="ada@sample.example"
        )
        store_replies(connection, account, [reply], ledger.clock())
        (stored,) = desk_replies(connection, campaign.id, ReplyState.NEW)
    return ask(ledger, define(ledger, stored).id, asked_by=EDITOR, lang=lang, way=way)


def send(ledger: Ledger) -> Message | None:
    with ledger.write() as connection:
        found = claim(connection, ledger.keys, ledger.clock())
        if found is not None:
            mark_sent(connection, found.id, ledger.clock())
    return found


def verdict(ledger: Ledger, question: Asked) -> Verdict | None:
    with ledger.read() as connection:
        definition = need_definition(connection, question.request.definition_id)
        return may_remind(ledger, connection, definition)


def reminder(ledger: Ledger, question: Asked) -> Message | None:
    with ledger.read() as connection:
        return message_of_request(connection, question.request.id, Action.REMIND)


def press(ledger: Ledger, question: Asked) -> None:
    body = draft_reminder(ledger, question.request.definition_id)
    remind(ledger, question.request.definition_id, body, EDITOR)


def test_one_reminder_a_week_later_with_the_words_the_credit_and_a_link(
    ledger: Ledger, clock: SteppingClock, question: Asked
) -> None:
    early = verdict(ledger, question)
    assert early is not None
    assert early.block is not None
    assert early.block.rule == "reminder_days"
    with pytest.raises(NotPolite, match="less than 7 days"):
        press(ledger, question)
    clock.pass_time(days=7, seconds=1)
    press(ledger, question)
    sent = send(ledger)
    assert sent is not None
    assert (sent.recipient, sent.in_reply_to) == ("ada@sample.example", "1")
    assert sent.subject.startswith("A reminder")
    for wanted in (WORDS, "Ada Sample", "“stop”", "only reminder"):
        assert wanted in sent.body
    link = re.search(r"/p/(\S+)", sent.body)
    assert link is not None
    visitor = Visitor(application(ledger))
    visitor.go(f"/p/{link[1]}")
    assert WORDS in visitor.page
    clock.pass_time(days=5)
    with pytest.raises(NotPolite, match="as often as they may be"):
        press(ledger, question)
    assert send(ledger) is None


@pytest.mark.parametrize("lang", ["de", "ja", "pt"])
def test_it_is_worded_as_the_question_was(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, lang: str
) -> None:
    question = put(ledger, campaign, lang)
    send(ledger)
    clock.pass_time(days=8)
    body = draft_reminder(ledger, question.request.definition_id)
    assert WORDS in body
    assert "This is the only reminder" not in body


def test_an_answer_a_stop_and_a_question_taken_back_overtake_it(
    ledger: Ledger, clock: SteppingClock, question: Asked
) -> None:
    clock.pass_time(days=8)
    press(ledger, question)
    refuse(ledger, question.request.id, EVIDENCE)
    assert send(ledger) is None
    waiting = reminder(ledger, question)
    assert waiting is not None
    assert waiting.state is MessageState.FAILED
    assert verdict(ledger, question) is None


@pytest.mark.parametrize("how", ["stop", "cancel", "expire"])
def test_nothing_is_left_to_remind_of(
    ledger: Ledger, clock: SteppingClock, question: Asked, how: str
) -> None:
    clock.pass_time(days=8)
    press(ledger, question)
    if how == "stop":
        with ledger.write() as connection:
            who = question.request.contributor_id
            stopping.stop(connection, ledger.keys, ledger.clock(), who, {"by": "test"})
    elif how == "cancel":
        cancel(ledger, question.request.id, EDITOR)
    else:
        clock.pass_time(days=8)
        assert expire_overdue(ledger) == 1
    assert send(ledger) is None
    with pytest.raises(NotNowError):
        press(ledger, question)


def test_whoever_has_written_since_is_answered_and_not_reminded(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, question: Asked
) -> None:
    clock.pass_time(days=8)
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.EMAIL, "inbox", campaign.id)
        late = IncomingReply("2", "ada@sample.example", "What would you use it for?")
        store_replies(connection, account, [late], ledger.clock())
    found = verdict(ledger, question)
    assert found is not None
    assert found.block is not None
    assert found.block.rule == "open_question"


def test_a_question_that_an_editor_brought_is_not_reminded_of(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    question = put(ledger, campaign, way=WayName.HAND)
    clock.pass_time(days=8)
    assert verdict(ledger, question) is None


def test_the_link_has_to_stay(ledger: Ledger, clock: SteppingClock, question: Asked) -> None:
    clock.pass_time(days=8)
    with pytest.raises(NotNowError, match="link is missing"):
        remind(ledger, question.request.definition_id, "Please answer!", EDITOR)


@pytest.fixture
def editor(ledger: Ledger) -> Visitor:
    return owner(application(ledger), ledger)


def test_the_desk_offers_it_when_it_is_time(
    ledger: Ledger, clock: SteppingClock, question: Asked, editor: Visitor
) -> None:
    path = f"/desk/definitions/{question.request.definition_id}"
    assert "less than 7 days to answer" in editor.go(path)
    clock.pass_time(days=7, seconds=1)
    editor.go("/desk/sign-in")
    editor.press("/desk/sign-in", email=OWNER_ADDRESS, password=PASSWORD)
    page = editor.go(path)
    assert "Remind them, once" in page
    editor.press(f"{path}/remind", body="no link")
    assert editor.status == 400
    assert "no link" in editor.page
    editor.press(f"{path}/remind", body=draft_reminder(ledger, question.request.definition_id))
    assert "It is the only one" in editor.page
    assert "waiting to leave" in editor.page
    send(ledger)
    assert "They were reminded of it on" in editor.go(path)
    assert "Remind them" not in editor.page
