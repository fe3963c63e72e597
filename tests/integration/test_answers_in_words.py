"""Answers in the thread: read, obeyed where they end something; a yes recorded by one press."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from collector.read import read_new
from consent.answering import (
    NOT_THE_ONE_ASKED,
    RECORDED,
    SAID_NO,
    STOPPED,
    TAKEN_BACK,
    confirm_yes,
    correct_answer,
    labelled_corrections,
    read_answers,
)
from consent.cli import corrections
from consent.decisions import grant
from consent.errors import NotNowError
from consent.requests import Asked, ask, cancel, revise
from ledger import events
from ledger.accounts import ensure_account
from ledger.answers import Answer, answers_about
from ledger.campaigns import add_campaign
from ledger.consent_state import EventKind
from ledger.contributors import has_stopped_contact
from ledger.database import Ledger
from ledger.model import Account, Campaign, Channel, IncomingReply, ReplyState, Use
from ledger.outbox import Message, claim, mark_sent
from ledger.replies import desk_replies, store_replies
from ledger.sent import message_of_request
from ledger.threads import threads_of_replies
from tests.conftest import SteppingClock
from tests.people import ADA, EVIDENCE, define
from tests.visiting import application, owner
from web.work import TASKS

ADDRESS = "ada@sample.example"
WORDS = "listening before you speak"


class House:
    """A mailbox, Ada's definition that came by it, and the question to her."""

    def __init__(self, ledger: Ledger, clock: SteppingClock) -> None:
        self.ledger, self.clock = ledger, clock
        with ledger.write() as connection:
            self.campaign: Campaign = add_campaign(
                connection, ledger.clock(), prompt="Thought leadership is ___?"
            )
            self.account: Account = ensure_account(
                connection, ledger.keys, Channel.EMAIL, "letters", self.campaign.id
            )
        self.count = 0
        self.write(WORDS)
        with ledger.read() as connection:
            (reply,) = desk_replies(connection, self.campaign.id, ReplyState.NEW)
        self.definition = define(ledger, reply)

    def ask(self, *, sent: bool = True) -> Asked:
        asked = ask(self.ledger, self.definition.id, asked_by="robin@blog.example", credit=ADA)
        if sent:
            self.send()
        return asked

    def send(self) -> None:
        with self.ledger.write() as connection:
            message = claim(connection, self.ledger.keys, self.clock())
            assert message is not None
            assert WORDS in message.body
            assert ADA.line in message.body
            mark_sent(connection, message.id, self.clock())
        self.clock.pass_time(hours=1)

    def message(self, asked: Asked) -> Message:
        with self.ledger.read() as connection:
            found = message_of_request(connection, asked.request.id)
        assert found is not None
        return found

    def write(
        self, words: str, answering: str = "", address: str = ADDRESS, *, automatic: bool = False
    ) -> int:
        self.count += 1
        incoming = IncomingReply(
            f"<{self.count}@sample.example>",
            address,
            words,
            "Ada Sample",
            in_reply_to=(answering,) if answering else (),
            automatic=automatic,
        )
        with self.ledger.write() as connection:
            store_replies(connection, self.account, [incoming], self.clock())
        read_new(self.ledger)
        return self.count

    def answer(self, words: str, asked: Asked, **more: object) -> Answer:
        self.write(words, self.message(asked).message_id, **more)  # type: ignore[arg-type]
        assert read_answers(self.ledger) == 1
        return self.newest()

    def newest(self) -> Answer:
        with self.ledger.read() as connection:
            return answers_about(connection, self.definition.id)[0][0]

    def kinds(self) -> list[EventKind]:
        with self.ledger.read() as connection:
            known = events.history(connection, self.ledger.keys, self.definition.id)
        return [event.kind for event in known]

    def stopped(self) -> bool:
        with self.ledger.read() as connection:
            return has_stopped_contact(connection, self.definition.contributor_id)


@pytest.fixture
def house(any_ledger: Ledger, clock: SteppingClock) -> House:
    return House(any_ledger, clock)


def test_a_yes_waits_for_an_editor_and_binds_what_was_shown(house: House) -> None:
    asked = house.ask()
    question = house.message(asked).message_id  # after the yes, a receipt is the newest
    answer = house.answer("Yes, please do!\n\nAda", asked)
    assert (answer.decision, answer.evidence) == ("grant", "Yes, please do")
    assert house.kinds() == [EventKind.REQUESTED], "nothing is granted by itself"
    given = confirm_yes(house.ledger, answer.reply_id, "robin@blog.example")
    assert given.covers(WORDS, ADA, Use.POST)
    assert given.uses == {Use.POST}, "other uses are ticked, each by itself, and not said along"
    with house.ledger.read() as connection:
        history = events.full_history(connection, house.ledger.keys, house.definition.id)
    evidence = history[-1][1]
    assert evidence["message"] == "<2@sample.example>"
    assert evidence["quoted"] == "Yes, please do"
    assert evidence["confirmed_by"] == "robin@blog.example"
    assert evidence["question"] == question
    assert house.newest().done == RECORDED
    with pytest.raises(NotNowError, match="not open any more"):
        confirm_yes(house.ledger, answer.reply_id, "robin@blog.example")


@pytest.mark.parametrize(
    "words",
    ["👍", "thanks!", "Maybe.", "Sure, but where?", "Yes, I got it.", "Yes, but no surname"],
)
def test_p07_what_is_no_plain_yes_is_never_recorded(house: House, words: str) -> None:
    answer = house.answer(words, house.ask())
    assert answer.decision in ("unclear", "conditional")
    with pytest.raises(NotNowError):
        confirm_yes(house.ledger, answer.reply_id, "robin@blog.example")
    assert house.kinds() == [EventKind.REQUESTED]


def test_p07_a_yes_of_somebody_else_is_never_recorded(house: House) -> None:
    answer = house.answer("Yes, please do!", house.ask(), address="ben@sample.example")
    with pytest.raises(NotNowError, match="another address"):
        confirm_yes(house.ledger, answer.reply_id, "robin@blog.example")


def test_p07_a_yes_to_no_question_is_never_even_an_answer(house: House) -> None:
    house.ask()
    house.write("Yes, please do!")
    assert read_answers(house.ledger) == 0


def test_p07_an_automatic_yes_is_never_recorded(house: House) -> None:
    answer = house.answer("Yes, please do!", house.ask(), automatic=True)
    assert answer.decision == "unclear"


def test_a_yes_counts_only_while_nothing_has_changed(house: House) -> None:
    asked = house.ask()
    answer = house.answer("Yes, please do!", asked)
    cancel(house.ledger, asked.request.id, "robin@blog.example")
    with pytest.raises(NotNowError, match="not open any more"):
        confirm_yes(house.ledger, answer.reply_id, "robin@blog.example")
    revise(house.ledger, house.definition.id, WORDS + " aloud", "robin@blog.example")
    again = ask(house.ledger, house.definition.id, asked_by="robin@blog.example", credit=ADA)
    assert again.request.id != asked.request.id
    with pytest.raises(NotNowError, match="not open any more"):
        confirm_yes(house.ledger, answer.reply_id, "robin@blog.example")


def test_a_yes_counts_only_after_the_question_has_left(house: House) -> None:
    answer = house.answer("Yes, please do!", house.ask(sent=False))
    with pytest.raises(NotNowError, match="Nobody knows"):
        confirm_yes(house.ledger, answer.reply_id, "robin@blog.example")
    house.clock.pass_time(hours=1)
    house.send()
    with pytest.raises(NotNowError, match="before the question left"):
        confirm_yes(house.ledger, answer.reply_id, "robin@blog.example")


def test_a_yes_runs_out_with_its_question(house: House) -> None:
    answer = house.answer("Yes, please do!", house.ask())
    house.clock.now += timedelta(days=house.ledger.settings.request_days + 1)
    with pytest.raises(NotNowError, match="not open any more"):
        confirm_yes(house.ledger, answer.reply_id, "robin@blog.example")


def test_a_later_answer_outdates_a_yes(house: House) -> None:
    asked = house.ask()
    first = house.answer("Yes, please do!", asked)
    house.answer("Hmm, let me think about it once more.", asked)
    with pytest.raises(NotNowError, match="answered again"):
        confirm_yes(house.ledger, first.reply_id, "robin@blog.example")


def test_a_no_closes_the_question_at_once(house: House) -> None:
    answer = house.answer("Yes, I saw it, but I would rather not.", house.ask())
    assert (answer.decision, answer.done) == ("refuse", SAID_NO)
    assert house.kinds() == [EventKind.REQUESTED, EventKind.REFUSED]


@pytest.mark.parametrize("words", ["Please take my quote down.", "Actually no."])
def test_a_withdrawal_in_words_acts_at_once(house: House, words: str) -> None:
    asked = house.ask()
    grant(
        house.ledger, asked.request.id, text=WORDS, credit=ADA,
        uses=frozenset({Use.POST}), evidence=EVIDENCE,
    )  # fmt: skip
    answer = house.answer(words, asked)
    assert answer.done == TAKEN_BACK
    assert house.kinds()[-1] is EventKind.WITHDRAWN


def test_a_withdrawal_by_somebody_else_waits_for_an_editor(house: House) -> None:
    answer = house.answer("Take my quote down.", house.ask(), address="ben@sample.example")
    assert answer.done == NOT_THE_ONE_ASKED
    assert house.kinds() == [EventKind.REQUESTED]


def test_a_stop_closes_every_way_and_a_take_down_goes_with_it(house: House) -> None:
    asked = house.ask()
    grant(
        house.ledger, asked.request.id, text=WORDS, credit=ADA,
        uses=frozenset({Use.POST}), evidence=EVIDENCE,
    )  # fmt: skip
    answer = house.answer("Take it down and never write to me again.", asked)
    assert answer.done == f"{STOPPED} {TAKEN_BACK}"
    assert house.stopped()
    assert EventKind.WITHDRAWN in house.kinds()


def test_a_stop_alone_leaves_what_was_allowed(house: House) -> None:
    asked = house.ask()
    grant(
        house.ledger, asked.request.id, text=WORDS, credit=ADA,
        uses=frozenset({Use.POST}), evidence=EVIDENCE,
    )  # fmt: skip
    assert house.answer("Please, no more mails.", asked).done == STOPPED
    assert house.stopped()
    assert house.kinds()[-1] is EventKind.GRANTED


def test_corrections_stick_and_become_labelled_rows(house: House) -> None:
    asked = house.ask()
    answer = house.answer("Jo mei.", asked)
    assert answer.decision == "unclear"
    assert correct_answer(house.ledger, answer.reply_id, "conditional", "Robin") == ""
    assert read_answers(house.ledger) == 0
    known = house.newest()
    assert (known.decision, known.corrected_by) == ("conditional", "Robin")
    (row,) = labelled_corrections(house.ledger)
    assert (row["answer"], row["decision"]) == ("Jo mei.", "conditional")
    assert row["asked"]["text"] == WORDS
    assert row["asked"]["credit"] == ADA.line
    assert correct_answer(house.ledger, answer.reply_id, "refuse", "Robin") == SAID_NO
    assert house.kinds()[-1] is EventKind.REFUSED


def test_a_yes_may_be_recorded_after_a_correction(house: House) -> None:
    answer = house.answer("Jo mei, warum ned.", house.ask())
    correct_answer(house.ledger, answer.reply_id, "grant", "Robin")
    assert confirm_yes(house.ledger, answer.reply_id, "Robin").covers(WORDS, ADA, Use.POST)
    with pytest.raises(NotNowError, match="recorded already"):
        correct_answer(house.ledger, answer.reply_id, "refuse", "Robin")
    assert correct_answer(house.ledger, answer.reply_id, "withdraw", "Robin") == TAKEN_BACK


def test_the_worker_reads_answers() -> None:
    assert "answers" in [task.name for task in TASKS]


# ------------------------------------------------------------------------ the desk
def test_the_desk_shows_the_evidence_and_records_a_yes_by_one_press(
    ledger: Ledger, clock: SteppingClock
) -> None:
    house = House(ledger, clock)
    answer = house.answer("Hello! Yes, you may publish it. Thank you for asking.", house.ask())
    editor = owner(application(ledger), ledger)
    page = editor.go("/desk")
    assert "Says yes" in page
    assert "Yes, you may publish it" in page
    page = editor.go(f"/desk/definitions/{house.definition.id}")
    for shown in ("Says yes", "An explicit yes, with no condition.", "They said yes: record it"):
        assert shown in page
    assert 'data-key="y"' in page
    page = editor.press(f"/desk/answers/{answer.reply_id}/confirm")
    assert "Their yes is recorded" in page
    assert house.kinds() == [EventKind.REQUESTED, EventKind.GRANTED]


def test_a_yes_is_recorded_in_the_conversation_where_it_was_given(
    ledger: Ledger, clock: SteppingClock
) -> None:
    house = House(ledger, clock)
    answer = house.answer("Hello! Yes, you may publish it. Thank you for asking.", house.ask())
    with ledger.read() as connection:
        thread_id = threads_of_replies(connection, [answer.reply_id])[answer.reply_id]
    editor = owner(application(ledger), ledger)
    page = editor.go(f"/desk/threads/{thread_id}")
    conversation = page[page.index('class="thread"') : page.index("</ol>")]
    for shown in ("Says yes", "Yes, you may publish it", "They said yes: record it"):
        assert shown in conversation
    page = editor.press(f"/desk/answers/{answer.reply_id}/confirm", thread=str(thread_id))
    assert "Their yes is recorded" in page
    assert "The conversation" in page
    assert "They said yes: record it" not in page
    assert house.kinds() == [EventKind.REQUESTED, EventKind.GRANTED]
    page = editor.press(
        f"/desk/answers/{answer.reply_id}", decision="withdraw", thread=str(thread_id)
    )
    assert "took it back" in page
    assert house.kinds()[-1] == EventKind.WITHDRAWN


def test_the_desk_says_what_a_grant_lacks_and_takes_corrections(
    ledger: Ledger, clock: SteppingClock
) -> None:
    house = House(ledger, clock)
    answer = house.answer("Yes!", house.ask(), address="ben@sample.example")
    editor = owner(application(ledger), ledger)
    page = editor.go(f"/desk/definitions/{house.definition.id}")
    assert NOT_THE_ONE_ASKED in page
    assert "disabled" in page
    assert 'data-key="y"' not in page
    editor.press(f"/desk/answers/{answer.reply_id}/confirm")
    assert house.kinds() == [EventKind.REQUESTED]
    page = editor.press(f"/desk/answers/{answer.reply_id}", decision="unclear")
    assert "this sticks" in page
    assert house.newest().corrected_by
    editor.press(f"/desk/answers/{answer.reply_id}", decision="nonsense")
    assert editor.status == 400
    editor.go("/desk")
    editor.press("/desk/answers/999/confirm")
    assert editor.status == 404


def test_corrections_are_printed_as_json_lines(
    ledger: Ledger, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(ledger, clock)
    answer = house.answer("Jo mei.", house.ask())
    correct_answer(ledger, answer.reply_id, "refuse", "Robin")
    monkeypatch.setenv("DEFINEDBY_HOME", str(ledger.settings.home))
    done = CliRunner().invoke(corrections, [], standalone_mode=False)
    assert done.exception is None, done.exception
    assert json.loads(done.stdout)["decision"] == "refuse"
