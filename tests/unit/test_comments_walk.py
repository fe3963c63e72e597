"""Reading the comments of a blog: what a feed lists, what slips, what is late, and what is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from collector.channels.comments import CommentsConnector
from collector.comments.walk import GAP, MOST_REQUESTS
from collector.connector import ChannelError, Context
from ledger.model import Account, Channel, Page, SkipKind
from tests.servers.comment_blog import BEGAN, FEED, CommentBlog
from tests.servers.mastodon_http import Fault


@dataclass
class Reader:
    """Reads on from one cursor to the next, as the poll cycle does."""

    blog: CommentBlog
    now: datetime = BEGAN
    cursor: str = ""
    found: list[str] = field(default_factory=list)

    @property
    def connector(self) -> CommentsConnector:
        account = Account(1, Channel.COMMENTS, "a", "c", {"address": self.blog.feed}, "")
        return CommentsConnector(account, Context(clock=lambda: self.now))

    def page(self, limit: int = 500) -> Page:
        page = self.connector.fetch(self.cursor, limit)
        self.cursor = page.next_cursor
        self.found += [reply.text for reply in page.replies]
        return page

    def all(self, limit: int = 500) -> list[Page]:
        pages = [self.page(limit)]
        while pages[-1].more:
            assert len(pages) < 100
            pages.append(self.page(limit))
        return pages


@pytest.fixture
def paged() -> Iterator[Reader]:
    with CommentBlog(pages=True, lists=3) as blog:
        yield Reader(blog)


@pytest.fixture
def wordpress() -> Iterator[Reader]:
    with CommentBlog(lists=3) as blog:
        yield Reader(blog)


def write(reader: Reader, count: int) -> list[str]:
    return [reader.blog.comments[reader.blog.write(f"lamp {n}")].text for n in range(count)]


def test_what_is_unchanged_is_not_sent_again(wordpress: Reader) -> None:
    write(wordpress, 2)
    wordpress.all()
    page = wordpress.page()
    assert (page.replies, page.more) == ((), False)
    asked = wordpress.blog.seen[-1].headers
    assert asked["if-none-match"].startswith('"')
    assert asked["if-modified-since"].endswith("GMT")
    assert "Definedby" in asked["user-agent"]


def test_p16_more_than_one_reading_can_fetch_is_read_on(paged: Reader) -> None:
    write(paged, 4)  # with these known, not every page is read
    paged.all()
    paged.found.clear()
    texts = write(paged, 3 * MOST_REQUESTS + 10)
    first = paged.page()
    assert len(first.replies) == 3 * MOST_REQUESTS
    assert first.more
    late = [paged.blog.comments[paged.blog.write(f"meanwhile {n}")].text for n in range(7)]
    paged.all()
    paged.all()
    assert sorted(paged.found) == sorted([*texts, *late])


def test_p16_what_slips_over_an_edge_is_found_next_time(paged: Reader) -> None:
    texts = write(paged, 13)
    first = {number: paged.blog.comments.pop(number) for number in (10, 11, 12, 13)}
    paged.all()
    paged.blog.comments |= first
    seen = paged.blog.seen

    class Slipping(list[object]):
        """As soon as the first page was sent, a comment on it is taken away."""

        def append(self, one: object) -> None:
            super().append(one)
            if len(self) == 2:
                del paged.blog.comments[13]

    paged.blog.seen = Slipping()  # type: ignore[assignment]
    paged.all()
    paged.blog.seen = seen
    paged.blog.write("one more", at=BEGAN + timedelta(minutes=1))
    paged.all()
    assert "lamp 9" not in paged.found[:12]
    assert sorted(paged.found) == sorted([*texts, "one more"])


def test_p16_a_comment_that_is_allowed_late_is_found_within_hours(wordpress: Reader) -> None:
    """WordPress says that nothing changed: its validators tell of the newest comment alone."""
    write(wordpress, 2)
    wordpress.all()
    wordpress.blog.write("held for a day", at=BEGAN)
    assert wordpress.page().replies == ()
    wordpress.now += timedelta(hours=7)
    wordpress.all()
    assert wordpress.found[-1] == "held for a day"


def test_p16_and_deep_in_pages_that_are_known(paged: Reader) -> None:
    write(paged, 12)
    paged.all()
    paged.blog.write("held for a day", at=BEGAN)
    paged.now += timedelta(hours=7)
    paged.all()
    assert paged.found[-1] == "held for a day"


def test_p17_where_comments_may_be_missing_the_account_says_so(wordpress: Reader) -> None:
    write(wordpress, 3)
    wordpress.all()
    write(wordpress, 2)
    assert wordpress.all()[0].skipped == ()
    write(wordpress, 4)
    (skipped,) = wordpress.all()[0].skipped
    assert (skipped.reason, skipped.kind) == (GAP, SkipKind.TOO_LARGE)


def test_p16_a_failure_further_down_holds_nothing_back(paged: Reader) -> None:
    texts = write(paged, 8)
    paged.blog.faults.append(
        Fault(path="start-index=7", status=429, headers={"Retry-After": "60"}, times=2)
    )
    assert paged.page().more
    assert paged.found == texts[2:]
    with pytest.raises(ChannelError) as caught:
        paged.page()
    assert caught.value.retry_after == timedelta(seconds=60)
    paged.all()
    assert sorted(paged.found) == sorted(texts)


def test_p16_a_page_that_is_no_longer_there_is_no_end(paged: Reader) -> None:
    texts = write(paged, 8)
    paged.blog.faults.append(Fault(path="start-index=7", status=500))
    paged.page()
    paged.blog.faults.append(Fault(path="start-index", status=404, times=1))
    paged.all()
    assert sorted(paged.found) == sorted(texts)


def test_p16_a_page_that_is_broken_for_good_does_not_keep_new_comments_from_us(
    paged: Reader,
) -> None:
    write(paged, 8)
    paged.blog.faults.append(Fault(path="start-index=[78]", status=500, times=99))
    for text in ("new 1", "new 2"):
        with pytest.raises(ChannelError):
            paged.all()
        paged.blog.write(text)
        assert paged.page().more
        assert paged.found[-1] == text


def test_p16_half_a_feed_is_none(wordpress: Reader) -> None:
    texts = write(wordpress, 3)
    wordpress.blog.faults.append(Fault(cut="after"))
    with pytest.raises(ChannelError, match="ended too early") as caught:
        wordpress.page()
    assert not caught.value.permanent
    wordpress.all()
    assert wordpress.found == texts


def test_p38_an_edit_is_told_by_the_feed(paged: Reader) -> None:
    write(paged, 4)
    paged.all()
    paged.blog.comments[3].text = "lamp 2, left on"
    (page,) = paged.all()
    assert [(one.external_id[-1], one.text) for one in page.edited] == [("3", "lamp 2, left on")]
    assert page.replies == ()
    (page,) = paged.all()
    assert page.edited == ()


def test_a_feed_that_leads_in_a_circle_ends(paged: Reader) -> None:
    write(paged, 4)
    original = paged.blog.answer
    paged.blog.answer = lambda path, query: original(path, {})  # type: ignore[method-assign]
    paged.all()
    assert paged.found == ["lamp 1", "lamp 2", "lamp 3"]
    assert len(paged.blog.seen) == 2


def test_a_cursor_of_another_feed_or_of_nobody_means_nothing(paged: Reader) -> None:
    texts = write(paged, 2)
    paged.all()
    for cursor in (paged.cursor.replace(FEED, "/else/"), "17", '{"of": 1}', "[]"):
        paged.cursor, paged.found = cursor, []
        paged.all()
        assert paged.found == texts
