"""One Bluesky post or direct message: its words, its links, its author, its key."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.bluesky.posts import (
    facets_of,
    graphemes,
    parts_of,
    plain_text,
    post_url,
    read_message,
    read_post,
    record_key,
)
from ledger.model import IncomingReply, Skipped

DID = "did:plc:ada"
URI = f"at://{DID}/app.bsky.feed.post/3kaaaaaaaaaaa"


def link(text: str, shown: str, uri: str) -> dict[str, Any]:
    """A facet over `shown`, counted in bytes as the lexicon wants it."""
    start = len(text[: text.index(shown)].encode())
    index = {"byteStart": start, "byteEnd": start + len(shown.encode())}
    return {"index": index, "features": [{"$type": "app.bsky.richtext.facet#link", "uri": uri}]}


def post(**changed: Any) -> dict[str, Any]:
    record = {"text": "A lamp", "createdAt": "2026-01-05T12:00:00Z", **changed.pop("record", {})}
    return {
        "uri": URI,
        "cid": "bafy1",
        "author": {"did": DID, "handle": "ada.test", "displayName": "Ada Sample"},
        "indexedAt": "2026-01-05T12:00:01.000Z",
        "record": record,
        **changed,
    }


def read(**changed: Any) -> IncomingReply:
    reply = read_post(post(**changed))
    assert isinstance(reply, IncomingReply), reply
    return reply


def test_a_post_is_read_with_its_author_and_addresses() -> None:
    reply = read(record={"reply": {"parent": {"uri": "at://p"}, "root": {"uri": "at://r"}}})
    assert reply.external_id == URI
    assert (reply.address, reply.author_name, reply.contact) == ("@ada.test", "Ada Sample", DID)
    assert reply.author_url == "https://bsky.app/profile/ada.test"
    assert reply.source_url == "https://bsky.app/profile/ada.test/post/3kaaaaaaaaaaa"
    assert reply.in_reply_to == ("at://p", "at://r")
    assert reply.written_at is not None
    assert reply.written_at.isoformat() == "2026-01-05T12:00:00+00:00"
    assert not reply.private
    assert not reply.automatic


def test_a_quote_names_what_it_quotes() -> None:
    assert read(record={"embed": {"record": {"uri": "at://q"}}}).in_reply_to == ("at://q",)
    with_picture = {"embed": {"record": {"record": {"uri": "at://q"}}, "media": {}}}
    assert read(record=with_picture).in_reply_to == ("at://q",)


def test_an_unproven_handle_is_not_shown() -> None:
    assert read(author={"did": DID, "handle": "handle.invalid"}).address == f"@{DID}"


def test_a_date_after_the_arrival_is_not_believed() -> None:
    reply = read(record={"createdAt": "2030-01-01T00:00:00Z"})
    assert reply.written_at is not None
    assert reply.written_at.year == 2026


def test_an_account_that_calls_itself_a_bot_counts_as_automatic() -> None:
    author = {"did": DID, "handle": "ada.test", "labels": [{"val": "bot", "src": DID}]}
    assert read(author=author).automatic
    author["labels"] = [{"val": "bot", "src": "did:plc:someone-else"}]
    assert not read(author=author).automatic


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"uri": ""}, "without its address"),
        ({"uri": "https://sample.example"}, "without its address"),
        ({"author": {}}, "or author"),
        ({"author": {"did": "did:plc:other"}}, "or author"),
        ({"author": "ada"}, "or author"),
        ({"record": {"text": None}}, "without its text"),
        ({"record": {"text": ["a"]}}, "without its text"),
        ({"record": {"text": " \n"}}, "no words"),
        ({"record": {"text": "x" * 20_001}}, "too long: 20,001"),
    ],
)
def test_what_cannot_be_read_says_why(changed: dict[str, Any], reason: str) -> None:
    skipped = read_post(post(**changed))
    assert isinstance(skipped, Skipped)
    assert skipped.external_id
    assert reason in skipped.reason
    assert skipped.reason.endswith(".")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from([*post(), "text", "did"]), inner)
        ),
    )
)
def test_any_json_is_read_or_skipped(item: Any) -> None:
    for result in (read_post(item), read_message(item, {"id": "c"})):
        assert isinstance(result, IncomingReply | Skipped)


@pytest.mark.parametrize(
    ("text", "shown", "uri", "read_as"),
    [
        ("See sample.example/lon… ok", "sample.example/lon…", "https://sample.example/longer", 1),
        ("See sample.example/lon... ok", "sample.example/lon...", "https://sample.example/lo", 0),
        ("Ünï 🕯️ a.example/x", "a.example/x", "https://a.example/x", 1),
        ("My essay says it", "essay", "https://sample.example/essay", 0),
    ],
)
def test_a_shortened_link_is_read_in_full_and_words_stay_words(
    text: str, shown: str, uri: str, read_as: int
) -> None:
    expected = text.replace(shown, uri) if read_as else text
    assert plain_text(text, [link(text, shown, uri)]) == expected


def test_mentions_and_tags_stay_as_written() -> None:
    text = "@owner.test Thought leadership is #honest"
    facet = {"index": {"byteStart": 0, "byteEnd": 11}, "features": [{"did": DID}]}
    assert plain_text(text, [facet]) == text


@given(st.text(), st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40)), max_size=5))
def test_facets_that_do_not_fit_change_nothing(text: str, places: list[tuple[int, int]]) -> None:
    facets = [
        {"index": {"byteStart": start, "byteEnd": end}, "features": [{"uri": "no address"}]}
        for start, end in places
    ]
    assert plain_text(text, facets) == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("facets", [None, 7, {}, [None], [{"index": 3}], [{"index": {}}]])
def test_malformed_facets_are_passed_over(facets: Any) -> None:
    assert plain_text("A lamp", facets) == "A lamp"


def test_links_and_mentions_get_facets_in_bytes() -> None:
    text = "Dänk @ada.test, see https://sample.example/a(b)! @nobody.test mail@ada.test"
    facets = facets_of(text, {"ada.test": DID}.get)  # type: ignore[arg-type]
    raw = text.encode()
    marked = {
        raw[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode(): facet["features"][0]
        for facet in facets
    }
    assert marked["@ada.test"]["did"] == DID
    assert marked["https://sample.example/a(b)"]["uri"] == "https://sample.example/a(b)"
    assert len(marked) == 2


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("lamp", 4),
        ("e\u0301", 1),
        ("👩‍👩‍👧‍👦", 1),
        ("🇪🇺🇫🇷", 2),
        ("👍🏽", 1),
        ("❤️", 1),
        ("🏴\U000e0067\U000e0062\U000e007f", 1),
        ("聞くこと", 4),
    ],
)
def test_characters_are_counted_as_people_see_them(text: str, count: int) -> None:
    assert graphemes(text) == count


def test_record_keys_are_tids_that_depend_on_the_message_only() -> None:
    keys = [record_key(f"message:{number}") for number in range(2000)]
    assert len(set(keys)) == len(keys)
    assert keys[7] == record_key("message:7")
    # https://atproto.com/specs/tid
    assert all(re.fullmatch(r"[234567abcdefghij][2-7a-z]{12}", key) for key in keys)


def test_only_posts_have_an_address_on_the_web() -> None:
    assert parts_of(f"at://{DID}/app.bsky.feed.like/3kaaaaaaaaaaa") is None
    assert parts_of(f"{URI}?x") is None
    assert post_url("ada.test", "chat:c/1") == ""
