"""Statuses as replies: whatever their shape, and what a server makes of a text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.mastodon.asks import ASKS, account_from
from collector.mastodon.errors import reading_error, sending_error
from collector.mastodon.place import Place, mark_of
from collector.mastodon.posts import (
    MOST_BYTES,
    MOST_CHARACTERS,
    Home,
    counted_length,
    mentioned_in,
    read_status,
)
from collector.platform_answers import NoAnswer, Refused
from ledger.model import IncomingReply, Skipped

HOME = Home("1", lambda: "home.example")
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def status(**given: Any) -> dict[str, Any]:
    account = {
        "id": "2",
        "username": "ada",
        "acct": "ada@far.example",
        "display_name": "Ada  Sample :cat:",
        "url": "https://far.example/@ada",
        "bot": False,
    }
    return {
        "id": "109",
        "uri": "https://far.example/statuses/109",
        "url": "https://far.example/@ada/109",
        "created_at": "2026-01-05T11:00:00.000Z",
        "edited_at": None,
        "in_reply_to_id": "100",
        "visibility": "public",
        "spoiler_text": "about work",
        "content": "<p>Thought leadership is a lamp</p>",
        "account": account | given.pop("account", {}),
        **given,
    }


def test_a_status_becomes_a_reply_with_all_that_credit_needs() -> None:
    reply = read_status(status(), HOME)
    assert isinstance(reply, IncomingReply)
    assert reply.external_id == "109"
    assert reply.address == reply.contact == "@ada@far.example"
    assert (reply.author_name, reply.author_url) == ("Ada Sample :cat:", "https://far.example/@ada")
    assert (reply.text, reply.subject) == ("Thought leadership is a lamp", "about work")
    assert reply.source_url == "https://far.example/@ada/109"
    assert reply.written_at == datetime(2026, 1, 5, 11, tzinfo=UTC)
    assert reply.in_reply_to == ("100",)
    assert not reply.private
    assert not reply.automatic
    assert json.loads(reply.raw) == status()


def test_a_local_name_gets_the_servers_own_host() -> None:
    reply = read_status(status(account={"acct": "ada"}), HOME)
    assert isinstance(reply, IncomingReply)
    assert reply.address == "@ada@home.example"


@pytest.mark.parametrize(
    ("visibility", "is_private"),
    [("public", False), ("unlisted", False), ("private", True), ("direct", True)],
)
def test_what_not_everyone_may_see_is_private(visibility: str, is_private: bool) -> None:
    reply = read_status(status(visibility=visibility), HOME)
    assert isinstance(reply, IncomingReply)
    assert reply.private is is_private


def test_a_bots_reply_is_automatic() -> None:
    reply = read_status(status(account={"bot": True}), HOME)
    assert isinstance(reply, IncomingReply)
    assert reply.automatic


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "a text",
        ["a", "list"],
        {},
        status(id=""),
        status(id={"a": 1}),
        status(id="x" * 1000),
        {**status(), "account": None},
        status(account={"acct": "ada sample@far.example"}),
        status(account={"acct": 7.5}),
        status(content=None),
        status(content=["a"]),
        status(content=""),
        status(content="<p></p>"),
        status(content="<p>" + "x" * (MOST_CHARACTERS + 1) + "</p>"),
        status(extra="x" * MOST_BYTES),
        status(account={"id": "1"}),
    ],
)
def test_p17_what_is_no_reply_says_why(broken: Any) -> None:
    item = read_status(broken, HOME)
    assert isinstance(item, Skipped)
    assert item.external_id
    assert item.reason.endswith(".")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v, max_size=2)
)


@given(st.dictionaries(st.sampled_from([*status(), "account"]), json_values))
def test_no_shape_of_a_status_breaks_the_reading(changes: dict[str, Any]) -> None:
    item = read_status({**status(), **changes}, HOME)
    assert isinstance(item, IncomingReply | Skipped)
    if isinstance(item, IncomingReply):
        assert item.text.strip()
        item.raw.encode("ascii")


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("@ada@far.example hello", {"@ada@far.example"}),
        ("hello @Ada.", {"@ada@home.example"}),
        ("mail ada@far.example, see https://far.example/@ada", set()),
        ("(@ada@far.example), @eve!", {"@ada@far.example", "@eve@home.example"}),
        ("a lonely @ and @@", set()),
    ],
)
def test_mentions_are_those_a_server_finds(text: str, handles: set[str]) -> None:
    assert mentioned_in(text, "home.example") == handles


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("a lamp", 6),
        ("@ada@far.example hi", len("@ada hi")),
        ("see https://sample.example/a/long/way/to/go now", len("see  now") + 23),
        ("e\u0301te\u0301", 3),
        ("👩\u200d🚀", 1),
    ],
)
def test_the_length_is_counted_as_servers_do(text: str, length: int) -> None:
    assert counted_length(text, 23) == length


@given(st.text())
def test_any_cursor_is_a_place(cursor: str) -> None:
    place = Place.of(cursor)
    assert Place.of(place.cursor()) == place


@pytest.mark.parametrize("cursor", ['{"taken": {"a": 1}}', '{"taken": []}', "[]", "[" * 100_000])
def test_a_spoiled_cursor_starts_again(cursor: str) -> None:
    assert Place.of(cursor) == Place()


def test_a_place_knows_a_status_by_its_address_and_its_last_edit() -> None:
    place = Place.of(Place().after([status()]).cursor())
    assert place.knows(status())
    assert place.knows(status(id="another id for the same"))
    edited = status(id="another id for the same", edited_at="2026-01-05T12:00:00.000Z")
    assert not place.knows(edited)
    assert place.id_of(edited) == "109"


def test_p16_a_status_that_its_server_does_not_show_for_once_is_not_taken_for_another() -> None:
    place = Place().after([status()])
    missing_once = Place.of(place.only(set()).cursor())
    assert missing_once.id_of(status(id="another id for the same")) == "109"
    assert missing_once.only({mark_of(status())}) == place
    assert missing_once.only(set()) == Place()


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x-ratelimit-reset": "2026-01-05T12:03:00.250000Z"}, timedelta(minutes=3, seconds=0.25)),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 90)}, timedelta(seconds=90)),
        ({"retry-after": "120"}, timedelta(seconds=120)),
        ({"retry-after": "Mon, 05 Jan 2026 12:01:00 GMT"}, timedelta(minutes=1)),
        ({"x-ratelimit-reset": "soon", "retry-after": "7"}, timedelta(seconds=7)),
        ({"x-ratelimit-reset": "2020-01-01T00:00:00Z"}, timedelta(seconds=1)),
        ({"x-ratelimit-reset": "2036-01-01T00:00:00Z"}, timedelta(days=1)),
        ({"retry-after": "\u0661"}, timedelta(minutes=5)),
        ({}, timedelta(minutes=5)),
    ],
)
def test_the_wait_is_what_the_server_asks_for(headers: dict[str, str], wait: timedelta) -> None:
    error = reading_error(Refused(429, headers, ""), "the mentions", lambda: NOW)
    assert not error.permanent
    assert error.retry_after == wait


@pytest.mark.parametrize(
    ("status_code", "permanent", "is_unknown"),
    [
        (301, True, False),
        (400, True, False),
        (401, True, False),
        (403, True, False),
        (404, True, False),
        (408, False, False),
        (410, True, False),
        (422, True, False),
        (429, False, False),
        (500, False, True),
        (503, False, True),
    ],
)
def test_refusals_are_told_apart(status_code: int, permanent: bool, is_unknown: bool) -> None:
    refused = Refused(status_code, {}, "")
    reading = reading_error(refused, "the mentions", lambda: NOW)
    sending = sending_error(refused, lambda: NOW)
    assert reading.permanent is sending.permanent is permanent
    assert not reading.delivered_unknown
    assert sending.delivered_unknown is is_unknown
    assert reading.mend.endswith(".")
    assert sending.mend.endswith(".")


def test_only_what_may_have_arrived_is_unknown() -> None:
    for may_have_arrived in (True, False):
        error = sending_error(NoAnswer("it is slow", may_have_arrived), lambda: NOW)
        assert error.delivered_unknown is may_have_arrived
        assert not error.permanent


def test_the_answers_of_account_add_make_an_account() -> None:
    given = {"base_url": " mastodon.example/ ", "token": " secret \n"}
    assert {ask.name for ask in ASKS} == set(given)
    assert [ask.secret for ask in ASKS] == [False, True]
    assert account_from(given) == ({"base_url": "https://mastodon.example"}, "secret")
