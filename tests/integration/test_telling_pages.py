"""Pages whose words we publish are told of it by webmention, and told when it is taken back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from collector.read import read_new
from collector.safe_fetch import FetchedPage, post_form
from collector.telling import MOST_ATTEMPTS, tell_pages
from collector.webmention.page import read_here
from consent.decisions import withdraw
from consent.requests import Asked, ask
from ledger.definitions import take_definition
from ledger.model import ReplyState
from ledger.paused import pause, resume
from ledger.posts import find_post
from ledger.replies import desk_replies
from ledger.rotation import rotate_keys
from ledger.tables import told_pages
from ledger.told_pages import KEPT, ToldPage, failed_pages, settle_failed
from publisher.publish import publish
from tests.conftest import SteppingClock
from tests.mentioning import Blog, listening_blog, near, note, send
from tests.people import EVIDENCE, agree
from tests.people import asked as asked_by_import
from tests.servers.django_receiver import DjangoReceiver
from tests.servers.receiver import Receiver
from tests.servers.web_pages import HTML, Answer, WebPages

post_near = partial(post_form, allow_private=True)
WORDS = "going first"


@pytest.fixture
def blog(tmp_path: Path, clock: SteppingClock) -> Iterator[Blog]:
    with listening_blog(tmp_path, clock) as listening:
        # Its pages are made by hand; here they are built.
        shutil.rmtree(listening.ledger.settings.site_folder)
        publish(listening.ledger)
        yield listening


@pytest.fixture
def elsewhere() -> Iterator[WebPages]:
    with WebPages() as server:
        yield server


def published(blog: Blog, source: str) -> Asked:
    """The page at `source` answers our question; its words are granted and published."""
    send(blog.ledger, source, blog.question)
    assert blog.check() == 1
    read_new(blog.ledger)
    with blog.ledger.write() as connection:
        reply = desk_replies(connection, blog.campaign.id, ReplyState.NEW)[0]
        definition = take_definition(connection, blog.ledger.keys, blog.ledger.clock(), reply, "en")
    asked = ask(blog.ledger, definition.id, asked_by="robin@blog.example")
    assert asked.way is None
    agree(blog.ledger, asked, definition.text)
    assert publish(blog.ledger).posts == 1
    return asked


def address(blog: Blog, asked: Asked) -> str:
    with blog.ledger.read() as connection:
        post = find_post(connection, asked.request.definition_id)
    assert post is not None
    return blog.base + post.address


def take_back(blog: Blog, asked: Asked) -> None:
    withdraw(blog.ledger, asked.request.definition_id, EVIDENCE)
    publish(blog.ledger)


def tell(blog: Blog) -> int:
    return tell_pages(blog.ledger, near, post_near, read_here)


def rows(blog: Blog) -> list[tuple[str, str]]:
    with blog.ledger.read() as connection:
        found = connection.execute(told_pages.select()).all()
    return [(row.state, row.error) for row in found]


def failed(blog: Blog) -> list[ToldPage]:
    with blog.ledger.read() as connection:
        return failed_pages(connection, blog.ledger.keys)


#: Independent receivers, and what is left with us once they know of the end. One looks at the page
#: before it answers: that its link is gone is then an error of ours (W3C, 3.2.2).
RECEIVERS = [
    pytest.param(Receiver, [], id="webmentions"),
    pytest.param(
        DjangoReceiver,
        [("failed", "The endpoint answered with status 400.")],
        id="django-webmention",
    ),
]


@pytest.mark.parametrize(("receiving", "left"), RECEIVERS)
def test_independent_receivers_hear_of_a_post_and_of_its_end(
    blog: Blog,
    tmp_path: Path,
    receiving: type[Receiver | DjangoReceiver],
    left: list[tuple[str, str]],
) -> None:
    with receiving(tmp_path, note(blog.question)) as receiver:
        page = f"{receiver.base}/post"
        asked = published(blog, page)
        post = address(blog, asked)
        assert receiver.received() == []
        assert tell(blog) == 1
        assert receiver.received() == [(post, page)]
        assert rows(blog) == [("told", "")]
        assert tell(blog) == 0
        # Building again tells nobody: nothing has changed.
        publish(blog.ledger)
        assert tell(blog) == 0
        take_back(blog, asked)
        assert tell(blog) == 1
        assert receiver.received() == []
        assert near(post).status == 410
    assert rows(blog) == left


def test_the_address_of_a_post_lies_sealed(blog: Blog, elsewhere: WebPages) -> None:
    page = elsewhere.put("/1", note(blog.question))
    asked = published(blog, page)
    post = address(blog, asked)
    with blog.ledger.read() as connection:
        (row,) = connection.execute(told_pages.select()).all()
    assert WORDS.replace(" ", "-") in post
    assert WORDS.replace(" ", "-") not in str(row)
    assert rotate_keys(blog.ledger) > 0


def test_a_page_that_takes_no_mentions_is_left_in_peace(blog: Blog, elsewhere: WebPages) -> None:
    page = elsewhere.put("/1", note(blog.question))
    asked = published(blog, page)
    assert tell(blog) == 1
    assert rows(blog) == [("deaf", "")]
    assert failed(blog) == []
    take_back(blog, asked)
    seen = len(elsewhere.seen)
    assert tell(blog) == 0
    assert len(elsewhere.seen) == seen
    assert rows(blog) == []


def test_a_page_in_trouble_is_tried_again_later_and_not_for_ever(
    blog: Blog, elsewhere: WebPages, clock: SteppingClock
) -> None:
    page = elsewhere.put("/1", note(blog.question, head='<link rel="webmention" href="/wm">'))
    elsewhere.answers["/wm"] = Answer(503)
    published(blog, page)
    begin = clock()
    for _ in range(MOST_ATTEMPTS - 1):
        assert tell(blog) == 0
        ((state, error),) = rows(blog)
        assert (state, error) == ("waiting", "The endpoint answered with status 503.")
        assert tell(blog) == 0, "it waits"
        clock.pass_time(hours=6)
    assert tell(blog) == 1
    assert [seen.path for seen in elsewhere.seen].count("/wm") == MOST_ATTEMPTS
    (given_up,) = failed(blog)
    assert (given_up.page, given_up.gone) == (page, False)
    assert "503" in given_up.error
    clock.pass_time(days=2)
    assert tell(blog) == 0
    assert clock() > begin
    # The editor may have it told again.
    elsewhere.answers["/wm"] = Answer(202, pieces=(b"",))
    with blog.ledger.write() as connection:
        assert settle_failed(connection, given_up.id, clock(), again=True)
        assert not settle_failed(connection, given_up.id, clock(), again=True)
    assert tell(blog) == 1
    assert rows(blog) == [("told", "")]


def test_a_refusal_is_final_and_shown(
    blog: Blog, elsewhere: WebPages, clock: SteppingClock
) -> None:
    page = elsewhere.put("/1", note(blog.question, head='<link rel="webmention" href="/wm">'))
    elsewhere.answers["/wm"] = Answer(400, (("Content-Type", HTML),), (b"no",))
    asked = published(blog, page)
    assert tell(blog) == 1
    assert [one.error for one in failed(blog)] == ["The endpoint answered with status 400."]
    take_back(blog, asked)
    assert tell(blog) == 1
    (left,) = failed(blog)
    assert left.gone
    # That a withdrawn post once was there is not kept for ever.
    clock.pass_time(seconds=KEPT.total_seconds() + 1)
    clock.pass_time(days=91)  # nobody is asked again sooner after a withdrawal
    other = elsewhere.put("/2", note(blog.question, "Courage is staying."))
    published(blog, other)
    tell(blog)
    assert left.id not in [one.id for one in failed(blog)]


def test_p15_a_paused_instance_tells_nobody(blog: Blog, elsewhere: WebPages) -> None:
    page = elsewhere.put("/1", note(blog.question, head='<link rel="webmention" href="/wm">'))
    elsewhere.answers["/wm"] = Answer(202, pieces=(b"",))
    published(blog, page)
    with blog.ledger.write() as connection:
        pause(connection, "It was restored.")
    assert tell(blog) == 0
    assert rows(blog) == [("waiting", "")]
    with blog.ledger.write() as connection:
        resume(connection)
    assert tell(blog) == 1


def test_p06_a_withdrawal_while_its_page_is_being_told_is_told_as_well(
    blog: Blog, elsewhere: WebPages
) -> None:
    page = elsewhere.put("/1", note(blog.question, head='<link rel="webmention" href="/wm">'))
    elsewhere.answers["/wm"] = Answer(202, pieces=(b"",))
    asked = published(blog, page)

    def fetch(url: str) -> FetchedPage:
        take_back(blog, asked)
        return near(url)

    assert tell_pages(blog.ledger, fetch, post_near, read_here) == 0
    assert rows(blog) == [("waiting", "")]
    assert tell(blog) == 1
    assert rows(blog) == []


def test_replies_of_other_channels_tell_nobody(blog: Blog) -> None:
    question = asked_by_import(blog.ledger, blog.campaign, WORDS)
    agree(blog.ledger, question, WORDS)
    assert publish(blog.ledger).posts == 1
    assert rows(blog) == []
