"""Against independent implementations, over real HTTP on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ronkyuu import webmention as ronkyuu
from webmentiontools.send import WebmentionSend

from collector.safe_fetch import post_form
from collector.webmention.sending import send_mention
from ledger.mentions import MentionState
from tests.conftest import SteppingClock
from tests.mentioning import Blog, listening_blog, near, note, put_page
from tests.servers.django_receiver import DjangoReceiver
from tests.servers.receiver import Receiver
from tests.servers.web_pages import WebPages

post_near = partial(post_form, allow_private=True)


@pytest.fixture
def blog(tmp_path: Path, clock: SteppingClock) -> Iterator[Blog]:
    with listening_blog(tmp_path, clock) as listening:
        yield listening


@pytest.fixture
def elsewhere() -> Iterator[WebPages]:
    with WebPages() as server:
        yield server


def by_ronkyuu(source: str, target: str) -> int:
    sent = ronkyuu.sendWebmention(source, target, test_urls=False)
    return 0 if sent is None else int(sent.status_code)


def by_webmention_tools(source: str, target: str) -> int:
    sender = WebmentionSend(source, target)
    sent = sender.send()
    found: int = sender.response["http_status"] if sent else sender.error.get("http_status", 0)
    return found


SENDERS = [by_ronkyuu, by_webmention_tools]


@pytest.mark.parametrize("send", SENDERS)
def test_other_senders_find_us_and_are_heard(blog: Blog, elsewhere: WebPages, send: Any) -> None:
    for number, page in enumerate((blog.question, f"{blog.question}going-first-1a2b3c4d/")):
        source = elsewhere.put(f"/{number}", note(page, f"Courage is going {number}."))
        assert send(source, page) == 202
    assert blog.check() == 2
    assert sorted(reply.text for reply in blog.replies()) == [
        "Courage is going 0.",
        "Courage is going 1.",
    ]
    assert {reply.handle.name for reply in blog.replies()} == {"Ada Sample"}


@pytest.mark.parametrize("send", SENDERS)
def test_other_senders_tell_of_changes_and_deletions(
    blog: Blog, elsewhere: WebPages, send: Any
) -> None:
    source = elsewhere.put("/1", note(blog.question))
    for page, status, standing in (
        (note(blog.question), 200, ("", "")),
        (note(blog.question, "Changed."), 200, ("edited", "Changed.")),
        ("", 410, ("gone", "")),
    ):
        elsewhere.put("/1", page, status=status)
        assert send(source, blog.question) == 202
        assert blog.check() == 1
        assert blog.standing()[0][0] == standing[0]
        assert standing[1] in blog.standing()[0][1]
    assert len(blog.replies()) == 1


@pytest.mark.parametrize("send", SENDERS)
def test_other_senders_are_told_when_it_is_no_mention(
    blog: Blog, elsewhere: WebPages, send: Any
) -> None:
    assert send(elsewhere.put("/1", "x"), f"{blog.base}/about/") == 400
    assert send(elsewhere.put("/1", "<p>no link</p>"), blog.question) == 202
    blog.check()
    assert [mention.state for mention in blog.mentions()] == [MentionState.REFUSED]
    assert blog.replies() == []


@pytest.fixture(params=[Receiver, DjangoReceiver])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver | DjangoReceiver]:
    with request.param(tmp_path) as running:
        yield running


def test_other_receivers_understand_what_we_send(
    blog: Blog, receiver: Receiver | DjangoReceiver
) -> None:
    cited = f"{receiver.base}/post"
    put_page(blog.ledger.settings.site_folder, "courage", note(cited))
    for _ in range(2):
        outcome = send_mention(blog.question, cited, fetch=near, post=post_near)
        assert outcome.is_sent, outcome.reason
        assert outcome.endpoint == receiver.endpoint
        assert receiver.received() == [(blog.question, cited)]


def test_other_receivers_keep_nothing_of_a_page_that_does_not_cite_them(
    blog: Blog, receiver: Receiver | DjangoReceiver
) -> None:
    """One answers 200 to that, as to a page that took its link out, the other 400."""
    outcome = send_mention(blog.question, f"{receiver.base}/post", fetch=near, post=post_near)
    assert outcome.endpoint == receiver.endpoint
    assert not outcome.is_temporary
    assert outcome.is_sent is isinstance(receiver, Receiver)
    assert receiver.received() == []


def test_two_blogs_of_ours_understand_each_other(
    blog: Blog, tmp_path: Path, clock: SteppingClock
) -> None:
    with listening_blog(tmp_path / "other", clock) as other:
        path = "courage/an-echo-9f8e7d6c"
        put_page(other.ledger.settings.site_folder, path, note(blog.question, "An echo."))
        outcome = send_mention(f"{other.base}/{path}/", blog.question, fetch=near, post=post_near)
        assert outcome.is_sent, outcome.reason
        assert blog.check() == 1
        assert [reply.text for reply in blog.replies()] == ["An echo."]
        assert other.replies() == []
