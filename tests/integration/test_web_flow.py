"""From an answer on the form to a post and back: the whole way, through the pages alone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection

from consent.errors import NotNowError
from consent.requests import ask
from ledger import chain
from ledger.consent_state import EventKind
from ledger.contributors import has_stopped_contact
from ledger.database import Ledger
from ledger.definitions import definitions_in, need_definition
from ledger.events import history, state_of
from ledger.gate import may_publish
from ledger.keys import verify_signature
from ledger.model import Campaign, Credit, NameForm, Use
from ledger.posts import find_post
from publisher.publish import publish_pending
from tests.conftest import SteppingClock
from tests.schemas import valid_receipt
from tests.visiting import Visitor, application, ask_by_form, choices, owner
from web.contributor import LOOK_AGAIN

WORDS = "listening before you speak\nand after"


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


def ask_by_hand(
    app: Flask, ledger: Ledger, campaign: Campaign, **fields: Any
) -> tuple[Visitor, str, str]:
    """Somebody answers on the form, and the owner asks them; returns them, and where it stands."""
    author = Visitor(app)
    author.go(f"/answer/{campaign.slug}")
    author.press(f"/answer/{campaign.slug}", text=WORDS)
    author.press(f"/answer/{campaign.slug}/send", text=WORDS, name="Ada Sample", email="")
    assert author.at == "/answered"
    assert "listening before you speak" in author.page
    editor = owner(app, ledger)
    assert '<bdi class="who">Ada Sample</bdi>' in editor.page
    editor.press("/desk/replies", do="shortlist:1")
    with ledger.read() as connection:
        (definition,) = definitions_in(connection, campaign.id)
    editor.go(f"/desk/definitions/{definition.id}")
    path = f"/desk/definitions/{definition.id}"
    ask_by_form(editor, path, **choices(note="I liked this."), **fields)
    assert "Bring them the question" in editor.page
    assert "I liked this." in editor.page
    return author, definition.id, f"/me/{definition.id}"


def test_an_answer_becomes_a_post_with_the_credit_its_author_chose_and_goes_again(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign, uses="edition")
    author.go("/me")
    assert "May we publish this?" in author.page
    author.go(mine)
    assert "Yes, publish this" in author.page

    author.press(
        mine, decision="grant", **choices(form="pseudonym", name="Marlo Quill", uses="edition")
    )
    assert LOOK_AGAIN in author.page
    assert "Marlo Quill" in author.page
    with ledger.read() as connection:
        assert state_of(connection, ledger.keys, definition_id).grant is None

    author.press(
        mine, decision="grant", **choices(form="pseudonym", name="Marlo Quill", uses="edition")
    )
    assert author.at == mine
    with ledger.read() as connection:
        granted = state_of(connection, ledger.keys, definition_id).grant
    assert granted is not None
    assert granted.text == WORDS
    assert granted.credit.form is NameForm.PSEUDONYM
    assert granted.credit.line == "Marlo Quill"
    assert granted.uses == {Use.POST, Use.EDITION}

    publish_pending(ledger)
    with ledger.read() as connection:
        post = find_post(connection, definition_id)
    assert post is not None
    author.go(mine)
    assert f'href="{post.address}"' in author.page
    reader = Visitor(app)
    assert "Marlo Quill" in reader.go(post.address)
    assert "Ada Sample" not in reader.page

    author.press(mine, decision="withdraw")
    assert "You have taken it back" in author.page
    reader.go(post.address)
    assert reader.status == 410
    assert "Marlo" not in reader.page
    publish_pending(ledger)
    assert reader.go("/").count("Marlo Quill") == 0
    assert reader.go(post.address)
    assert reader.status == 410


def test_looking_decides_nothing_and_a_tick_taken_away_counts(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign, uses="edition")
    author.go(mine)
    author.press(mine, decision="preview", **choices(role="gardener", uses="edition"))
    assert "gardener" in author.page
    fields = choices(role="gardener")
    author.press(mine, decision="grant", **fields)
    with ledger.read() as connection:
        granted = state_of(connection, ledger.keys, definition_id).grant
    assert granted is not None
    assert granted.uses == {Use.POST}, "what is not ticked any more is not allowed"


def test_each_use_is_asked_for_by_itself_and_none_but_the_post_is_ticked(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    every = {"uses": ["edition", "share_card", "interview", "translation"]}
    author, definition_id, mine = ask_by_hand(app, ledger, campaign, **every)
    author.go(mine)
    boxes = re.findall(r'<input type="checkbox" ([^>]*)>', author.page)
    assert boxes == [
        "checked disabled",
        *(f'name="uses" value="{use}"' for use in every["uses"]),
    ]
    fields = {**choices(), "uses": ["share_card", "translation", "no such use"]}
    author.press(mine, decision="grant", **fields)
    with ledger.read() as connection:
        granted = state_of(connection, ledger.keys, definition_id).grant
        assert granted is not None
        allowed = {
            use
            for use in Use
            if not isinstance(
                may_publish(connection, ledger.keys, definition_id, WORDS, granted.credit, use),
                str,
            )
        }
    assert allowed == {Use.POST, Use.SHARE_CARD, Use.TRANSLATION}
    assert valid_receipt(ledger, definition_id)["purposes"] == ["post", "share_card", "translation"]
    assert "a picture of your words" in author.go(f"{mine}/receipt")
    assert "round-ups" not in author.page


def test_a_use_that_was_not_asked_for_cannot_be_granted(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    assert 'name="uses"' not in author.page
    author.press(mine, decision="grant", **choices(uses="edition"))
    with ledger.read() as connection:
        granted = state_of(connection, ledger.keys, definition_id).grant
    assert granted is not None
    assert granted.uses == {Use.POST}


def test_a_credit_that_cannot_be_used_is_said_and_nothing_is_lost(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    for decision in ("preview", "grant"):
        author.press(mine, decision=decision, **choices(url="javascript:alert(1)", role="gardener"))
        assert author.status == 400
        assert "The link is not a web address." in author.page
        assert 'value="gardener"' in author.page
    with ledger.read() as connection:
        assert state_of(connection, ledger.keys, definition_id).grant is None


def test_a_yes_to_words_that_were_not_on_the_screen_counts_for_nothing(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    author.press(mine, decision="grant", **choices(shown_text="something else"))
    assert LOOK_AGAIN in author.page
    author.go(mine)
    author.press(mine, decision="grant", **choices(shown_credit="not json"))
    assert LOOK_AGAIN in author.page
    with ledger.read() as connection:
        assert state_of(connection, ledger.keys, definition_id).grant is None


def test_a_no_is_a_no_and_ends_the_question(app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    author, _, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    author.press(mine, decision="refuse")
    assert "You said no" in author.page
    author.go("/me")
    author.press(mine, decision="grant", **choices())
    assert author.status == 409
    assert "not open any more" in author.page


def test_not_now_is_neither_a_yes_nor_a_no_and_holds_the_next_question_back(
    app: Flask, ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    author.press(mine, decision="postpone")
    assert "We leave you in peace for a while." in author.page
    with ledger.read() as connection:
        state = state_of(connection, ledger.keys, definition_id)
        assert not has_stopped_contact(connection, definition_of(connection, definition_id))
    assert (state.request, state.grant, state.withdrawn) == (None, None, False)
    assert state.last is EventKind.POSTPONED
    clock.pass_time(days=29)
    with pytest.raises(NotNowError, match="not now"):
        ask(ledger, definition_id, asked_by="Robin")
    clock.pass_time(days=1, minutes=1)
    ask(ledger, definition_id, asked_by="Robin")
    assert "You said “not now”" in author.go(f"{mine}/receipt")
    valid_receipt(ledger, definition_id)


def test_never_again_is_a_no_and_ends_all_contact(
    app: Flask, ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    author.press(mine, decision="never")
    assert "You said no" in author.page
    assert "We don’t write to you any more" in author.go("/me")
    with ledger.read() as connection:
        assert state_of(connection, ledger.keys, definition_id).last is EventKind.REFUSED
        assert has_stopped_contact(connection, definition_of(connection, definition_id))
    clock.pass_time(days=4000)
    with pytest.raises(NotNowError, match="asked not to be written to"):
        ask(ledger, definition_id, asked_by="Robin")


def definition_of(connection: Connection, definition_id: str) -> str:
    """The contributor whose definition this is."""
    return need_definition(connection, definition_id).contributor_id


def test_the_first_name_alone_is_a_credit_of_its_own(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    fields = choices(form="first_name", name="Ada Sample", handle="@ada_example", role="gardener")
    author.press(mine, decision="grant", **fields)
    assert LOOK_AGAIN in author.page
    author.press(mine, decision="grant", **fields)
    with ledger.read() as connection:
        granted = state_of(connection, ledger.keys, definition_id).grant
    assert granted is not None
    assert granted.credit == Credit(NameForm.FIRST_NAME, name="Ada", role="gardener")
    publish_pending(ledger)
    assert all("Sample" not in file.read_text() for file in ledger.settings.site.rglob("*.html"))
    valid_receipt(ledger, definition_id)


def test_the_preview_follows_what_is_typed_and_decides_nothing(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign)
    page = author.go(mine)
    assert 'data-preview="' + mine + '/look"' in page
    hidden = author.hidden
    author.press(f"{mine}/look", **choices(form="pseudonym", name="Marlo <Quill>"))
    assert author.answer is not None
    shown = author.answer.get_json()
    assert "Marlo &lt;Quill&gt;" in shown["preview"]
    assert shown["said"] == "Marlo <Quill>"
    author.press(f"{mine}/look", **hidden, **choices(form="handle"))
    assert author.status == 400
    assert author.answer.get_json()["said"].startswith("The handle is empty.")
    with ledger.read() as connection:
        kinds = [event.kind for event in history(connection, ledger.keys, definition_id)]
    assert kinds == [EventKind.REQUESTED]
    # What the script has shown needs no second look.
    form = {**hidden, **choices(form="pseudonym", name="Marlo <Quill>", decision="grant")}
    author.press(mine, **{**form, "shown_credit": shown["shown_credit"]})
    with ledger.read() as connection:
        granted = state_of(connection, ledger.keys, definition_id).grant
    assert granted is not None
    assert granted.credit.line == "Marlo <Quill>"


def test_other_words_travel_to_the_desk_and_come_back_as_a_question(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, definition_id, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    author.press(mine, decision="propose", words="hearing people out")
    assert "hearing people out" in author.page
    editor = Visitor(app)
    editor.go("/desk/sign-in")
    editor.press(
        "/desk/sign-in", email="OWNER@blog.example", password="lamp otter seventeen quilts"
    )
    assert "hearing people out" in editor.go("/desk/definitions")
    editor.press(f"/desk/definitions/{definition_id}/take")
    ask_by_form(editor, f"/desk/definitions/{definition_id}", **choices())
    assert "hearing people out" in editor.page
    author.go(mine)
    author.press(mine, decision="grant", **choices())
    with ledger.read() as connection:
        granted = state_of(connection, ledger.keys, definition_id).grant
    assert granted is not None
    assert granted.text == "hearing people out"


def test_the_receipt_is_a_signed_file(app: Flask, ledger: Ledger, campaign: Campaign) -> None:
    author, _definition_id, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    author.press(mine, decision="grant", **choices())
    assert "What happened" in author.go(f"{mine}/receipt")
    author.go(f"{mine}/receipt.json")
    assert author.answer is not None
    assert author.answer.headers["Content-Disposition"].startswith("attachment")
    record = json.loads(author.page)
    signature = record.pop("signature")
    assert record["text"] == WORDS
    assert verify_signature(ledger.keys.public_key, chain.canonical(record), signature)


def test_the_evidence_names_the_page_and_the_notice(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, _definition_id, mine = ask_by_hand(app, ledger, campaign)
    author.go(mine)
    author.press(mine, decision="grant", **choices())
    author.go(f"{mine}/receipt.json")
    (event,) = [e for e in json.loads(author.page)["events"] if e["kind"] == "granted"]
    assert event["channel"] == "page"
    assert event["page"] == "personal-item-4"
    assert event["notice"]


def test_stopping_ends_the_question_and_keeps_the_page(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    author, definition_id, _mine = ask_by_hand(app, ledger, campaign)
    author.go("/me")
    author.press("/me/stop")
    assert "We don’t write to you any more" in author.page
    with ledger.read() as connection:
        kinds = [event.kind for event in history(connection, ledger.keys, definition_id)]
    assert kinds == ["requested", "cancelled"]
    editor = Visitor(app)
    editor.go("/desk/sign-in")
    editor.press(
        "/desk/sign-in", email="owner@blog.example", password="lamp otter seventeen quilts"
    )
    editor.go(f"/desk/definitions/{definition_id}")
    assert "See the message first" not in editor.page
    editor.press(f"/desk/definitions/{definition_id}/ask", **choices())
    assert editor.status == 400
    assert "asked not to be written to" in editor.page
