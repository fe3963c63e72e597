"""P03: looking changes nothing. Mail scanners open every link; they must not decide anything."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from consent.requests import fresh_link
from ledger import tables
from ledger.database import Ledger
from ledger.editions import add_edition
from ledger.editors import invite_owner
from ledger.model import Campaign
from ledger.pictures import keep_picture
from ledger.stop_links import PATH, new_stop_link
from publisher.publish import publish_pending
from tests.people import agree, answer, asked
from tests.visiting import Visitor, application, contributor, owner


def everything(ledger: Ledger) -> dict[str, list[Any]]:
    """Every row of every table."""
    with ledger.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in tables.metadata.sorted_tables
        }


@pytest.fixture
def app(ledger: Ledger) -> Flask:
    return application(ledger)


@pytest.fixture
def values(ledger: Ledger, campaign: Campaign) -> dict[str, Any]:
    """A real value for every argument that a route takes; the person has one open question."""
    agree(ledger, asked(ledger, campaign, "hearing people out"), "hearing people out")
    publish_pending(ledger)
    open_question = asked(ledger, campaign, "knowing when to be quiet", address="b@sample.example")
    whose = open_question.request.contributor_id
    with ledger.write() as connection:
        edition = add_edition(connection, ledger.clock(), campaign_id=campaign.id, title="Ten")
        picture = keep_picture(connection, ledger.keys, whose, "", b"a face", ledger.clock())
    return {
        "contributor_id": whose,
        "name": picture,
        "definition_id": open_question.request.definition_id,
        "request_id": open_question.request.id,
        "edition_id": edition.id,
        "reply_id": answer(ledger, campaign, "asking first").id,
        "account_id": 1,
        "channel": "email",
        "kind": "greeting",
        "newcomer_id": 1,
        "prompt_id": 1,
        "message_id": 1,
        "thread_id": 1,
        "told_id": 1,
        "slug": campaign.slug,
        "path": f"{campaign.slug}/",
        "filename": "app.css",
    }


def paths(app: Flask, values: dict[str, Any], token: str) -> list[str]:
    """The address of every route that answers GET, with real values in it."""
    return [
        _path(rule, {**values, "token": token})
        for rule in app.url_map.iter_rules()
        if rule.methods and "GET" in rule.methods
    ]


def _path(rule: Rule, values: dict[str, Any]) -> str:
    built = rule.build({name: values[name] for name in rule.arguments}, append_unknown=False)
    assert built is not None, rule
    return built[1]


def test_p03_looking_changes_no_row(app: Flask, ledger: Ledger, values: dict[str, Any]) -> None:
    link = fresh_link(ledger, values["contributor_id"])
    invitation = urlsplit(invite_owner(ledger)).path
    people = {
        "nobody": Visitor(app),
        "contributor": contributor(app, ledger, values["contributor_id"]),
        "owner": owner(app, ledger),
    }
    second_invitation = urlsplit(invite_owner(ledger)).path
    with ledger.write() as connection:
        token = new_stop_link(connection, ledger.keys, values["contributor_id"], ledger.clock())
    stop = f"{PATH}{token}"
    asked_for = [
        *paths(app, values, link.rpartition("/")[2]),
        urlsplit(link).path,
        invitation,
        second_invitation,
        stop,
        f"{stop}?List-Unsubscribe=One-Click",
    ]
    before = everything(ledger)
    seen = set()
    for who in people.values():
        for path in asked_for:
            for method in ("HEAD", "GET"):
                answered = who.client.open(path, method=method, buffered=True)
                assert answered.status_code < 500, (path, answered.get_data(as_text=True))
                seen.add((path.partition("?")[0], answered.status_code))
    assert everything(ledger) == before
    mine = f"/me/{values['definition_id']}"
    picture = f"/me/pictures/{values['name']}.jpg"
    for path in (
        "/me",
        mine,
        picture,
        f"{mine}/receipt",
        "/desk",
        "/desk/outbox",
        second_invitation,
        stop,
    ):
        assert (path, 200) in seen, path
    assert (urlsplit(link).path, 303) in seen


def test_p03_prefetched_queries_change_no_row_either(
    app: Flask, ledger: Ledger, values: dict[str, Any]
) -> None:
    """A decision in a query is no decision."""
    who = contributor(app, ledger, values["contributor_id"])
    before = everything(ledger)
    for decision in ("grant", "refuse", "withdraw", "propose"):
        path = f"/me/{values['definition_id']}?decision={decision}&words=other"
        assert who.client.get(path).status_code == 200
    assert everything(ledger) == before
