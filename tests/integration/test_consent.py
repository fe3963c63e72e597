"""Asking and answering, on each database."""

from __future__ import annotations

import threading

import pytest

from consent.credit import CreditError, chosen_credit
from consent.decisions import propose, refuse, stop, withdraw
from consent.errors import NotNowError
from consent.notice import NOTICE_VERSION
from consent.personal import personal_page
from consent.requests import ask, cancel, expire_overdue, revise
from ledger import chain, events
from ledger.campaigns import add_campaign
from ledger.consent_state import EventKind
from ledger.database import Ledger
from ledger.jobs import JobKind, open_jobs
from ledger.keys import verify_signature
from ledger.links import contributor_of_link, link_of_token, revoke_links
from ledger.model import Campaign, Use
from ledger.posts import Post, find_post, is_gone, put_post
from ledger.requests import AskedAlreadyError, live_request
from tests.conftest import SteppingClock
from tests.people import ADA, EVIDENCE, agree, answer, asked, define
from tests.schemas import valid_receipt

WORDS = "listening before you speak"


@pytest.fixture
def here(any_ledger: Ledger) -> tuple[Ledger, Campaign]:
    with any_ledger.write() as connection:
        return any_ledger, add_campaign(
            connection, any_ledger.clock(), prompt="Thought leadership is ___?"
        )


def test_a_yes_binds_exactly_what_was_shown(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    given = agree(ledger, question, WORDS)
    assert given.covers(WORDS, ADA, Use.POST)
    with ledger.read() as connection:
        (job,) = open_jobs(connection, JobKind.PUBLISH, ledger.clock())
        assert live_request(connection, question.request.contributor_id) is None
        kinds = [e.kind for e in events.history(connection, ledger.keys, job.subject)]
    assert kinds == [EventKind.REQUESTED, EventKind.GRANTED]


def test_other_words_than_those_shown_are_not_granted(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    with pytest.raises(NotNowError, match="not the words that were shown"):
        agree(ledger, question, WORDS + "!")
    with ledger.read() as connection:
        assert live_request(connection, question.request.contributor_id) is not None
        assert open_jobs(connection, JobKind.PUBLISH, ledger.clock()) == []


def test_a_no_ends_the_question(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    refuse(ledger, question.request.id, EVIDENCE)
    with pytest.raises(NotNowError, match="not open any more"):
        agree(ledger, question, WORDS)


def test_a_proposal_is_taken_up_by_asking_again(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    propose(ledger, question.request.id, "listening, then speaking", EVIDENCE)
    (item,) = personal_page(ledger, question.request.contributor_id)
    assert item.proposal == "listening, then speaking"
    assert item.grant is None
    revise(ledger, item.definition.id, item.proposal, by="editor@blog.example")
    again = ask(ledger, item.definition.id, asked_by="editor@blog.example")
    assert "listening, then speaking" in again.body
    assert agree(ledger, again, "listening, then speaking").text == "listening, then speaking"


def test_new_words_close_the_question_for_the_old_ones(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    revise(ledger, question.request.definition_id, "hearing", by="editor@blog.example")
    with pytest.raises(NotNowError, match="not open any more"):
        agree(ledger, question, WORDS)


def test_a_withdrawal_buries_the_post_at_once(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    given = agree(ledger, question, WORDS)
    definition_id = question.request.definition_id
    post = Post("definition", definition_id, "/t/w-1/", "f.md", given.event_hash, ledger.clock())
    with ledger.write() as connection:
        put_post(connection, ledger.keys, post)
    withdraw(ledger, definition_id, EVIDENCE)
    with ledger.read() as connection:
        assert is_gone(connection, ledger.keys, "/t/w-1/")
        assert find_post(connection, definition_id) is None
        assert events.state_of(connection, ledger.keys, definition_id).grant is None


def test_withdrawing_during_an_open_question_closes_it(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    withdraw(ledger, question.request.definition_id, EVIDENCE)
    with pytest.raises(NotNowError):
        agree(ledger, question, WORDS)


def test_stop_ends_all_asking(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    stop(ledger, question.request.contributor_id, EVIDENCE)
    stop(ledger, question.request.contributor_id, EVIDENCE)
    with pytest.raises(NotNowError, match="not to be written to"):
        ask(ledger, question.request.definition_id, asked_by="editor@blog.example")
    with pytest.raises(NotNowError):
        agree(ledger, question, WORDS)


def test_what_is_allowed_already_is_not_asked_again(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    with pytest.raises(NotNowError, match="allowed exactly this"):
        ask(ledger, question.request.definition_id, asked_by="editor@blog.example")


def test_a_question_expires(here: tuple[Ledger, Campaign], clock: SteppingClock) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    clock.pass_time(days=15)
    with pytest.raises(NotNowError):
        agree(ledger, question, WORDS)
    assert expire_overdue(ledger) == 1
    assert expire_overdue(ledger) == 0
    with pytest.raises(NotNowError, match="promised not to ask again"):
        ask(ledger, question.request.definition_id, asked_by="editor@blog.example")
    clock.pass_time(days=1)
    answer(ledger, campaign, "sorry, I was away")
    ask(ledger, question.request.definition_id, asked_by="editor@blog.example")


def test_a_cancelled_question_can_be_asked_anew(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    cancel(ledger, question.request.id, "editor@blog.example")
    cancel(ledger, question.request.id, "editor@blog.example")
    ask(ledger, question.request.definition_id, asked_by="editor@blog.example")


def test_p12_fifty_threads_ask_one_person_once(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    wanted = [
        define(ledger, answer(ledger, campaign, f"answer {number}", external_id=str(number)))
        for number in range(5)
    ]
    assert len({definition.contributor_id for definition in wanted}) == 1
    outcomes: list[str] = []
    start = threading.Barrier(50)

    def race(number: int) -> None:
        start.wait()
        try:
            ask(ledger, wanted[number % 5].id, asked_by="editor@blog.example")
            outcomes.append("asked")
        except AskedAlreadyError:
            outcomes.append("refused")

    racing = [threading.Thread(target=race, args=[number]) for number in range(50)]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()
    assert sorted(outcomes) == ["asked"] + ["refused"] * 49
    with ledger.read() as connection:
        requested = [
            event.kind
            for definition in wanted
            for event in events.history(connection, ledger.keys, definition.id)
        ]
    assert requested == [EventKind.REQUESTED]


def test_a_personal_link_is_stored_as_a_keyed_hash_and_can_be_revoked(
    here: tuple[Ledger, Campaign],
) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    token = question.link.rsplit("/", 1)[1]
    assert len(token) >= 43  # 256 bits, base64
    with ledger.write() as connection:
        link_id = link_of_token(connection, ledger.keys, token, ledger.clock())
        assert link_id is not None
        whose = contributor_of_link(connection, link_id, ledger.clock())
        assert whose == question.request.contributor_id
        assert revoke_links(connection, question.request.contributor_id, ledger.clock()) == 1
        assert link_of_token(connection, ledger.keys, token, ledger.clock()) is None
        assert contributor_of_link(connection, link_id, ledger.clock()) is None
        assert link_of_token(connection, ledger.keys, "x" * 43, ledger.clock()) is None


def test_the_receipt_is_signed_and_says_what_was_allowed(here: tuple[Ledger, Campaign]) -> None:
    ledger, campaign = here
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS)
    record = valid_receipt(ledger, question.request.definition_id)
    assert record["text"] == WORDS
    assert record["credit_line"] == "Ada Sample (@ada_example), gardener"
    assert record["status"] == "given"
    assert record["notice"]["version"] == f"{NOTICE_VERSION}.en"
    signature = record.pop("signature")
    assert verify_signature(ledger.keys.public_key, chain.canonical(record), signature)
    record["text"] += "!"
    assert not verify_signature(ledger.keys.public_key, chain.canonical(record), signature)


@pytest.mark.parametrize(
    ("form", "given", "line"),
    [
        ("name", {"name": "Ada Sample", "role": "gardener"}, "Ada Sample, gardener"),
        ("handle", {"name": "Ada Sample", "handle": "@ada_example"}, "@ada_example"),
        ("pseudonym", {"name": "A Gardener", "handle": "@ada_example"}, "A Gardener"),
        ("anonymous", {"name": "Ada", "handle": "@a", "url": "https://a.example"}, "Anonymous"),
    ],
)
def test_a_credit_keeps_only_what_its_form_shows(
    form: str, given: dict[str, str], line: str
) -> None:
    credit = chosen_credit(form, **given)
    assert credit.line == line
    if form in ("pseudonym", "anonymous"):
        assert "ada_example" not in str(credit.as_dict())
    if form == "anonymous":
        assert credit.url == credit.name == ""


@pytest.mark.parametrize(
    ("form", "given", "sentence"),
    [
        ("", {}, "choose how"),
        ("name", {"name": "  "}, "The name is empty"),
        ("handle", {"name": "Ada"}, "The handle is empty"),
        ("name", {"name": "A" * 121}, "longer than 120"),
        ("name", {"name": "Ada", "url": "javascript:alert(1)"}, "not a web address"),
        ("name", {"name": "Ada", "url": "https://"}, "not a web address"),
        ("name", {"name": "Ada", "url": "http://[broken"}, "not a web address"),
    ],
)
def test_a_credit_that_cannot_be_shown_is_refused(
    form: str, given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(CreditError, match=sentence):
        chosen_credit(form, **given)
