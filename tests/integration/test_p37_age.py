"""P37: where an age statement is wanted, nothing is granted or published without it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from consent.answering import what_is_missing
from consent.decisions import grant
from consent.errors import NotNowError
from consent.rights.age import stated_age
from ledger import events
from ledger.answers import Answer
from ledger.database import Ledger
from ledger.model import Campaign, Use
from ledger.replies import find_reply
from publisher.publish import publish
from tests.people import ADA, EVIDENCE, agree, answer, asked
from tests.schemas import valid_receipt
from tests.visiting import Visitor, application, choices, contributor

WORDS = "listening before you speak"


@pytest.fixture
def strict(ledger: Ledger) -> Ledger:
    """The same instance with an age of 16 in its settings."""
    return replace(ledger, settings=ledger.settings.model_copy(update={"least_age": 16}))


@pytest.fixture
def app(strict: Ledger) -> Flask:
    return application(strict)


def is_granted(ledger: Ledger, definition_id: str) -> bool:
    with ledger.read() as connection:
        return events.state_of(connection, ledger.keys, definition_id).grant is not None


@pytest.mark.parametrize("stated", ["", "15+", "yes", "-16+", "1 6+", "16.5+"])
def test_p37_without_the_statement_nothing_is_recorded_or_published(
    strict: Ledger, campaign: Campaign, stated: str
) -> None:
    question = asked(strict, campaign, WORDS)
    evidence = {**EVIDENCE, "age_statement": stated}
    with pytest.raises(NotNowError, match="age is not stated"):
        grant(
            strict,
            question.request.id,
            text=WORDS,
            credit=ADA,
            uses=frozenset({Use.POST}),
            evidence=evidence,
        )
    assert not is_granted(strict, question.request.definition_id)
    publish(strict)
    assert WORDS not in (strict.settings.site_folder / "index.html").read_text()


def test_p37_the_statement_is_in_the_record_and_no_age_is(
    strict: Ledger, campaign: Campaign
) -> None:
    question = asked(strict, campaign, WORDS)
    grant(
        strict,
        question.request.id,
        text=WORDS,
        credit=ADA,
        uses=frozenset({Use.POST}),
        evidence={**EVIDENCE, **stated_age(strict.settings)},
    )
    assert valid_receipt(strict, question.request.definition_id)["age_statement"] == "16+"


def test_p37_nobody_is_asked_where_the_setting_wants_nothing(
    ledger: Ledger, campaign: Campaign
) -> None:
    question = asked(ledger, campaign, WORDS)
    author = contributor(application(ledger), ledger, question.request.contributor_id)
    author.go(f"/me/{question.request.definition_id}")
    assert "years old" not in author.page
    agree(ledger, question, WORDS)


def test_p37_the_line_is_not_ticked_beforehand_and_a_yes_without_it_is_none(
    app: Flask, strict: Ledger, campaign: Campaign
) -> None:
    question = asked(strict, campaign, WORDS)
    mine = f"/me/{question.request.definition_id}"
    author = contributor(app, strict, question.request.contributor_id)
    author.go(mine)
    assert "I am at least 16 years old." in author.page
    assert '<input type="checkbox" name="age" value="yes">' in author.page
    author.press(mine, decision="preview", **choices())
    author.press(mine, decision="grant", **choices())
    assert author.status == 400
    assert "Your age is not stated." in author.page
    assert not is_granted(strict, question.request.definition_id)
    author.press(mine, decision="grant", age="yes", **choices())
    assert is_granted(strict, question.request.definition_id)
    author.go(f"{mine}/receipt")
    assert "16+" in author.page


def test_p37_whoever_is_younger_can_say_no_without_it(
    app: Flask, strict: Ledger, campaign: Campaign
) -> None:
    question = asked(strict, campaign, WORDS)
    mine = f"/me/{question.request.definition_id}"
    author = contributor(app, strict, question.request.contributor_id)
    author.go(mine)
    author.press(mine, decision="refuse")
    assert author.status == 200
    assert "You said no" in author.page


def test_p37_an_offer_and_another_credit_need_it_too(
    app: Flask, strict: Ledger, campaign: Campaign
) -> None:
    visitor = Visitor(app)
    visitor.go(f"/answer/{campaign.slug}")
    visitor.press(f"/answer/{campaign.slug}/send", text=WORDS, name="Ada Sample")
    (offer,) = [one for one in visitor.page.split('"') if one.startswith("/me/answers/")]
    visitor.go(offer)
    visitor.press(offer, decision="preview", **choices())
    visitor.press(offer, decision="grant", **choices())
    assert visitor.status == 400
    assert "Your age is not stated." in visitor.page
    visitor.press(offer, decision="grant", age="yes", **choices())
    mine = visitor.at
    assert mine.startswith("/me/")
    visitor.go(f"{mine}/correct")
    fields = choices(form="first_name", name="Ada")
    visitor.press(f"{mine}/correct", decision="preview", **fields)
    visitor.press(f"{mine}/correct", decision="grant", **fields)
    assert visitor.status == 400
    visitor.press(f"{mine}/correct", decision="grant", age="yes", **fields)
    assert visitor.at == mine


def test_p37_a_yes_in_words_states_no_age(strict: Ledger, campaign: Campaign) -> None:
    question = asked(strict, campaign, WORDS)
    reply = answer(strict, campaign, "yes")
    with strict.read() as connection:
        found = find_reply(connection, reply.id)
        assert found is not None
        said = Answer(
            reply.id, question.request.id, 1, "grant", "yes", (), "", False, strict.clock()
        )
        missing = what_is_missing(strict, connection, said, found)
    assert missing != ""
