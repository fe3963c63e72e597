"""Recorded shapes: what the platforms' own documents show of their items, read to the last letter.

Each file of tests/contract/recorded names the documents whose shapes it has; people and words in
them are invented. `reply` is what has to come out, each field that is not empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from collector.bluesky.posts import read_post
from collector.comments.feed import read_feed
from collector.comments.posts import read_comment
from collector.mail.message import read_message
from collector.mastodon.posts import Home, read_status
from collector.safe_fetch import FetchedPage
from collector.x.posts import read_posts
from ledger.model import IncomingReply, ProfileMarks, Skipped

RECORDED = Path(__file__).parent / "recorded"


def _of_x(answer: Any) -> IncomingReply | Skipped:
    (item,) = read_posts(answer, "1000", since=0).items
    return item.reply


def _of_mail(lines: list[str]) -> IncomingReply | Skipped:
    return read_message("\r\n".join(lines).encode(), "asker@blog.example")


def _of_feed(lines: list[str]) -> IncomingReply | Skipped:
    feed = "https://blog.example/what-is-courage/feed/"
    (item,) = read_feed(FetchedPage(feed, 200, body="\n".join(lines).encode())).items
    return read_comment(item, feed)


READ: dict[str, Callable[[Any], IncomingReply | Skipped]] = {
    "x": _of_x,
    "mastodon": lambda status: read_status(status, Home("1", lambda: "home.example")),
    "bluesky": read_post,
    "email": _of_mail,
    "comments": _of_feed,
}


def _shapes() -> list[Any]:
    return [
        pytest.param(path.stem, shape, id=f"{path.stem}: {shape['name']}")
        for path in sorted(RECORDED.glob("*.json"))
        for shape in json.loads(path.read_text(encoding="utf-8"))["shapes"]
    ]


@pytest.mark.parametrize(("platform", "shape"), _shapes())
def test_p16_a_recorded_shape_is_read_to_the_last_letter(
    platform: str, shape: dict[str, Any]
) -> None:
    reply = READ[platform](shape["item"])
    assert isinstance(reply, IncomingReply), reply
    assert said(reply) == shape["reply"]
    assert reply.raw


def said(reply: IncomingReply) -> dict[str, Any]:
    """All of a reply that is not empty, but for the raw item, as JSON has it."""
    fields = {name: value for name, value in reply._asdict().items() if value and name != "raw"}
    as_json = json.dumps(fields, default=_plain)
    found: dict[str, Any] = json.loads(as_json)
    return found


def _plain(held: datetime | ProfileMarks) -> object:
    return asdict(held) if isinstance(held, ProfileMarks) else held.isoformat()


def test_every_platform_has_recorded_shapes() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == set(READ)
