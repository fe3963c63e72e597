"""Finding a page's endpoint and telling it: the cases of the W3C Recommendation, 3.1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from collector.safe_fetch import UnreachableError, post_form
from collector.web_address import FetchError
from collector.webmention.page import read_here
from collector.webmention.sending import SendOutcome, discover, send_mention
from tests.mentioning import near
from tests.servers.web_pages import HTML, Answer, WebPages

SOURCE = "https://blog.example/courage/going-first-1a2b3c4d/"
post_near = partial(post_form, allow_private=True)


@pytest.fixture
def pages() -> Iterator[WebPages]:
    with WebPages() as server:
        yield server


COMMAS = '</a,b>; rel=x; title="c, </no>; rel=webmention", </end>; rel=webmention'
QUOTES = '</a>; title="\\", </no>; rel=webmention"; rel=x, </end>; rel="webmention"'
FORM = '<form rel="webmention" href="/no"></form><area rel=webmention href=/no>'
#: Name, Link headers, page, endpoint; {base} is the server, "" is the page itself.
CASES: list[tuple[str, list[str], str, str | None]] = [
    ("header", ["</end>; rel=webmention"], "", "/end"),
    ("header, whole address", ["<{base}/end>; rel=webmention"], "", "/end"),
    ("header, relative to the page", ["<end>; rel=webmention"], "", "/deep/end"),
    ("header, quoted", ['</end>; rel="webmention"'], "", "/end"),
    ("header, among others", ['</end>; rel="other webmention more"'], "", "/end"),
    ("header, upper case", ["</end>; REL=WebMention"], "", "/end"),
    ("header, no spaces", ["</end>;rel=webmention"], "", "/end"),
    ("header, spaces", ["  <  /end  > ;  rel = webmention  "], "", "/end"),
    ("header, second in one line", ["</a>; rel=a, </end>; rel=webmention"], "", "/end"),
    ("header, second line", ["</a>; rel=a", "</end>; rel=webmention"], "", "/end"),
    ("header, commas inside", [COMMAS], "", "/end"),
    ("header, escaped quote", [QUOTES], "", "/end"),
    ("header, empty", ["<>; rel=webmention"], "", ""),
    ("header, first of two", ["</end>; rel=webmention, </b>; rel=webmention"], "", "/end"),
    ("header, rel given twice", ["</no>; rel=x; rel=webmention"], "", None),
    ("header, about another page", ['</no>; rel=webmention; anchor="/x"'], "", None),
    ("header, not quite", ["</no>; rel=webmentions, </no>; rel=not-webmention"], "", None),
    ("header, broken", ["/no; rel=webmention", "</no; rel=webmention", ";,;,<>,"], "", None),
    ("header before page", ["</end>; rel=webmention"], '<link rel=webmention href="/b">', "/end"),
    ("link", [], '<link rel="webmention" href="/end">', "/end"),
    ("link, relative", [], '<link rel="webmention" href="end">', "/deep/end"),
    ("link, whole address", [], '<link rel="webmention" href="{base}/end">', "/end"),
    ("link, several rels", [], '<link rel="a webmention b" href="/end">', "/end"),
    ("link, upper case", [], '<LINK REL="WEBMENTION" HREF="/end">', "/end"),
    ("link in the body", [], '<body><p><link rel="webmention" href="/end">', "/end"),
    ("a", [], '<a rel="webmention" href="/end">mention me</a>', "/end"),
    ("a, several rels", [], '<a class="x" href="/end" rel="nofollow webmention">x</a>', "/end"),
    ("a before link", [], '<a rel=webmention href="/end"></a><link rel=webmention href="/b">',
     "/end"),
    ("link before a", [], '<link rel=webmention href="/end"><a rel=webmention href="/b"></a>',
     "/end"),
    ("empty is the page", [], '<link rel="webmention" href="">', ""),
    ("no href, then one", [], '<link rel=webmention><a rel=webmention href="/end"></a>', "/end"),
    ("no href", [], '<link rel="webmention"><a rel="webmention">x</a>', None),
    ("query stays", [], '<link rel="webmention" href="/end?a=1&amp;b=2">', "/end?a=1&b=2"),
    ("spaces around", [], '<link rel="webmention" href=" /end\n">', "/end"),
    ("base", [], '<base href="/other/"><link rel="webmention" href="end">', "/other/end"),
    ("in a comment", [], '<!-- <link rel="webmention" href="/no"> -->', None),
    ("comment, then one", [], '<!--<a rel=webmention href=/no>--><a rel=webmention href=/end>x</a>',
     "/end"),
    ("escaped", [], '<code>&lt;link rel="webmention" href="/no"&gt;</code>', None),
    ("in a script", [], "<script>'<link rel=webmention href=/no>'</script>", None),
    ("in a template", [], '<template><link rel="webmention" href="/no"></template>', None),
    ("other elements", [], FORM, None),
    ("not quite", [], '<link rel="webmention.org" href="/no"><a rel="xwebmention" href="/no">x</a>',
     None),
    ("nothing", [], "<p>webmention</p>", None),
    ("no page at all", [], "", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("links", "page", "endpoint"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_the_endpoint_is_the_first_one_stated(
    pages: WebPages, links: list[str], page: str, endpoint: str | None
) -> None:
    headers = [("Link", link.replace("{base}", pages.base)) for link in links]
    body = page.replace("{base}", pages.base).encode()
    url = pages.put_answer("/deep/page", Answer(200, (("Content-Type", HTML), *headers), (body,)))
    expected = None if endpoint is None else pages.base + (endpoint or "/deep/page")
    assert discover(url, near, read_here) == expected


def test_addresses_are_relative_to_where_the_page_was_found(pages: WebPages) -> None:
    pages.put("/new/page", '<link rel="webmention" href="end">')
    old = pages.redirect("/old", "/new/page")
    assert discover(old, near, read_here) == f"{pages.base}/new/end"


def test_only_pages_are_searched(pages: WebPages) -> None:
    link = '<link rel="webmention" href="/no">'
    assert discover(pages.put("/a.txt", link, content_type="text/plain"), near, read_here) is None
    with_header = pages.put(
        "/a.pdf", "x", content_type="application/pdf", link="</e>; rel=webmention"
    )
    assert discover(with_header, near, read_here) == f"{pages.base}/e"
    assert discover(pages.put("/404", link, status=404), near, read_here) is None
    with pytest.raises(UnreachableError):
        discover(pages.put("/500", link, status=500), near)


def target(pages: WebPages, endpoint: str = "/end") -> str:
    return pages.put("/page", f'<link rel="webmention" href="{endpoint}">')


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_good_status_means_it_was_sent(pages: WebPages, status: int) -> None:
    pages.put("/end?key=1", status=status, location="/mentions/7")
    outcome = send_mention(
        SOURCE, target(pages, "/end?key=1"), fetch=near, post=post_near, read=read_here
    )
    assert outcome == SendOutcome(
        f"{pages.base}/end?key=1",
        is_sent=True,
        reason=f"The endpoint answered with status {status}.",
        status_url=f"{pages.base}/mentions/7" if status == 201 else "",
    )
    sent = pages.seen[-1]
    assert (sent.method, sent.path) == ("POST", "/end?key=1")
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert sent.body.decode() == (
        "source=https%3A%2F%2Fblog.example%2Fcourage%2Fgoing-first-1a2b3c4d%2F"
        f"&target=http%3A%2F%2F127.0.0.1%3A{pages.port}%2Fpage"
    )


@pytest.mark.parametrize(("status", "temporary"), [(400, False), (404, False), (429, True),
                                                   (500, True), (503, True)])  # fmt: skip
def test_a_refusal_says_whether_it_may_work_later(
    pages: WebPages, status: int, temporary: bool
) -> None:
    pages.put("/end", status=status)
    outcome = send_mention(SOURCE, target(pages), fetch=near, post=post_near, read=read_here)
    assert (outcome.is_sent, outcome.is_temporary) == (False, temporary)
    assert str(status) in outcome.reason


@pytest.mark.parametrize(("status", "arrives"), [(307, True), (308, True), (301, False),
                                                 (302, False), (303, False)])  # fmt: skip
def test_only_redirects_that_keep_the_form_are_followed(
    pages: WebPages, status: int, arrives: bool
) -> None:
    pages.redirect("/end", "/moved", status)
    pages.put("/moved", status=202)
    outcome = send_mention(SOURCE, target(pages), fetch=near, post=post_near, read=read_here)
    assert outcome.is_sent is arrives
    moved = [seen for seen in pages.seen if seen.path == "/moved"]
    assert [(seen.method, b"source=" in seen.body) for seen in moved] == [("POST", True)] * arrives


def test_a_page_without_endpoint_and_one_that_is_away(pages: WebPages) -> None:
    silent = send_mention(SOURCE, pages.put("/", "x"), fetch=near, post=post_near, read=read_here)
    assert (silent.endpoint, silent.is_sent, silent.is_temporary) == ("", False, False)
    away = send_mention(SOURCE, "http://127.0.0.1:1/", fetch=near, post=post_near, read=read_here)
    assert (away.is_sent, away.is_temporary) == (False, True)


def test_p30_no_endpoint_leads_inside(pages: WebPages) -> None:
    """The page may be public, and its endpoint a place in our own network."""
    for endpoint in (f"{pages.base}/end", "http://[::1]/end", "file:///etc/hostname", "mailto:x"):
        outcome = send_mention(SOURCE, target(pages, endpoint), fetch=near, read=read_here)
        assert (outcome.is_sent, outcome.is_temporary) == (False, False)
    assert {seen.method for seen in pages.seen} == {"GET"}
    with pytest.raises(FetchError):
        discover(pages.base)
    assert len(pages.seen) == 4


def test_a_page_is_searched_in_a_process_of_its_own(pages: WebPages) -> None:
    """As in use; the tests above save the time that starting one takes."""
    pages.put("/end", status=202)
    assert send_mention(SOURCE, target(pages), fetch=near, post=post_near).is_sent
