"""Comments: what is no reply, how one that was read stands now, and how far a feed may lead us."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from collector.channels import open_connector
from collector.channels.comments import CommentsConnector
from collector.comments.feed import Item, read_feed
from collector.comments.posts import read_comment
from collector.connector import ChannelError, OutgoingMessage, SourceState
from collector.safe_fetch import FetchedPage
from ledger.model import Account, Channel, IncomingReply, Page, SkipKind, Skipped
from tests.contract.comments_case import connector
from tests.servers.comment_blog import FEED, POST, CommentBlog
from tests.servers.mastodon_http import Fault
from tests.servers.web_pages import WebPages

DC = "http://purl.org/dc/elements/1.1/"
FEED_URL = "https://blog.example/q/feed/"


@pytest.fixture
def blog() -> Iterator[CommentBlog]:
    with CommentBlog(lists=2) as made:
        yield made


def read(reading: CommentsConnector) -> list[str]:
    """What to ask again for each reply, oldest first."""
    page = reading.fetch("", 50)
    return [reading.with_version(one.external_id, one.raw) for one in page.replies]


def test_p38_what_the_feed_lists_no_more_is_looked_for_on_its_page(blog: CommentBlog) -> None:
    blog.write("A lamp")
    blog.write("A door")
    reading = connector(blog.feed)
    lamp, door = read(reading)
    blog.write("A key")
    blog.write("A wall")
    assert reading.look_again([lamp, door]) == {lamp: SourceState.THERE, door: SourceState.THERE}
    del blog.comments[1]
    assert reading.look_again([lamp, door])[lamp] is SourceState.GONE
    assert reading.look_again([door]) == {door: SourceState.THERE}


@pytest.mark.parametrize(
    ("status", "state"),
    [(410, SourceState.GONE), (404, SourceState.GONE), (403, SourceState.PROTECTED), (500, None)],
)
def test_p38_a_page_that_does_not_show_it(
    blog: CommentBlog, status: int, state: SourceState | None
) -> None:
    blog.write("A lamp")
    reading = connector(blog.feed)
    (lamp,) = read(reading)
    blog.write("A key")
    blog.write("A wall")
    blog.faults.append(Fault(path=f"{POST}$", status=status))
    assert reading.look_again([lamp]).get(lamp) is state


def test_p38_a_blog_that_is_gone_takes_its_comments_along(blog: CommentBlog) -> None:
    blog.write("A lamp")
    reading = connector(blog.feed)
    (lamp,) = read(reading)
    blog.faults.append(Fault(status=410, times=2))
    assert reading.look_again([lamp]) == {lamp: SourceState.GONE}
    blog.faults.append(Fault(status=503))
    with pytest.raises(ChannelError):
        reading.look_again([lamp])


def test_p38_without_an_anchor_the_feed_tells_as_far_as_it_reaches(blog: CommentBlog) -> None:
    for text in ("A lamp", "A door"):
        blog.write(text)
    reading = connector(blog.feed)
    asked = [one.rpartition("#")[0] for one in read(reading)]
    assert set(reading.look_again(asked).values()) == {SourceState.THERE}
    del blog.comments[2]
    assert reading.look_again(asked[1:]) == {asked[1]: SourceState.GONE}
    blog.write("A key")
    blog.write("A wall")
    assert reading.look_again(asked[:1]) == {}


def test_a_message_is_handed_over_only_if_everyone_may_read_it(blog: CommentBlog) -> None:
    blog.write("A lamp")
    account = Account(1, Channel.COMMENTS, "a", "c", {"address": blog.feed}, "")
    reading = open_connector(account)
    (reply,) = reading.fetch("", 5).replies
    assert "@" not in reply.address
    for private in (True, False):
        with pytest.raises(ChannelError) as caught:
            reading.send(OutgoingMessage("<m>", reply.address, "", "Hello", private=private))
        assert caught.value.permanent
        assert caught.value.hand_over == ("" if private else blog.link(1))


def test_two_of_one_name_are_two_people_and_so_are_two_at_one_address() -> None:
    items = "".join(f"<item>{_ITEM}<guid>{n}</guid></item>" for n in "12")
    replies = [read_comment(one, FEED_URL) for one in _items(items)]
    assert len({one.address for one in replies if isinstance(one, IncomingReply)}) == 2


_ITEM = "<link>https://blog.example/q/</link><author>Ada</author><description>A lamp</description>"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("", SkipKind.FILTERED),
        ("<p>\u200b</p><script>A lamp</script>", SkipKind.FILTERED),
        ("[&#8230;] they ask what it is [&#8230;]", SkipKind.FILTERED),
        ("x" * 20_001, SkipKind.TOO_LARGE),
    ],
)
def test_p17_what_is_no_answer_says_why(content: str, kind: SkipKind) -> None:
    (item,) = _items(f"<item><guid>1</guid><description><![CDATA[{content}]]></description></item>")
    found = read_comment(item, FEED_URL)
    assert isinstance(found, Skipped), found
    assert (found.kind, found.reason[-1]) == (kind, ".")


def test_p28_a_hostile_item_costs_only_itself() -> None:
    hostile = (
        "<item><guid>1</guid><link>javascript:alert(1)</link><pubDate>31 Feb 99999</pubDate>"
        "<description>&lt;img src=x onerror=alert(1)&gt;A &amp;lt;b&amp;gt; lamp</description>"
        "</item>"
        "<item/><item><guid>2</guid><title>&nbsp;</title><description>A door</description></item>"
    )
    found = [read_comment(one, FEED_URL) for one in _items(hostile)]
    replies = [one for one in found if isinstance(one, IncomingReply)]
    assert [one.text for one in replies] == ["A <b> lamp", "A door"]
    assert {one.source_url for one in replies} == {""}


def test_p30_a_feed_on_this_machine_leads_nowhere_else_on_it(blog: CommentBlog) -> None:
    with WebPages() as inside:
        inside.put("/feed")
        for lure in (f"{inside.base}/feed", f"http://localhost:{inside.port}/"):
            blog.faults.append(Fault(status=302, headers={"Location": lure}))
            with pytest.raises(ChannelError, match=r"not public|not one of the web"):
                connector(blog.feed).fetch("", 5)
            older = f'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="{lure}"/>'
            body = f"{older}<entry><id>1</id><content>A lamp</content></entry></feed>"
            blog.faults.append(Fault(path=FEED, status=200, body=body.encode()))
            assert _texts(connector(blog.feed).fetch("", 5)) == ["A lamp"]
            asked = f"2\n\n\n{lure}#comment-1"
            assert connector(blog.feed).look_again([asked]) == {}
        assert inside.accepted == 0


@pytest.mark.parametrize("address", ["http://10.0.0.8/feed/", "http://blog.internal/feed/", "x"])
def test_p30_an_address_in_our_network_is_refused(address: str) -> None:
    with pytest.raises(ChannelError) as caught:
        connector(address).check()
    assert caught.value.permanent


def test_p32_entities_are_not_made_larger_and_read_no_file() -> None:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(8))
    bomb = (
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY e0 "lol">{entities}'
        '<!ENTITY host SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><item>'
        "<guid>1</guid><description>a &host; &e8; lamp</description></item></channel></rss>"
    )
    began = time.process_time()
    (item,) = read_feed(FetchedPage(FEED_URL, 200, body=bomb.encode())).items
    found = read_comment(item, FEED_URL)
    assert isinstance(found, IncomingReply)
    assert len(found.text) < 100
    assert "root:" not in found.text
    assert time.process_time() - began < 2


@pytest.mark.parametrize("part", ["a.", "<![CDATA[", "<p>", "&a;", '<a href="', "1 "])
def test_p32_no_field_takes_longer_than_its_length(part: str) -> None:
    long = part * (500_000 // len(part))
    fields = ("dc:creator", "pubDate", "guid", "link", "description")
    item = "".join(f"<{name}><![CDATA[{long}]]></{name}>" for name in fields[:4])
    began = time.process_time()
    for one in _items(f"<item>{item}</item><item><description>{long}</description></item>"):
        read_comment(one, FEED_URL)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("body", [b"/etc/passwd", b"", b'{"version": "https://jsonfeed.org/"}'])
def test_what_is_no_feed_says_so(body: bytes) -> None:
    with pytest.raises(ChannelError, match="is no feed"):
        read_feed(FetchedPage(FEED_URL, 200, body=body))


def _items(items: str) -> list[Item]:
    body = f'<rss xmlns:dc="{DC}"><channel><title>Q</title>{items}</channel></rss>'
    return list(read_feed(FetchedPage(FEED_URL, 200, body=body.encode())).items)


def _texts(page: Page) -> list[str]:
    return [one.text for one in page.replies]
