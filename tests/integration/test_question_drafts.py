"""The message that asks: seen before it leaves, edited, in its reader's language, and kept."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask import Flask

from collector.dispatch import dispatch
from collector.poll import poll_account
from collector.read import read_new
from consent.asking_words import Question, uses_shown, word_question
from consent.errors import NotNowError
from consent.messages import message_languages, template_version, use_words
from consent.requests import STAND_IN, Wish, ask, draft, expire_overdue, personal_address
from consent.ways import ROOM, Way, WayName
from ledger import events
from ledger.database import Ledger
from ledger.definitions import reply_of, take_definition
from ledger.links import new_link
from ledger.model import Account, Campaign, ReplyState, Use
from ledger.outbox import MessageState
from ledger.replies import desk_replies
from ledger.requests import find_request
from ledger.sent import messages_in
from tests.conftest import SteppingClock
from tests.people import ADA, answer, asked, define
from tests.schemas import valid_receipt
from tests.sending_houses import MastodonHouse
from tests.visiting import (
    Visitor,
    application,
    choices,
    contributor,
    message_shown,
    owner,
    send_as_shown,
)


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


def asked_event(ledger: Ledger, definition_id: str) -> dict[str, object]:
    with ledger.read() as connection:
        history = events.full_history(connection, ledger.keys, definition_id)
    return next(payload for event, payload in history if event.kind == "requested")


def test_the_stand_in_is_as_long_as_a_token(ledger: Ledger, campaign: Campaign) -> None:
    """Or what fits in the preview would not fit in the message."""
    question = asked(ledger, campaign, "hearing people out")
    with ledger.write() as connection:
        token = new_link(connection, ledger.keys, question.request.contributor_id, ledger.clock())
    assert len(STAND_IN) == len(token)


def test_nothing_leaves_unseen_and_what_was_changed_is_kept(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    definition = define(ledger, answer(ledger, campaign))
    path = f"/desk/definitions/{definition.id}"
    editor = owner(app, ledger)
    editor.go(path)
    editor.press(f"{path}/ask", **choices())
    assert "Nothing has left yet." in editor.page
    assert f"/p/{STAND_IN}" in message_shown(editor)
    with ledger.read() as connection:
        assert events.state_of(connection, ledger.keys, definition.id).request is None

    body = message_shown(editor).replace("Hello Ada Sample", "Dear Ada")
    send_as_shown(editor, path, **choices(), body=body)
    assert "Bring them the question" in editor.page
    message = message_shown(editor)
    assert "Dear Ada," in message
    assert STAND_IN not in message
    (link,) = set(re.findall(r"/p/([\w-]+)", message))

    kept = asked_event(ledger, definition.id)
    assert kept["template"] == template_version("ask", "en")
    assert kept["edited"] is True
    assert "Dear Ada," in str(kept["wording"])
    assert link not in str(kept), "a personal link is a secret, and no evidence"
    assert kept["shown_in_message"] == ["post"]
    valid_receipt(ledger, definition.id)


def test_a_message_that_lost_what_it_needs_does_not_leave_and_is_not_lost(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    definition = define(ledger, answer(ledger, campaign))
    path = f"/desk/definitions/{definition.id}"
    editor = owner(app, ledger)
    editor.go(path)
    for body, why in (
        ("May I publish it?", "The personal link is missing"),
        (" ", "There are no words"),
        ("x" * 9000, "too long"),
    ):
        editor.press(f"{path}/ask", **choices())
        send_as_shown(editor, path, **choices(), body=body)
        assert editor.status == 400
        assert why in editor.page
        assert message_shown(editor) == body
    with ledger.read() as connection:
        assert events.state_of(connection, ledger.keys, definition.id).request is None


@pytest.mark.parametrize("missing", ["words", "credit"])
def test_what_the_editor_left_out_is_not_said_to_be_shown(
    ledger: Ledger, campaign: Campaign, missing: str
) -> None:
    """Then a yes in words can allow nothing: the page has to be used."""
    definition = define(ledger, answer(ledger, campaign))
    shown = draft(ledger, definition.id, Wish(credit=ADA)).body
    body = shown.replace(definition.text if missing == "words" else ADA.line, "it")
    ask(ledger, definition.id, asked_by="Robin", credit=ADA, worded=("May I?", body))
    assert asked_event(ledger, definition.id)["shown_in_message"] == []


def test_questions_are_worded_in_the_language_of_the_definition_or_as_chosen(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    definition = define(ledger, answer(ledger, campaign, "zuhören, bevor man spricht"), "de")
    path = f"/desk/definitions/{definition.id}"
    editor = owner(app, ledger)
    editor.go(path)
    editor.press(f"{path}/ask", **choices(uses="edition"))
    assert "Guten Tag Ada Sample," in message_shown(editor)
    assert "Sammlungen von Antworten im Blog" in message_shown(editor)
    editor.press(f"{path}/ask", **choices(), lang="ja")
    assert "Ada Sample様" in message_shown(editor)
    send_as_shown(editor, path, **choices(), lang="ja")
    kept = asked_event(ledger, definition.id)
    assert (kept["lang"], kept["template"]) == ("ja", template_version("ask", "ja"))
    assert str(kept["notice"]).endswith(".ja")
    author = contributor(app, ledger, definition.contributor_id)
    assert '<html lang="ja" dir="ltr">' in author.go(f"/me/{definition.id}")
    with ledger.read() as connection:
        request = find_request(connection, str(kept["request_id"]))
    assert request is not None
    assert request.lang == "ja"


def test_arabic_is_asked_in_english_words_and_on_an_arabic_page(
    ledger: Ledger, campaign: Campaign
) -> None:
    definition = define(ledger, answer(ledger, campaign, "الإصغاء"), "ar")
    question = ask(ledger, definition.id, asked_by="Robin")
    assert "May I publish" in question.subject
    assert question.request.lang == "ar"


@pytest.mark.parametrize("lang", message_languages())
def test_every_language_says_everything_and_fits_every_channel(
    ledger: Ledger, campaign: Campaign, lang: str
) -> None:
    definition = define(ledger, answer(ledger, campaign))
    with ledger.read() as connection:
        reply = reply_of(connection, definition)
    link = personal_address(ledger, STAND_IN)
    note = "I liked it."
    question = Question(campaign, definition, reply, ADA, note, link, frozenset(Use), lang)
    ways: list[Way | None] = [None]
    for channel, (in_private, in_public) in ROOM.items():
        account = Account(1, channel, "asker", campaign.id)
        ways.append(Way(WayName.PRIVATE, account, ADA.handle, "1", in_private))
        ways.append(Way(WayName.PUBLIC, account, ADA.handle, "1", in_public))
    subjects = set()
    asked_by = [(way, way is not None and not way.is_private) for way in ways]
    on_x = next(way for way in ways if way and way.is_private and way.is_without_link)
    for way, in_words in (*asked_by, (on_x, True)):
        asking = replace(question, link="" if in_words else link)
        subject, body = word_question(ledger.settings, asking, way)
        for wanted in (definition.text, ledger.settings.title, "stop", note):
            assert wanted in body, (way, wanted)
        assert (link in body) is not in_words
        if way is None or in_words:
            assert ADA.line in body
            assert uses_shown(asking, body) == {Use.POST}
        if way is None:
            for use in Use:
                assert (use_words(use, lang) in body) is (use is not Use.POST)
            assert campaign.prompt in body
        subjects.add(subject)
    assert len(subjects) == 2
    assert all(subjects)
    if lang != "en":
        assert subjects.isdisjoint({"May I publish your answer?"})


def test_an_edited_question_below_a_post_keeps_to_what_everybody_may_read(
    ledger: Ledger, campaign: Campaign
) -> None:
    house = MastodonHouse(ledger, campaign)
    with house.server:
        house.move_in()
        house.answer("listening before you speak", private=False)
        poll_account(ledger, house.account)
        read_new(ledger)
        with ledger.write() as connection:
            (reply,) = desk_replies(connection, campaign.id, ReplyState.NEW)
            made = take_definition(connection, ledger.keys, ledger.clock(), reply, "en")
        for body, why in (
            (f"Look: {ledger.settings.public_url}/p/abc", "must not stand in public"),
            ("May I, as @somebody@else.example does?", "would be told of this question too"),
            ("x" * 600, "too long"),
        ):
            with pytest.raises(NotNowError, match=why):
                ask(
                    ledger,
                    made.id,
                    asked_by="Robin",
                    way=WayName.PUBLIC,
                    worded=("May I?", body),
                )
        ask(ledger, made.id, asked_by="Robin", way=WayName.PUBLIC, worded=("May I?", "May I?"))
        assert dispatch(ledger).sent == 1
        assert any("May I?" in text for text in house.sent())
    with ledger.read() as connection:
        assert messages_in(connection, MessageState.APPROVED) == []


def test_a_question_that_ran_out_says_so_kindly_and_can_not_be_answered(
    app: Flask, ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    question = asked(ledger, campaign, "hearing people out")
    mine = f"/me/{question.request.definition_id}"
    author: Visitor = contributor(app, ledger, question.request.contributor_id)
    author.go(mine)
    clock.pass_time(days=ledger.settings.request_days, minutes=1)
    assert expire_overdue(ledger) == 1
    author.press(mine, decision="grant", **choices())
    assert author.status == 409
    assert "Our question has run out, and that is fine" in author.go(mine)
    assert "Yes, publish this" not in author.page
    with pytest.raises(NotNowError, match="run out"):
        ask(ledger, question.request.definition_id, asked_by="Robin")
