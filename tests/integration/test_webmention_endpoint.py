"""The endpoint that other servers call: what it keeps, what it turns away, and for whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.campaigns import add_campaign, all_campaigns
from ledger.database import Ledger
from ledger.mentions import MOST_WAITING, MentionState, SentMention, receive, recent
from ledger.model import Campaign
from ledger.posts import Post, bury_post, put_post
from tests.mentioning import put_page
from tests.visiting import Visitor, application

SOURCE = "https://ada.example/notes/1"
BASE = "http://127.0.0.1:8000"
QUESTION = f"{BASE}/thought-leadership/"
DEFINITION = f"{QUESTION}listening-1a2b3c4d/"


@pytest.fixture
def app(ledger: Ledger, campaign: Campaign) -> Flask:
    for path in ("", "thought-leadership", "thought-leadership/listening-1a2b3c4d", "about"):
        put_page(ledger.settings.site_folder, path)
    (ledger.settings.site_folder / "feed.xml").write_text("<feed/>")
    return application(ledger)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def kept(ledger: Ledger) -> list[SentMention]:
    with ledger.read() as connection:
        return recent(connection, MOST_WAITING)


def send(client: FlaskClient, source: str = SOURCE, target: str = QUESTION, **given: Any) -> Any:
    return client.post("/webmention", data={"source": source, "target": target}, **given)


def test_a_mention_is_kept_at_once_and_answered_202(client: FlaskClient, ledger: Ledger) -> None:
    answered = send(client)
    assert answered.status_code == 202
    assert answered.mimetype == "text/plain"
    assert "looked at" in answered.text
    (mention,) = kept(ledger)
    assert (mention.source, mention.target) == (SOURCE, QUESTION)
    assert (mention.state, mention.due_at) == (MentionState.WAITING, ledger.clock())


def test_the_same_mention_again_is_one_row(client: FlaskClient, ledger: Ledger) -> None:
    for _ in range(3):
        assert send(client).status_code == 202
    assert [mention.times for mention in kept(ledger)] == [3]
    send(client, target=DEFINITION)
    assert len(kept(ledger)) == 2


@pytest.mark.parametrize(
    "target",
    [
        QUESTION,
        QUESTION.rstrip("/"),
        DEFINITION,
        DEFINITION.rstrip("/"),
        f"{DEFINITION}#words",
        f"{DEFINITION}?utm_source=x",
        f"{BASE}/",
        BASE,
        QUESTION.replace("http:", "HTTP:"),
        "http://127.0.0.1.:8000/thought-leadership/",
    ],
)
def test_pages_of_a_question_take_mentions(
    client: FlaskClient, ledger: Ledger, target: str
) -> None:
    assert send(client, target=target).status_code == 202
    assert len(kept(ledger)) == 1


@pytest.mark.parametrize(
    "target",
    [
        "",
        "not an address",
        "/thought-leadership/",
        "https://else.example/thought-leadership/",
        "http://127.0.0.1:9000/thought-leadership/",
        "http://127.0.0.1:8000.evil.example/thought-leadership/",
        "http://127.0.0.1:8000@evil.example/thought-leadership/",
        "ftp://127.0.0.1:8000/thought-leadership/",
        "javascript:alert(1)",
        f"{BASE}/about/",
        f"{BASE}/feed.xml",
        f"{BASE}/nowhere/",
        f"{BASE}/desk",
        f"{QUESTION}nothing-here/",
        f"{QUESTION}../about/",
        f"{QUESTION}%2e%2e/%2e%2e/home/keys.json",
        f"{BASE}//thought-leadership/",
        f"{QUESTION}{'x' * 500}",
    ],
)
def test_other_targets_are_turned_away_with_a_reason(
    client: FlaskClient, ledger: Ledger, target: str
) -> None:
    answered = send(client, target=target)
    assert answered.status_code == 400
    assert answered.mimetype == "text/plain"
    assert answered.text.strip().endswith(".")
    assert kept(ledger) == []


@pytest.mark.parametrize(
    "source",
    [
        "",
        "ada.example/notes/1",
        "file:///etc/hostname",
        "javascript:alert(1)",
        "https://user:secret@ada.example/",
        "https://ada.example:99999/",
        "http://0177.0.0.1/",
        "http://2130706433/",
        f"https://ada.example/{'x' * 500}",
        "https://ada.example/a b",
        "https://ada.example/\r\nHost: x",
        f"{BASE}/thought-leadership/",
        DEFINITION,
    ],
)
def test_sources_that_can_not_be_are_turned_away(
    client: FlaskClient, ledger: Ledger, source: str
) -> None:
    answered = send(client, source=source)
    assert answered.status_code == 400
    assert answered.text.strip().endswith(".")
    assert kept(ledger) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"source": SOURCE},
        {"target": QUESTION},
        {"source": [SOURCE, SOURCE], "target": QUESTION},
        {"source": SOURCE, "target": [QUESTION, "https://else.example/"]},
        {"Source": SOURCE, "Target": QUESTION},
    ],
)
def test_a_mention_has_one_source_and_one_target(
    client: FlaskClient, ledger: Ledger, fields: dict[str, Any]
) -> None:
    assert client.post("/webmention", data=fields).status_code == 400
    assert client.post("/webmention", query_string=fields).status_code == 400
    assert kept(ledger) == []


def test_only_a_form_is_read(client: FlaskClient, ledger: Ledger) -> None:
    body = json.dumps({"source": SOURCE, "target": QUESTION})
    for kind in ("application/json", "text/plain", "application/xml"):
        assert client.post("/webmention", data=body, content_type=kind).status_code == 400
    assert kept(ledger) == []


def test_a_page_that_was_taken_back_takes_no_mentions(client: FlaskClient, ledger: Ledger) -> None:
    now = ledger.clock()
    path = DEFINITION.removeprefix(BASE)
    with ledger.write() as connection:
        put_post(connection, ledger.keys, Post("definition", "1" * 32, path, "a.md", "h", now))
        bury_post(connection, ledger.keys, "1" * 32, now)
    for target in (DEFINITION, DEFINITION.rstrip("/"), f"{DEFINITION}index.html"):
        assert send(client, target=target).status_code == 400
    assert kept(ledger) == []


def test_the_front_page_of_several_questions_is_no_answer_to_one(
    client: FlaskClient, ledger: Ledger
) -> None:
    with ledger.write() as connection:
        add_campaign(connection, ledger.clock(), prompt="Courage is ___?")
    assert send(client, target=f"{BASE}/").status_code == 400
    assert send(client, target=f"{BASE}/courage/").status_code == 202


def test_p27_other_servers_need_no_token_and_may_name_any_origin(client: FlaskClient) -> None:
    for headers in (
        {"Origin": "https://ada.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://ada.example"},
        {"Referer": "https://ada.example/"},
    ):
        assert send(client, headers=headers).status_code == 202
    assert (
        client.post("/desk/campaigns", headers={"Origin": "https://x.example"}).status_code == 403
    )


def test_nobody_is_signed_in_or_given_a_cookie(client: FlaskClient) -> None:
    answered = send(client)
    assert "Set-Cookie" not in answered.headers
    assert answered.headers["Cache-Control"] == "no-store"


def test_when_too_many_wait_senders_are_asked_to_come_later(
    client: FlaskClient, ledger: Ledger
) -> None:
    with ledger.write() as connection:
        for number in range(MOST_WAITING):
            receive(connection, f"https://spam.example/{number}", QUESTION, ledger.clock())
    answered = send(client)
    assert answered.status_code == 503
    assert "later" in answered.text
    assert len(kept(ledger)) == MOST_WAITING


def test_one_address_can_not_flood_us(client: FlaskClient, ledger: Ledger) -> None:
    statuses = [send(client, f"https://spam.example/{n}").status_code for n in range(40)]
    assert set(statuses) == {202, 429}
    assert statuses == sorted(statuses)
    assert len(kept(ledger)) == statuses.count(202) <= 30


def test_whoever_opens_the_address_is_told_what_it_is(app: Flask, ledger: Ledger) -> None:
    visitor = Visitor(app)
    assert "web servers" in visitor.go("/webmention")
    assert visitor.status == 405
    assert visitor.answer is not None
    assert visitor.answer.headers["Allow"] == "POST"
    assert visitor.client.head("/webmention").status_code == 405
    assert visitor.client.put("/webmention").status_code == 405
    assert kept(ledger) == []


def test_every_page_of_the_blog_says_where_mentions_go(client: FlaskClient) -> None:
    for path in ("/", "/thought-leadership/", "/about/"):
        answered = client.get(path)
        assert answered.headers["Link"] == '</webmention>; rel="webmention"'
        answered.close()
    for path in ("/desk/sign-in", "/healthz", "/feed.xml"):
        answered = client.get(path)
        assert "Link" not in answered.headers
        answered.close()


def test_no_campaign_can_take_the_address(ledger: Ledger, tmp_path: Path) -> None:
    from ledger.errors import SettingError

    with ledger.write() as connection:
        with pytest.raises(SettingError, match="address"):
            add_campaign(connection, ledger.clock(), prompt="Webmention is ___?")
        assert all_campaigns(connection) == []
