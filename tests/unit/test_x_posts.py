"""X's JSON into replies: words as typed, and a reason for whatever is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from collector.connector import SourceState
from collector.x.posts import id_at, number_of, read_messages, read_posts, source_states
from collector.x.prices import kind_of_post
from collector.x.walk import Batch
from ledger.model import IncomingReply, Skipped

ADA = {"id": "7", "name": "Ada\u202e Sample", "username": "ada_example"}


def post(**changes: Any) -> dict[str, Any]:
    made = {
        "id": "1500",
        "text": "@asker_example It is a lamp",
        "author_id": "7",
        "created_at": "2026-01-05T12:00:00.000Z",
        "edit_history_tweet_ids": ["1500"],
        "referenced_tweets": [{"type": "replied_to", "id": "1400"}],
    }
    return {name: part for name, part in (made | changes).items() if part is not None}


def read(*items: Any, users: Any = (ADA,)) -> Batch:
    return read_posts({"data": list(items), "includes": {"users": list(users)}}, "1", since=9)


def reply_of(item: Any, **given: Any) -> IncomingReply:
    (made,) = read(item, **given).items
    assert isinstance(made.reply, IncomingReply)
    return made.reply


def reason_for(item: Any, **given: Any) -> str:
    (made,) = read(item, **given).items
    assert isinstance(made.reply, Skipped)
    assert made.reply.external_id
    return made.reply.reason


def test_a_post_becomes_a_reply_with_its_author_and_place() -> None:
    reply = reply_of(post())
    assert reply.external_id == "1500"
    assert reply.text == "@asker_example It is a lamp"
    assert (reply.address, reply.author_name) == ("@ada_example", "Ada Sample")
    assert reply.author_url == "https://x.com/ada_example"
    assert reply.source_url == "https://x.com/ada_example/status/1500"
    assert reply.written_at == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert reply.in_reply_to == ("1400",)
    assert (reply.private, reply.contact) == (False, "7")


def test_a_long_post_is_read_whole() -> None:
    assert reply_of(post(note_tweet={"text": "All of it", "entities": {}})).text == "All of it"


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("Tea &amp; lamps &lt;3", "Tea & lamps <3"),
        ("&amp;lt; is how it is typed", "&lt; is how it is typed"),
        ("&copy; stays", "&copy; stays"),
        ("one\r\ntwo\x00\ud800", "one\ntwo"),
        ("  room  ", "room"),
    ],
)
def test_words_are_as_their_author_typed_them(sent: str, typed: str) -> None:
    reply = reply_of(post(text=sent))
    assert reply.text == typed
    reply.raw.encode()


def test_links_are_written_out_and_those_of_media_left_out() -> None:
    links = [
        {"url": "https://t.co/ab", "expanded_url": "https://sample.example/?a=1&b=2"},
        {"url": "https://t.co/abc", "expanded_url": "https://x.com/a/status/1/photo/1"},
    ]
    sent = "See https://t.co/ab and https://t.co/zz https://t.co/abc"
    typed = "See https://sample.example/?a=1&b=2 and https://t.co/zz"
    assert reply_of(post(text=sent, entities={"urls": links})).text == typed


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"author_id": "1"}, "Our own message."),
        ({"referenced_tweets": [{"type": "retweeted", "id": "3"}]}, "A repost:"),
        ({"withheld": {"country_codes": ["DE", "FR"]}}, "X withholds this post in DE, FR."),
        ({"author_id": "8"}, "X does not say who wrote it"),
        ({"text": "https://t.co/abc", "entities": {"urls": []}, "note_tweet": None}, None),
        ({"text": " \x00 "}, "A post without words."),
        ({"text": "x" * 25_001}, "It has 25,001 characters; 25,000 are allowed."),
        ({"text": None}, "in a form that can't be read."),
        ({"text": 5}, "in a form that can't be read."),
        ({"entities": {"urls": [5]}}, "in a form that can't be read."),
        ({"note_tweet": "odd"}, "in a form that can't be read."),
        ({"referenced_tweets": [{"type": "replied_to"}]}, "in a form that can't be read."),
        ({"id": None}, "in a form that can't be read."),
        ({"id": "12/../3"}, "in a form that can't be read."),
        ({"author_id": ["7"]}, "in a form that can't be read."),
    ],
)
def test_what_is_left_out_says_why(changes: dict[str, Any], reason: str | None) -> None:
    if reason is None:
        assert reply_of(post(**changes)).text == "https://t.co/abc"
        return
    said = reason_for(post(**changes))
    assert reason in said
    assert said.endswith(".")


@pytest.mark.parametrize("item", [None, 5, "text", [], [[]]])
def test_what_is_no_object_does_not_stop_the_page(item: Any) -> None:
    before, odd, after = read(post(id="1600"), item, post()).items
    assert isinstance(odd.reply, Skipped)
    # It is counted at the place of its neighbour, so that it is passed once and not again.
    assert [before.position, odd.position, after.position] == [1600, 1600, 1500]


def test_a_page_of_nothing_but_odd_items_is_passed() -> None:
    assert [item.position for item in read({}, 5).items] == [10, 10]


@pytest.mark.parametrize(
    "user",
    [
        {**ADA, "protected": True},
        {**ADA, "username": "a/../b"},
        {**ADA, "username": None},
        {"id": "7"},
        {**ADA, "name": 5},
    ],
)
def test_an_author_who_can_not_be_credited_is_not_taken_in(user: dict[str, Any]) -> None:
    assert reason_for(post(), users=[user]).endswith(".")


@pytest.mark.parametrize("includes", [None, [], {"users": 5}, {"users": [5, None, {}]}])
def test_odd_includes_do_not_stop_the_page(includes: Any) -> None:
    batch = read_posts({"data": [post()], "includes": includes, "meta": 5}, "1", 0)
    assert isinstance(batch.items[0].reply, Skipped)
    assert batch.token == ""


@pytest.mark.parametrize(
    ("sent", "hour"),
    [
        ("2026-01-05T12:00:00.000Z", 12),
        ("2026-01-05T12:00:00Z", 12),
        ("2026-01-05T12:00:00+02:00", 10),
        ("2026-01-05T12:00:00", None),
        ("yesterday", None),
        (5, None),
    ],
)
def test_a_message_is_read_however_its_date_is_written(sent: Any, hour: int | None) -> None:
    message = {"id": "30", "sender_id": "7", "text": "A lamp", "created_at": sent}
    (item,) = read_messages({"data": [message], "includes": {"users": [ADA]}}, "1", 0).items
    assert isinstance(item.reply, IncomingReply)
    assert (item.reply.external_id, item.reply.private) == ("dm:30", True)
    assert (item.reply.source_url, item.reply.contact) == ("", "7")
    assert (item.reply.written_at and item.reply.written_at.hour) == hour


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sender_id": "1"}, "Our own message."),
        ({"event_type": "ParticipantsJoin"}, "Not a message: somebody joined or left."),
        ({"text": None}, "A message without words."),
    ],
)
def test_messages_that_are_left_out_say_why(changes: dict[str, Any], reason: str) -> None:
    message = {"id": "30", "sender_id": "7", "text": "A lamp"} | changes
    message = {name: part for name, part in message.items() if part is not None}
    (item,) = read_messages({"data": [message], "includes": {"users": [ADA]}}, "1", 0).items
    assert isinstance(item.reply, Skipped)
    assert item.reply.reason == reason


def test_p38_a_lookup_says_how_posts_stand() -> None:
    answer = {
        "data": [
            post(id="1", edit_history_tweet_ids=["1"]),
            post(id="3", edit_history_tweet_ids=["2", "3"]),
            post(id="4", author_id="9", edit_history_tweet_ids=["4"]),
            post(id="5", withheld={"copyright": True}, edit_history_tweet_ids=["5"]),
            None,
        ],
        "includes": {"users": [ADA, {**ADA, "id": "9", "protected": True}]},
        "errors": [
            {"value": "6", "title": "Not Found Error"},
            {"resource_id": "7", "type": "https://x.example/not-authorized-for-resource"},
            {"value": "8", "title": "Another Error"},
            {"value": "1", "title": "Not Found Error"},
            5,
        ],
    }
    assert source_states(answer, ["1", "2", "4", "5", "6", "7", "8", "9"]) == {
        "1": SourceState.THERE,
        "2": SourceState.EDITED,
        "4": SourceState.PROTECTED,
        "5": SourceState.PROTECTED,
        "6": SourceState.GONE,
        "7": SourceState.PROTECTED,
    }


def test_ids_tell_the_time_and_only_numbers_are_ids() -> None:
    # The worked example of the encyclopedia: 1541815603606036480 is of this millisecond.
    example = id_at(datetime(2022, 6, 28, 16, 7, 40, 105_000, tzinfo=UTC))
    assert 0 <= 1541815603606036480 - example < 1 << 22
    assert id_at(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert [number_of(value) for value in ("12", "१२", "1e3", "-1", None, "9" * 21)] == [
        12,
        *[0] * 5,
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Thought leadership is ___?", "post"),
        ("It is 3.5 of them, e.g. this", "post"),
        ("See https://sample.example", "post_with_url"),
        ("See sample.example", "post_with_url"),
        ("HTTP://sample", "post_with_url"),
    ],
)
def test_a_link_makes_a_post_dear(text: str, kind: str) -> None:
    assert kind_of_post(text) == kind
