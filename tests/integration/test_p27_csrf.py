"""P27: nothing changes without our own token, nor for another site's page."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from ledger import tables
from ledger.database import Ledger
from ledger.model import Campaign
from tests.people import answer, asked
from tests.visiting import Visitor, application, contributor, owner
from web.access import Access, access_of

SAFE = {"GET", "HEAD", "OPTIONS"}
#: Stores nothing, so it takes the static form of the blog.
WITHOUT_TOKEN = {"answers.words"}
#: Called by other servers, which have neither token nor Origin: one keeps only addresses, the
#: other only stops us from writing to somebody (tests/integration/test_unsubscribing.py).
FOR_OTHERS = {"webmentions.take", "unsubscribing.stop"}


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


def everything(ledger: Ledger) -> dict[str, list[Any]]:
    with ledger.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in tables.metadata.sorted_tables
        }


class Scene:
    """Somebody of each kind, and real values for every route."""

    def __init__(self, app: Flask, ledger: Ledger, campaign: Campaign) -> None:
        question = asked(ledger, campaign, "hearing people out")
        self.values = {
            "definition_id": question.request.definition_id,
            "request_id": question.request.id,
            "reply_id": answer(ledger, campaign, "asking first").id,
            "edition_id": "0" * 32,
            "contributor_id": question.request.contributor_id,
            "account_id": 1,
            "channel": "mastodon",
            "thread_id": "0" * 32,
            "kind": "greeting",
            "newcomer_id": 1,
            "prompt_id": 1,
            "message_id": 1,
            "told_id": 1,
            "slug": campaign.slug,
            "token": "x" * 43,
        }
        self.app = app
        self.people = {
            Access.ALL: Visitor(app),
            Access.CONTRIBUTOR: contributor(app, ledger, question.request.contributor_id),
            Access.EDITOR: owner(app, ledger),
        }
        self.people[Access.OWNER] = self.people[Access.EDITOR]
        self.people[Access.ALL].go("/desk/sign-in")

    def unsafe(self) -> list[tuple[str, str, str, Visitor]]:
        """Endpoint, method, path and who may use it, of every route that may change something."""
        found = []
        with self.app.app_context():
            for rule in self.app.url_map.iter_rules():
                access = access_of(rule.endpoint)
                assert access is not None
                built = (
                    rule.build({name: self.values[name] for name in rule.arguments})
                    if ((rule.methods or set()) - SAFE)
                    else None
                )
                for method in sorted((rule.methods or set()) - SAFE):
                    if rule.endpoint in FOR_OTHERS:
                        continue
                    assert built is not None
                    found.append((rule.endpoint, method, built[1], self.people[access]))
        return found


@pytest.fixture
def scene(app: Flask, ledger: Ledger, campaign: Campaign) -> Scene:
    return Scene(app, ledger, campaign)


FIELDS = {"decision": "withdraw", "do": "shortlist:1", "text": "words", "outcome": "left"}


def test_p27_without_a_token_nothing_changes(scene: Scene, ledger: Ledger) -> None:
    before = everything(ledger)
    routes = scene.unsafe()
    assert len(routes) >= 20
    for endpoint, method, path, who in routes:
        answered = who.client.open(path, method=method, data=FIELDS)
        if endpoint in WITHOUT_TOKEN:
            assert answered.status_code == 200
        else:
            assert answered.status_code == 400, endpoint
    assert everything(ledger) == before


def test_p27_another_sites_page_changes_nothing_even_with_a_token(
    scene: Scene, ledger: Ledger
) -> None:
    before = everything(ledger)
    foreign = [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    ]
    for endpoint, method, path, who in scene.unsafe():
        token = {"csrf_token": who.hidden["csrf_token"]}
        for headers in foreign:
            answered = who.client.open(path, method=method, data=FIELDS | token, headers=headers)
            assert answered.status_code == 403, (endpoint, headers)
    assert everything(ledger) == before


def test_p27_a_token_of_somebody_else_is_none(scene: Scene, app: Flask, ledger: Ledger) -> None:
    stranger = Visitor(app)
    stranger.go("/desk/sign-in")
    before = everything(ledger)
    for endpoint, method, path, who in scene.unsafe():
        if endpoint in WITHOUT_TOKEN:
            continue
        token = {"csrf_token": stranger.hidden["csrf_token"]}
        answered = who.client.open(path, method=method, data=FIELDS | token)
        assert answered.status_code == 400, endpoint
    assert everything(ledger) == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_p27_our_own_pages_work_in_every_browser(
    scene: Scene, ledger: Ledger, headers: dict[str, str]
) -> None:
    """No-referrer pages send `Origin: null`; old browsers send neither header."""
    who = scene.people[Access.CONTRIBUTOR]
    token = {"csrf_token": who.hidden["csrf_token"]}
    answered = who.client.post("/me/stop", data=token, headers=headers)
    assert answered.status_code == 303
