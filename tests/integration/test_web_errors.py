"""Error pages are calm, say the next step and give nothing away; and whom a proxy speaks for."""

from __future__ import annotations

import logging

import pytest
from flask import Flask

from ledger.database import Ledger
from ledger.errors import TemporaryError
from ledger.model import Campaign
from tests.visiting import Visitor, application
from web.access import open_to_all


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


def test_our_own_faults_show_no_details(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    @open_to_all
    def broken() -> str:
        raise RuntimeError("a secret detail")

    app.add_url_rule("/broken", "broken", broken)
    visitor = Visitor(app)
    with caplog.at_level(logging.ERROR):
        visitor.go("/broken")
    assert visitor.status == 500
    assert "That was our fault" in visitor.page
    assert "secret detail" not in visitor.page
    assert "a secret detail" in caplog.text
    assert visitor.answer is not None
    assert visitor.answer.headers["Cache-Control"] == "no-store"


def test_what_passes_by_itself_says_so(app: Flask) -> None:
    @open_to_all
    def full() -> str:
        raise TemporaryError("The disk is full.", "Free some space.")

    app.add_url_rule("/full", "full", full)
    visitor = Visitor(app)
    visitor.go("/full")
    assert visitor.status == 503
    assert "The disk is full." in visitor.page
    assert "Free some space." in visitor.page


@pytest.mark.parametrize(("proxies", "last"), [(0, 429), (1, 200)])
def test_forwarded_addresses_count_only_behind_a_proxy_of_ours(
    ledger: Ledger, campaign: Campaign, proxies: int, last: int
) -> None:
    settings = ledger.settings.model_copy(update={"trusted_proxies": proxies})
    client = application(Ledger(settings, ledger.engine, ledger.keys, ledger.clock)).test_client()
    for number in range(12):
        answered = client.post(
            f"/answer/{campaign.slug}",
            data={"text": "words"},
            headers={"X-Forwarded-For": f"192.0.2.{number}"},
        )
    assert answered.status_code == last
