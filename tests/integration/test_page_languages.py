"""The language of a contributor's page: chosen, asked in, the browser's, the question's."""

from __future__ import annotations

import pytest
from flask import Flask

from consent.requests import Asked, ask, fresh_link
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.events import state_of
from ledger.model import Campaign
from tests.people import answer, define
from tests.schemas import valid_receipt
from tests.visiting import Visitor, application, choices


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


def asked_in(ledger: Ledger, campaign: Campaign, lang: str) -> Asked:
    return ask(ledger, define(ledger, answer(ledger, campaign), lang).id, asked_by="Robin")


def opened(app: Flask, ledger: Ledger, asked: Asked, accepts: str = "") -> Visitor:
    visitor = Visitor(app)
    if accepts:
        visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = accepts
    visitor.go(fresh_link(ledger, asked.request.contributor_id))
    return visitor


def test_the_language_of_the_request_comes_before_the_browsers(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    asked = asked_in(ledger, campaign, "de")
    author = opened(app, ledger, asked, "fr-FR,en;q=0.5")
    assert '<html lang="de" dir="ltr">' in author.go(f"/me/{asked.request.definition_id}")
    assert "Ja, so veröffentlichen" in author.page
    # Whoever chooses another one keeps it, and nothing is asked of the database for that.
    author.go(f"/me/{asked.request.definition_id}?lang=ja")
    assert "はい、掲載してください" in author.page
    assert '<html lang="ja" dir="ltr">' in author.go("/me")
    author.go("/me?lang=xx")
    assert '<html lang="ja" dir="ltr">' in author.page


def test_the_browser_decides_where_nobody_was_asked_and_the_question_after_it(
    app: Flask, ledger: Ledger
) -> None:
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Mut ist ___.", lang="de")
    visitor = Visitor(app)
    assert '<html lang="de" dir="ltr">' in visitor.go(f"/answer/{campaign.slug}")
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "xx,nl;q=0.9"
    assert '<html lang="nl" dir="ltr">' in visitor.go(f"/answer/{campaign.slug}")


def test_an_arabic_page_runs_from_right_to_left_and_a_name_steers_nothing(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    asked = asked_in(ledger, campaign, "ar")
    author = opened(app, ledger, asked)
    page = author.go(f"/me/{asked.request.definition_id}")
    assert '<html lang="ar" dir="rtl">' in page
    assert f"<bdi>{ledger.settings.asker}</bdi>" in page
    assert '<div class="preview" id="preview" lang="en" dir="ltr">' in page


def test_what_is_recorded_says_in_which_language_the_notice_was_shown(
    app: Flask, ledger: Ledger, campaign: Campaign
) -> None:
    asked = asked_in(ledger, campaign, "fr")
    author = opened(app, ledger, asked)
    mine = f"/me/{asked.request.definition_id}"
    author.go(mine)
    author.press(mine, decision="preview", **choices(form="handle"))
    assert "L’identifiant est vide." in author.page
    author.press(mine, decision="grant", **choices(handle="<b>{x}</b>"))
    author.press(mine, decision="grant", **choices(handle="<b>{x}</b>"))
    assert "Ada Sample (&lt;b&gt;{x}&lt;/b&gt;)" in author.page
    with ledger.read() as connection:
        assert state_of(connection, ledger.keys, asked.request.definition_id).grant
    record = valid_receipt(ledger, asked.request.definition_id)
    assert record["notice"]["language"] == "fr"
    assert record["notice"]["text"][1].startswith("Seuls ces mots exacts")
    assert record["events"][-1]["notice"].endswith(".fr")


def test_the_desk_stays_english(app: Flask, ledger: Ledger) -> None:
    visitor = Visitor(app)
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    assert '<html lang="en">' in visitor.go("/desk/sign-in?lang=de")
