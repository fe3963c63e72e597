"""Feeds that are no files: valid, complete through their archives, and forgetful at once."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import feedparser
import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from lxml import etree
from sqlalchemy import update

from ledger.database import Ledger
from ledger.editions import add_edition
from ledger.model import Campaign, Credit, Definition, NameForm, Use
from ledger.tables import site_entries
from publisher import feeds
from publisher.editions import publish_edition
from publisher.publish import publish, publish_pending
from tests.conftest import SteppingClock
from tests.golden.audit import in_feed, live
from tests.golden.sample_blog import ADA, ALL, grant, named, take, withdraw
from tests.visiting import application

SCHEMA = json.loads((Path(__file__).parent.parent / "json_feed.schema.json").read_text("utf-8"))
ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"


@pytest.fixture
def client(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> FlaskClient:
    monkeypatch.setattr(feeds, "MOST_ENTRIES", 3)
    return application(ledger).test_client()


def path_of(url: str) -> str:
    return "/" + unquote(url).split("/", 3)[3]


def links(document: bytes) -> dict[str, str]:
    found = etree.fromstring(document).findall(f"{ATOM}link")
    return {one.get("rel"): path_of(one.get("href")) for one in found}


def read_json(client: FlaskClient, path: str) -> dict:
    answered = client.get(path)
    assert answered.status_code == 200, path
    assert answered.mimetype == "application/feed+json"
    feed = json.loads(answered.data)
    Draft202012Validator(SCHEMA).validate(feed)
    assert path_of(feed["feed_url"]) == path
    return feed


def all_of_json(client: FlaskClient, path: str) -> list[str]:
    ids = []
    while path:
        feed = read_json(client, path)
        ids += [one["id"] for one in feed["items"]]
        path = path_of(feed["next_url"]) if "next_url" in feed else ""
    return ids


def all_of_atom(client: FlaskClient, path: str) -> list[str]:
    ids, documents = [], []
    while path:
        answered = client.get(path, buffered=True)
        assert answered.status_code == 200, path
        read = feedparser.parse(answered.data)
        assert not read.bozo, read.get("bozo_exception")
        assert read.version == "atom10"
        ids += [one.id for one in read.entries]
        is_archive = etree.fromstring(answered.data).find(f"{HISTORY}archive") is not None
        assert is_archive == bool(documents), "all but the first are archives"
        found = links(answered.data)
        assert found["self"] == path
        if is_archive:
            assert found["current"] == documents[0]
        documents.append(path)
        path = found.get("prev-archive", "")
    return ids


def fill(ledger: Ledger, campaign: Campaign, clock: SteppingClock, count: int) -> list[Definition]:
    found = []
    for number in range(count):
        definition = take(ledger, campaign, f"words {number}", author="ada@sample.example")
        grant(ledger, definition, ADA)
        found.append(definition)
        clock.pass_time(days=11)
    publish(ledger)
    return found


@pytest.fixture
def given(
    client: FlaskClient, ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> list[Definition]:
    return fill(ledger, campaign, clock, 8)


def person_of(client: FlaskClient) -> str:
    page = client.get("/feed.xml", buffered=True).data
    post = path_of(feedparser.parse(page).entries[0].link)
    text = client.get(post, buffered=True).text
    return unquote(text.partition('href="/people/')[2].partition('"')[0])


def test_each_feed_leads_through_its_archives_to_everything_once(
    client: FlaskClient, campaign: Campaign, given: list[Definition]
) -> None:
    person = person_of(client)
    for page in ("", f"{campaign.slug}/", f"people/{person}"):
        atom = f"/feeds/{page}feed.xml" if "people" in page else f"/{page}feed.xml"
        as_json = all_of_json(client, f"/feeds/{page}feed.json")
        assert as_json == all_of_atom(client, atom)
        assert len(as_json) == len(set(as_json)) == len(given)


def test_the_feed_that_is_a_file_and_the_one_that_is_made_hold_the_same(
    client: FlaskClient, given: list[Definition]
) -> None:
    made = client.get("/feeds/feed.xml").data
    assert in_feed("", made) == in_feed("", client.get("/feed.xml", buffered=True).data)
    assert links(made)["prev-archive"].startswith("/feeds/2026-")


def test_p05_whoever_withdraws_is_in_no_feed_from_that_moment_on(
    client: FlaskClient, ledger: Ledger, campaign: Campaign, given: list[Definition]
) -> None:
    person = person_of(client)
    pages = [f"/feeds/{page}feed.json" for page in ("", f"{campaign.slug}/", f"people/{person}")]
    for gone in (given[0], given[4], given[-1]):
        withdraw(ledger, gone)
        for page in pages:
            assert not any(gone.id[:8] in one for one in all_of_json(client, page))
    for page in pages:  # nothing has been published yet: the files still have the newest one
        assert len(all_of_json(client, page)) == len(given) - 3
    publish_pending(ledger)
    for page in pages:
        assert len(all_of_json(client, page)) == len(given) - 3
    assert len(all_of_atom(client, "/feed.xml")) == len(given) - 3


def test_p01_feeds_show_what_is_granted_and_a_changed_row_not_at_all(
    client: FlaskClient, ledger: Ledger, given: list[Definition]
) -> None:
    shown = in_feed("", client.get("/feeds/feed.xml").data)
    assert {(one.words, one.credit) for one in shown} <= live(ledger)[Use.POST]
    assert len(shown) == 3
    with ledger.write() as connection:
        connection.execute(
            update(site_entries)
            .where(site_entries.c.definition_id == given[-1].id)
            .values(words="never said")
        )
    assert "never said" not in client.get("/feeds/feed.json").text
    assert given[-1].id[:8] not in client.get("/feeds/feed.json").text


def test_an_edition_has_a_complete_feed_of_what_its_authors_allow_there(
    client: FlaskClient, ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    allowed, alone = take(ledger, campaign, "for both"), take(ledger, campaign, "for a post")
    grant(ledger, allowed, named("Ada Sample"))
    grant(ledger, alone, named("Ben Sample"), uses=frozenset({Use.POST}))
    with ledger.write() as connection:
        made = add_edition(
            connection,
            clock(),
            campaign_id=campaign.id,
            title="Two voices",
            definition_ids=(alone.id, allowed.id),
        )
    address = publish_edition(ledger, made.id)
    publish(ledger)
    page = client.get(address, buffered=True).text
    assert f'href="/feeds{address}feed.json"' in page
    assert f'href="/feeds{address}feed.xml"' in page
    feed = read_json(client, f"/feeds{address}feed.json")
    assert ["for both" in one["content_html"] for one in feed["items"]] == [True]
    atom = client.get(f"/feeds{address}feed.xml").data
    assert etree.fromstring(atom).find(f"{HISTORY}complete") is not None
    assert [one.words for one in in_feed("", atom)] == ["for both"]


def test_nobody_s_feed_and_no_feed_at_all(
    client: FlaskClient, ledger: Ledger, given: list[Definition]
) -> None:
    person = person_of(client)
    for one in given:
        withdraw(ledger, one)
    assert client.get(f"/feeds/people/{person}feed.json").status_code == 410
    assert client.get("/feeds/feed.json").status_code == 200
    for path in (
        "feed.txt",
        "nowhere/feed.json",
        "x/editions/y/feed.jsonx",
        "2026-1.xml",
        "..%2ffeed.json/",
        "2026-01-05T000000.000000-zzzzzzzz.xml",
    ):
        assert client.get(f"/feeds/{path}").status_code in {404, 410}, path


def test_a_reader_that_has_it_is_told_so(client: FlaskClient, given: list[Definition]) -> None:
    first = client.get("/feeds/feed.json")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get("/feeds/feed.json", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert first.data == client.get("/feeds/feed.json").data


def test_pages_name_their_feeds(
    client: FlaskClient, campaign: Campaign, given: list[Definition]
) -> None:
    person = person_of(client)
    for page, wanted in (
        ("/", ["/feed.xml", "/feeds/feed.json"]),
        (
            f"/{campaign.slug}/",
            [f"/{campaign.slug}/feed.xml", f"/feeds/{campaign.slug}/feed.json"],
        ),
        (
            f"/people/{person}",
            [f"/feeds/people/{person}feed.xml", f"/feeds/people/{person}feed.json"],
        ),
    ):
        head, _, body = client.get(page, buffered=True).text.partition("</head>")
        for feed in wanted:
            assert f'href="{feed}"' in head
            assert f'href="{feed}"' in body
            assert client.get(feed, buffered=True).status_code == 200


def test_somebody_anonymous_has_no_name_in_a_feed(
    client: FlaskClient, ledger: Ledger, campaign: Campaign
) -> None:
    grant(ledger, take(ledger, campaign, "quietly"), Credit(NameForm.ANONYMOUS), uses=ALL)
    publish(ledger)
    (item,) = read_json(client, "/feeds/feed.json")["items"]
    assert item["authors"] == [{"name": "Anonymous"}]
