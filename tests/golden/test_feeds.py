"""The feeds of the golden site, as a feed reader of others understands them."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from urllib.parse import unquote

import feedparser
import pytest

SITE = Path(__file__).parent / "site"
FEEDS = sorted(SITE.rglob("feed.xml"))


def test_there_is_one_for_the_blog_and_one_for_each_campaign() -> None:
    assert [str(feed.relative_to(SITE)) for feed in FEEDS] == [
        "feed.xml",
        "thought-leadership/feed.xml",
    ]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.parent.name)
def test_a_reader_finds_nothing_wrong_and_everything_there(feed: Path) -> None:
    read = feedparser.parse(feed.read_bytes())
    assert not read.bozo, read.get("bozo_exception")
    assert read.version == "atom10"
    assert len({entry.id for entry in read.entries}) == len(read.entries) == 5
    newest = [entry.updated_parsed for entry in read.entries]
    assert newest == sorted(newest, reverse=True)
    for entry in read.entries:
        page = SITE / unquote(entry.link).split("/", 3)[3] / "index.html"
        assert page.is_file(), entry.link
        assert entry.author
        assert entry.content[0].type == "text/html"
    anonymous, tired, ada = read.entries[2:]
    assert "聞くこと" in anonymous.content[0].value
    assert "asking <b>better</b>" in unescape(tired.content[0].value)
    assert ada.author_detail.href == "https://ada.example/"
