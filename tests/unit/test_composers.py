"""The platforms' own composers: opened with the very text, for the very person."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.composers import composer, too_many
from ledger.model import Account, Channel

TEXT = "Liz, 100% “true” & so on?\nA #line + more; 日本 👩‍🚀 / {it}"


def account(channel: Channel, base: str = "https://social.example/") -> Account:
    return Account(1, channel, "us", "c", {"base_url": base})


def opened(address: str) -> tuple[str, dict[str, str]]:
    """Where the composer is, and what it is given; RFC 3986: a plus is a plus in mailto."""
    parts = urlsplit(address)
    if parts.scheme == "mailto":
        fields = (one.partition("=") for one in parts.query.split("&"))
        return unquote(parts.path), {name: unquote(value) for name, _, value in fields}
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(
        parse_qsl(parts.query, strict_parsing=True)
    )


WAYS = [
    (
        Channel.X,
        "77",
        "@liz_example",
        "https://x.com/messages/compose",
        {"recipient_id": "77", "text": "{text}"},
    ),
    (
        Channel.X,
        "@liz_example",
        "@liz_example",
        "https://x.com/intent/post",
        {"text": "@liz_example {text}"},
    ),
    (
        Channel.BLUESKY,
        "did:plc:liz",
        "@liz.bsky.example",
        "https://bsky.app/intent/compose",
        {"text": "@liz.bsky.example {text}"},
    ),
    (
        Channel.MASTODON,
        "@liz@far.example",
        "@liz@far.example",
        "https://social.example/share",
        {"text": "@liz@far.example {text}"},
    ),
    (
        Channel.EMAIL,
        "liz+a@far.example",
        "liz+a@far.example",
        "liz+a@far.example",
        {"subject": "A word & more", "body": "{text}"},
    ),
]


@pytest.mark.parametrize(("channel", "recipient", "handle", "where", "given"), WAYS)
def test_the_composer_opens_with_the_text_for_its_person(
    channel: Channel, recipient: str, handle: str, where: str, given: dict[str, str]
) -> None:
    address = composer(account(channel), recipient, handle, TEXT, "A word & more")
    place, fields = opened(address)
    assert place == where
    assert fields == {name: value.replace("{text}", TEXT) for name, value in given.items()}
    assert address.isascii()
    assert not set(address) & set(' \n"<>')


@given(text=st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable()))
def test_whatever_the_text_it_arrives_whole_and_alone(text: str) -> None:
    for channel, recipient, handle, where, _ in WAYS:
        place, fields = opened(composer(account(channel), recipient, handle, text, "s"))
        assert place == where
        assert sum(text in value for value in fields.values()) >= 1
        assert set(fields) <= {"recipient_id", "text", "subject", "body"}


@pytest.mark.parametrize(
    ("channel", "recipient", "base"),
    [
        (Channel.MASTODON, "@liz@far.example", "javascript:alert(1)//"),
        (Channel.MASTODON, "@liz@far.example", ""),
        (Channel.FORM, "", ""),
        (Channel.PASTE, "@liz", ""),
    ],
)
def test_where_there_is_none_nothing_opens(channel: Channel, recipient: str, base: str) -> None:
    assert composer(account(channel, base), recipient, recipient, TEXT) == ""


@pytest.mark.parametrize(
    ("channel", "recipient", "fits"),
    [
        (Channel.X, "77", 10_000),
        (Channel.X, "@liz", 280 - 5),
        (Channel.BLUESKY, "did:plc:liz", 300 - 5),
        (Channel.MASTODON, "@liz", 500 - 5),
        (Channel.EMAIL, "liz@far.example", 100_000),
    ],
)
def test_what_does_not_fit_is_known_before(channel: Channel, recipient: str, fits: int) -> None:
    assert too_many(account(channel), recipient, "@liz", "x" * fits) == 0
    if channel is not Channel.EMAIL:
        assert too_many(account(channel), recipient, "@liz", "x" * (fits + 3)) == 3


def test_x_counts_what_is_wide_twice() -> None:
    assert too_many(account(Channel.X), "@liz", "@liz", "日" * 138) == 1
