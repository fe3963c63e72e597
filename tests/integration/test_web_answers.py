"""The public form: two steps, stored once, never without a token."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from ledger.campaigns import set_open
from ledger.database import Ledger
from ledger.model import Campaign, Channel, ReplyState
from ledger.replies import desk_replies
from ledger.tables import links, replies
from tests.visiting import Visitor, application

WORDS = "hearing people out"


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


def stored(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(replies)).scalar_one()


def test_the_blogs_form_leads_to_a_second_step_and_stores_nothing(
    visitor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    answered = visitor.client.post(
        f"/answer/{campaign.slug}",
        data={"text": "<b>bold</b> & more"},
        headers={"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    )
    assert answered.status_code == 200
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more</textarea>" in answered.text
    assert answered.headers["Cache-Control"] == "no-store"
    assert stored(ledger) == 0


def test_an_answer_is_stored_with_its_name_and_contact(
    visitor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    visitor.go(f"/answer/{campaign.slug}")
    visitor.press(
        f"/answer/{campaign.slug}/send", text=WORDS, name="Ada Sample", email="ada@sample.example"
    )
    assert visitor.at == "/answered"
    assert WORDS in visitor.page
    with ledger.read() as connection:
        (reply,) = desk_replies(connection, campaign.id, ReplyState.NEW)
    assert (reply.channel, reply.text, reply.handle.name) == (Channel.FORM, WORDS, "Ada Sample")
    assert reply.handle.contact == "ada@sample.example"
    assert reply.handle.contributor_id
    assert "ada@sample.example" not in reply.handle.address


def test_the_personal_link_is_shown_once_and_opens_their_page(
    visitor: Visitor, app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    visitor.go(f"/answer/{campaign.slug}")
    visitor.press(f"/answer/{campaign.slug}/send", text=WORDS)
    link = visitor.page.split('readonly value="')[1].split('"')[0]
    assert link.startswith(f"{ledger.settings.public_url}/p/")
    assert urlsplit(link).path not in visitor.go("/answered")
    assert WORDS in visitor.go("/me")
    elsewhere = Visitor(app)
    assert WORDS in elsewhere.go(link)
    assert elsewhere.at == "/me"


def test_sending_twice_stores_once(visitor: Visitor, ledger: Ledger, campaign: Campaign) -> None:
    visitor.go(f"/answer/{campaign.slug}")
    form = visitor.hidden
    for _ in range(2):
        visitor.press(f"/answer/{campaign.slug}/send", **{**form, "text": WORDS})
        assert "/p/" in visitor.page
    assert stored(ledger) == 1
    visitor.go("/answered")
    assert stored(ledger) == 1


def test_an_old_form_gives_no_new_link(
    visitor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    """Whoever finds an old form in a cache doesn't get at what became of it."""
    visitor.go(f"/answer/{campaign.slug}")
    form = visitor.hidden
    visitor.press(f"/answer/{campaign.slug}/send", **{**form, "text": WORDS})
    with ledger.read() as connection:
        before = connection.execute(select(func.count()).select_from(links)).scalar_one()
    ledger.clock.pass_time(minutes=11)  # type: ignore[attr-defined]  # the test's clock
    visitor.press(f"/answer/{campaign.slug}/send", **{**form, "text": WORDS})
    assert "/p/" not in visitor.page
    with ledger.read() as connection:
        assert connection.execute(select(func.count()).select_from(links)).scalar_one() == before
    assert stored(ledger) == 1


def test_the_forms_token_is_not_kept_as_it_is(
    visitor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    visitor.go(f"/answer/{campaign.slug}")
    token = visitor.hidden["token"]
    visitor.press(f"/answer/{campaign.slug}/send", text=WORDS)
    with ledger.read() as connection:
        kept = connection.execute(select(replies.c.external_id)).scalar_one()
    assert token not in kept
    assert len(token) >= 22


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": "  "}, "There is no answer yet."),
        ({"text": WORDS, "email": "ada at sample"}, "The e-mail address is not complete."),
        ({"text": WORDS, "website": "https://spam.example"}, "A field that nobody can see"),
        ({"text": "x" * 2001}, "2,001 characters"),
    ],
)
def test_what_cannot_be_taken_is_said_and_kept_in_the_form(
    visitor: Visitor, ledger: Ledger, campaign: Campaign, fields: dict[str, str], sentence: str
) -> None:
    visitor.go(f"/answer/{campaign.slug}")
    visitor.press(f"/answer/{campaign.slug}/send", **{"name": "Ada Sample", **fields})
    assert visitor.status == 400
    assert sentence in visitor.page
    assert 'value="Ada Sample"' in visitor.page
    assert fields["text"].strip() in visitor.page
    assert stored(ledger) == 0


def test_the_same_address_twice_is_two_people(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    """An address that anybody may type in proves nothing about who typed it."""
    pages = []
    for words in (WORDS, "asking first"):
        visitor = Visitor(app)
        visitor.go(f"/answer/{campaign.slug}")
        visitor.press(f"/answer/{campaign.slug}/send", text=words, email="ada@sample.example")
        pages.append(visitor.go("/me"))
    assert WORDS in pages[0]
    assert WORDS not in pages[1]


def test_a_closed_question_takes_no_answer(
    visitor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    visitor.go(f"/answer/{campaign.slug}")
    with ledger.write() as connection:
        set_open(connection, campaign.id, is_open=False)
    visitor.press(f"/answer/{campaign.slug}/send", text=WORDS)
    assert visitor.status == 409
    assert "This question is closed" in visitor.page
    visitor.go(f"/answer/{campaign.slug}")
    assert visitor.status == 200
    assert "This question is closed" in visitor.page
    assert stored(ledger) == 0


def test_too_much_too_fast_is_asked_to_wait(
    visitor: Visitor, ledger: Ledger, campaign: Campaign
) -> None:
    visitor.go(f"/answer/{campaign.slug}")
    statuses = []
    for number in range(12):
        visitor.press(f"/answer/{campaign.slug}", text=f"{WORDS} {number}")
        statuses.append(visitor.status)
    assert statuses == [200] * 10 + [429] * 2
    assert "A little slower, please" in visitor.page


def test_too_large_a_form_is_refused(visitor: Visitor, ledger: Ledger, campaign: Campaign) -> None:
    visitor.go(f"/answer/{campaign.slug}")
    visitor.press(f"/answer/{campaign.slug}/send", text="x" * 70_000)
    assert visitor.status == 413
    assert stored(ledger) == 0
