"""P36: other words or another credit need a new grant; the old stays only if its author wants."""

from __future__ import annotations

import pytest
from flask import Flask

from consent.errors import NotNowError
from consent.requests import ask
from consent.rights.correcting import correct_credit, correct_words
from ledger import events
from ledger.consent_state import EventKind, Grant
from ledger.database import Ledger
from ledger.definitions import need_definition
from ledger.heads import verify_chain
from ledger.model import Campaign, Credit, NameForm, Use
from ledger.posts import find_post
from ledger.rights_requests import Right, open_rights_requests
from publisher.publish import publish, publish_pending
from tests.golden.audit import violations
from tests.people import ADA, agree, asked
from tests.schemas import valid_receipt
from tests.visiting import Visitor, application, choices, contributor

WORDS, OTHER = "listening before you speak", "hearing people out"
EVIDENCE = {"channel": "page", "page": "test", "notice": "test.en"}
NEW = Credit(NameForm.PSEUDONYM, name="Marlo Quill")


@pytest.fixture
def mine(ledger: Ledger, campaign: Campaign) -> str:
    """The id of a definition that is granted for two uses and published."""
    question = asked(ledger, campaign, WORDS)
    agree(ledger, question, WORDS, uses=frozenset({Use.POST, Use.EDITION}))
    publish(ledger)
    return question.request.definition_id


def granted(ledger: Ledger, definition_id: str) -> Grant | None:
    with ledger.read() as connection:
        return events.state_of(connection, ledger.keys, definition_id).grant


def address(ledger: Ledger, definition_id: str) -> str:
    with ledger.read() as connection:
        post = find_post(connection, definition_id)
    return post.address if post else ""


def on_site(ledger: Ledger, words: str) -> bool:
    site, content = ledger.settings.site_folder, ledger.settings.content / "posts"
    return any(
        words in path.read_text(encoding="utf-8")
        for folder in (site, content)
        for path in folder.rglob("*.*")
        if path.is_file()
    )


def test_p36_other_words_are_a_new_version_and_the_old_goes_at_once(
    ledger: Ledger, mine: str
) -> None:
    after = correct_words(ledger, mine, OTHER, keep=False, evidence=EVIDENCE)
    assert (after.version, after.text) == (2, OTHER)
    assert granted(ledger, mine) is None
    assert address(ledger, mine) == "", "in the same transaction"
    publish_pending(ledger)
    assert not on_site(ledger, WORDS)
    assert not on_site(ledger, OTHER), "nobody has granted that yet"
    assert violations(ledger) == []
    valid_receipt(ledger, mine)
    verify_chain(ledger)


def test_p36_the_old_stays_up_if_its_author_says_so(ledger: Ledger, mine: str) -> None:
    correct_words(ledger, mine, OTHER, keep=True, evidence=EVIDENCE)
    publish_pending(ledger)
    before = granted(ledger, mine)
    assert before is not None
    assert before.text == WORDS
    assert on_site(ledger, WORDS)
    assert not on_site(ledger, OTHER)
    assert violations(ledger) == []


@pytest.mark.parametrize("keep", [False, True])
def test_p36_the_new_words_can_be_asked_about_at_once_and_then_stand(
    ledger: Ledger, mine: str, keep: bool
) -> None:
    """Setting the old aside is no "no": the author wants to be asked."""
    correct_words(ledger, mine, OTHER, keep=keep, evidence=EVIDENCE)
    agree(ledger, ask(ledger, mine, asked_by="Robin"), OTHER)
    publish_pending(ledger)
    assert on_site(ledger, OTHER)
    assert not on_site(ledger, WORDS)
    assert violations(ledger) == []


def test_p36_the_desk_learns_of_them_once(ledger: Ledger, mine: str) -> None:
    correct_words(ledger, mine, OTHER, keep=True, evidence=EVIDENCE)
    correct_words(ledger, mine, "asking first", keep=True, evidence=EVIDENCE)
    with ledger.read() as connection:
        (waiting,) = open_rights_requests(connection)
        assert (waiting.kind, waiting.quoted) == (Right.CORRECT, "asking first")
        assert need_definition(connection, mine).version == 3
    correct_credit(
        ledger,
        mine,
        text=WORDS,
        credit=NEW,
        uses=frozenset({Use.POST}),
        page_lang="en",
        evidence=EVIDENCE,
    )
    with ledger.read() as connection:
        assert open_rights_requests(connection) == [waiting], "their words still wait"
    ask(ledger, mine, asked_by="Robin")
    with ledger.read() as connection:
        assert open_rights_requests(connection) == []


@pytest.mark.parametrize("words", ["", "  \n", WORDS, "x" * 5000])
def test_p36_words_that_are_none_change_nothing(ledger: Ledger, mine: str, words: str) -> None:
    with pytest.raises(NotNowError):
        correct_words(ledger, mine, words, keep=False, evidence=EVIDENCE)
    assert granted(ledger, mine) is not None
    with ledger.read() as connection:
        assert need_definition(connection, mine).version == 1


def test_p36_another_credit_is_a_new_grant_for_the_same_words(ledger: Ledger, mine: str) -> None:
    before = granted(ledger, mine)
    assert before is not None
    where = address(ledger, mine)
    after = correct_credit(
        ledger,
        mine,
        text=WORDS,
        credit=NEW,
        uses=frozenset(Use),
        page_lang="en",
        evidence=EVIDENCE,
    )
    assert (after.credit, after.text) == (NEW, WORDS)
    assert after.uses == before.uses, "nothing more than was allowed"
    assert after.event_hash != before.event_hash
    publish_pending(ledger)
    assert on_site(ledger, "Marlo Quill")
    assert not on_site(ledger, ADA.name)
    assert address(ledger, mine) == where
    assert violations(ledger) == []
    record = valid_receipt(ledger, mine)
    assert record["supersedes"] == before.event_hash


def test_p36_a_credit_can_be_corrected_while_another_answer_is_asked_about(
    ledger: Ledger, campaign: Campaign, mine: str
) -> None:
    asked(ledger, campaign, "another answer of theirs")
    made = correct_credit(
        ledger,
        mine,
        text=WORDS,
        credit=NEW,
        uses=frozenset({Use.POST}),
        page_lang="en",
        evidence=EVIDENCE,
    )
    assert made.uses == {Use.POST}


def test_p36_only_the_words_that_stand_get_the_new_credit(ledger: Ledger, mine: str) -> None:
    with pytest.raises(NotNowError):
        correct_credit(
            ledger,
            mine,
            text=WORDS + "!",
            credit=NEW,
            uses=frozenset({Use.POST}),
            page_lang="en",
            evidence=EVIDENCE,
        )
    still = granted(ledger, mine)
    assert still is not None
    assert still.credit == ADA


# ------------------------------------------------------------------------ on their own page
@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def author(app: Flask, ledger: Ledger, mine: str) -> Visitor:
    with ledger.read() as connection:
        whose = need_definition(connection, mine).contributor_id
    return contributor(app, ledger, whose)


def test_p36_the_page_shows_the_post_before_it_takes_another_credit(
    ledger: Ledger, author: Visitor, mine: str
) -> None:
    page = f"/me/{mine}/correct"
    author.go(f"/me/{mine}")
    assert f'href="{page}"' in author.page
    author.go(page)
    assert "Ada Sample" in author.page
    fields = choices(form="pseudonym", name="Marlo Quill")
    author.press(page, decision="grant", **fields)
    assert "Please look once more and confirm" in author.page
    before = granted(ledger, mine)
    assert before is not None
    assert before.credit == ADA, "what was not shown is not granted"
    assert author.page.count("Marlo Quill") > 1, "in the preview, not only in the form"
    author.press(page, decision="grant", **fields)
    assert author.at == f"/me/{mine}"
    after = granted(ledger, mine)
    assert after is not None
    assert after.credit == NEW
    assert after.uses == {Use.POST}, "the edition was not ticked any more"


def test_p36_the_page_takes_other_words_and_leaves_the_old_only_if_ticked(
    ledger: Ledger, author: Visitor, mine: str
) -> None:
    author.go(f"/me/{mine}/correct")
    assert 'name="keep" value="yes">' in author.page, "not ticked beforehand"
    author.press(f"/me/{mine}/words", words=OTHER, keep="yes")
    assert author.at == f"/me/{mine}"
    assert "We have them and will ask you about them." in author.page
    assert granted(ledger, mine) is not None
    author.go(f"/me/{mine}/correct")
    author.press(f"/me/{mine}/words", words="asking first")
    assert granted(ledger, mine) is None
    assert "It is published" not in author.page
    assert "asking first" in author.page


def test_p36_what_is_wrong_with_words_is_said_beside_them(author: Visitor, mine: str) -> None:
    author.go(f"/me/{mine}/correct")
    author.press(f"/me/{mine}/words", words=WORDS)
    assert author.status == 400
    assert "These are the words as they stand." in author.page


def test_p36_while_they_are_asked_the_question_is_the_place(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, WORDS, address="bo@work.example")
    own = question.request.definition_id
    visitor = contributor(app, ledger, question.request.contributor_id)
    visitor.go(f"/me/{own}/correct")
    visitor.press(f"/me/{own}/words", words=OTHER)
    assert visitor.status == 400
    assert "You are being asked about this right now." in visitor.page
    with ledger.read() as connection:
        assert events.state_of(connection, ledger.keys, own).last is EventKind.REQUESTED


def test_p36_nobody_corrects_what_is_somebody_elses(
    app: Flask, ledger: Ledger, campaign: Campaign, mine: str
) -> None:
    question = asked(ledger, campaign, "asking first", address="bo@work.example")
    stranger = contributor(app, ledger, question.request.contributor_id)
    for path in (f"/me/{mine}/correct", f"/me/{mine}/words", f"/me/{mine}/correct/look"):
        stranger.go("/me")
        stranger.press(path, words=OTHER, decision="grant", **choices())
        assert stranger.status == 404, path
    assert granted(ledger, mine) is not None
