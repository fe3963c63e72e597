"""P30: a stranger's address never leads into our own network, and never takes long."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from collector.safe_fetch import MOST_BYTES, Fetcher, UnreachableError, fetch
from collector.web_address import FetchError
from tests.servers.web_pages import Answer, Names, WebPages, gzip_bomb
from tests.unit.private_addresses import NAMED, SPELLED

_watching = threading.local()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Notes every connection of this thread while a test watches; only loopback may go out."""
    if event != "socket.connect" or getattr(_watching, "to", None) is None:
        return
    address = arguments[1][:2]
    _watching.to.append(address)
    if not str(address[0]).startswith("127."):
        raise ConnectionRefusedError("no test leaves this machine")


sys.addaudithook(_audit)


@contextlib.contextmanager
def watched() -> Iterator[list[tuple[str, int]]]:
    """Where this thread connects to meanwhile."""
    _watching.to = []
    try:
        yield _watching.to
    finally:
        _watching.to = None


@pytest.fixture
def pages() -> Iterator[WebPages]:
    with WebPages() as server:
        yield server


@pytest.fixture(scope="module")
def inside() -> Iterator[WebPages]:
    """A server that nobody is to reach: its counter is never reset."""
    with WebPages() as server:
        server.put("/")
        yield server


@contextlib.contextmanager
def outside_and_inside() -> Iterator[tuple[WebPages, WebPages]]:
    """Two servers at one port of two addresses; other programs may hold one of a pair."""
    for attempt in range(20):
        with WebPages("127.0.0.9") as outside:
            try:
                second = WebPages(port=outside.port)
            except OSError:
                assert attempt < 19
                continue
            with second:
                yield outside, second
                return


def guarded(port: int, names: Names | None = None) -> Fetcher:
    """As in use, but that our server's port counts as one of the web."""
    return Fetcher(ports=frozenset({80, 443, port}), resolve=names or Names())


def at_port(url: str, port: int) -> str:
    return url.replace("{port}", str(port))


def test_p30_there_are_at_least_200_ways() -> None:
    assert len(SPELLED) + len(NAMED) >= 200
    assert len(set(SPELLED)) == len(SPELLED)


@pytest.mark.parametrize("url", SPELLED)
def test_p30_no_spelling_of_a_private_address_is_connected_to(inside: WebPages, url: str) -> None:
    with watched() as connections, pytest.raises(FetchError):
        # The real resolver: the C library, too, knows octal and short forms.
        Fetcher(ports=frozenset({80, 443, inside.port})).fetch(at_port(url, inside.port))
    assert connections == []
    assert inside.accepted == 0


@pytest.mark.parametrize("address", NAMED)
def test_p30_a_name_for_a_private_address_is_not_connected_to(
    inside: WebPages, address: str
) -> None:
    names = Names({"inside.sample.example": [[address]], "mixed.example": [["8.8.8.8", address]]})
    for host in ("inside.sample.example", "mixed.example"):
        with watched() as connections, pytest.raises(FetchError):
            guarded(inside.port, names).fetch(f"http://{host}:{inside.port}/")
        assert connections == []
    assert inside.accepted == 0


def test_p30_the_server_of_these_tests_can_be_reached(pages: WebPages) -> None:
    """Or the tests above would show nothing."""
    pages.put("/", "<p>here</p>")
    names = Names({"inside.sample.example": [["127.0.0.1"]]})
    for host in ("127.0.0.1", "inside.sample.example"):
        with watched() as connections:
            page = fetch(f"http://{host}:{pages.port}/", resolve=names, allow_private=True)
        assert page.body == b"<p>here</p>"
        assert connections == [("127.0.0.1", pages.port)]
    assert pages.accepted == 2


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_p30_public_addresses_pass(address: str) -> None:
    names = Names({"ada.example": [[address]]})
    with watched() as connections, pytest.raises(UnreachableError):
        fetch("https://ada.example/", resolve=names)
    assert [host for host, _ in connections] == [address]


def test_p30_a_rebinding_name_is_resolved_once_and_that_address_used(pages: WebPages) -> None:
    names = Names({"evil.example": [["93.184.216.34"], ["127.0.0.1"]]})
    with watched() as connections, pytest.raises(UnreachableError):
        guarded(pages.port, names).fetch(f"http://evil.example:{pages.port}/")
    assert connections == [("93.184.216.34", pages.port)]
    assert names.looked_up["evil.example"] == 1
    assert pages.accepted == 0


PRIVATE_PLACES = [
    "http://127.0.0.1:{port}/secret",
    "http://[::1]:{port}/secret",
    "//127.0.0.2:{port}/secret",
    "http://0x7f.1:{port}/secret",
    "http://2130706433:{port}/secret",
    "http://inside.example:{port}/secret",
    "http://user@127.0.0.1:{port}/secret",
    "file:///etc/hostname",
    "gopher://127.0.0.1:{port}/_x",
    "javascript:alert(1)",
    "http://[fe80::1%25lo]/",
    "http:\\\\127.0.0.1:{port}\\secret",
]


@pytest.mark.parametrize("place", PRIVATE_PLACES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_p30_no_redirect_leads_inside(
    monkeypatch: pytest.MonkeyPatch, place: str, status: int
) -> None:
    """The first hop is allowed by making exactly its address public."""
    import collector.safe_fetch as module

    real = module.is_public
    with outside_and_inside() as (outside, inside):
        monkeypatch.setattr(module, "is_public", lambda ip: str(ip) == "127.0.0.9" or real(ip))
        names = Names({"a.example": [["127.0.0.9"]], "inside.example": [["127.0.0.1"]]})
        outside.redirect("/", at_port(place, inside.port), status)
        outside.redirect("/long", "/", status)
        for path, requests in (("/", 1), ("/long", 2)):
            before = outside.accepted
            with pytest.raises(FetchError):
                guarded(outside.port, names).fetch(f"http://a.example:{outside.port}{path}")
            assert outside.accepted - before == requests
        assert inside.accepted == 0


def test_p30_a_name_that_turns_private_at_a_redirect_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import collector.safe_fetch as module

    real = module.is_public
    monkeypatch.setattr(module, "is_public", lambda ip: str(ip) == "127.0.0.9" or real(ip))
    names = Names({"evil.example": [["127.0.0.9"], ["127.0.0.1"]]})
    with outside_and_inside() as (outside, inside):
        outside.redirect("/", "/again")
        with pytest.raises(FetchError, match="not public"):
            guarded(outside.port, names).fetch(f"http://evil.example:{outside.port}/")
        assert (outside.accepted, inside.accepted) == (1, 0)
    assert names.looked_up["evil.example"] == 2


def test_at_most_three_redirects_are_followed(pages: WebPages) -> None:
    for number in range(5):
        pages.redirect(f"/{number}", f"/{number + 1}")
    pages.put("/5", "here")
    assert fetch(pages.base + "/2", allow_private=True).body == b"here"
    pages.seen.clear()
    with pytest.raises(FetchError, match="more than 3"):
        fetch(pages.base + "/1", allow_private=True)
    assert len(pages.seen) == 4


def test_other_ports_are_refused_before_any_name_is_looked_up(pages: WebPages) -> None:
    names = Names({"ada.example": [["93.184.216.34"]]})
    for port in (22, 25, 8080, pages.port):
        with watched() as connections, pytest.raises(FetchError, match="port"):
            fetch(f"http://ada.example:{port}/", resolve=names)
        assert connections == []
    assert not names.looked_up


def test_what_is_sent_says_who_we_are_and_nothing_else(pages: WebPages) -> None:
    pages.put("/", "x", set_cookie="a=b; Path=/")
    pages.redirect("/first", "/")
    page = fetch(pages.base + "/first?q=%C3%BC#there", allow_private=True)
    assert page.status == 404
    fetch(pages.base + "/first", allow_private=True)
    for seen in pages.seen:
        assert set(seen.headers) == {
            *("Host", "User-Agent", "Accept", "Accept-Encoding", "Connection")
        }
        assert seen.headers["Host"] == f"127.0.0.1:{pages.port}"
        assert "Webmention" in seen.headers["User-Agent"]
        assert "text/html" in seen.headers["Accept"]
    assert pages.seen[0].path == "/first?q=%C3%BC"


def test_a_proxy_in_the_environment_is_not_used(
    pages: WebPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.put("/", "x")
    with WebPages() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.base)
        assert fetch(pages.base + "/", allow_private=True).body == b"x"
        assert proxy.accepted == 0


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_p30_a_bomb_is_refused_without_being_unpacked(pages: WebPages, layers: int) -> None:
    url = pages.put_answer("/bomb", gzip_bomb(80 * MOST_BYTES, layers))
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match="larger than 1024 KiB"):
            fetch(url, allow_private=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MOST_BYTES


def test_the_limit_is_exact(pages: WebPages) -> None:
    fits = pages.put("/fits", "x" * MOST_BYTES)
    over = pages.put("/over", "x" * (MOST_BYTES + 1))
    assert len(fetch(fits, allow_private=True).body) == MOST_BYTES
    with pytest.raises(FetchError, match="larger"):
        fetch(over, allow_private=True)


def test_packed_pages_are_unpacked(pages: WebPages) -> None:
    url = pages.put_answer("/", gzip_bomb(1000))
    assert fetch(url, allow_private=True).body == b"\0" * 1000


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
SLOW = {
    "silence": Answer(raw=True, pieces=(b"", b""), pause=30),
    "head": Answer(raw=True, pieces=tuple(bytes([byte]) for byte in _HEAD * 9), pause=0.1),
    "body": Answer(raw=True, pieces=(_HEAD + b"\r\n", *[b"x"] * 300), pause=0.1),
    "continue": Answer(raw=True, pieces=(b"HTTP/1.1 100 Continue\r\n\r\n",) * 300, pause=0.1),
    "chunks": Answer(
        raw=True,
        pieces=(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 300),
        pause=0.1,
    ),
}


@pytest.mark.parametrize("kind", SLOW)
def test_p30_five_seconds_are_all_there_is(
    pages: WebPages, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a second in place of five, so that the tests are quick."""
    monkeypatch.setattr("collector.safe_fetch.MOST_SECONDS", 1.0)
    url = pages.put_answer("/", SLOW[kind])
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="not within 1 seconds"):
        fetch(url, allow_private=True)
    assert time.monotonic() - began < 2.5


def test_p30_redirects_share_the_five_seconds(
    pages: WebPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.safe_fetch.MOST_SECONDS", 1.0)
    head = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    slow = tuple(head[at : at + 8] for at in range(0, len(head), 8))
    url = pages.put_answer("/", Answer(raw=True, pieces=slow, pause=0.06))
    began = time.monotonic()
    with pytest.raises(UnreachableError):
        fetch(url, allow_private=True)
    assert time.monotonic() - began < 2.5


def test_p30_a_slow_resolver_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.safe_fetch.MOST_SECONDS", 0.5)
    released = threading.Event()

    def slow(*_given: object, **_named: object) -> list[Any]:
        released.wait(20)
        return []

    began = time.monotonic()
    with pytest.raises(UnreachableError, match="not within"):
        fetch("https://ada.example/", resolve=slow)
    assert time.monotonic() - began < 2
    released.set()


def test_p30_a_server_that_never_shakes_hands_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.safe_fetch.MOST_SECONDS", 0.5)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as mute:
        port = mute.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(UnreachableError):
            fetch(f"https://127.0.0.1:{port}/", allow_private=True)
        assert time.monotonic() - began < 2


def test_what_may_work_later_is_temporary(pages: WebPages) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    pages.put_answer("/short", Answer(raw=True, pieces=(_HEAD + b"Content-Length: 9\r\n\r\nhalf",)))
    pages.put_answer("/nonsense", Answer(raw=True, pieces=(b"\x00\x01\x02\r\n\r\n",)))
    for url in (f"http://127.0.0.1:{port}/", *(pages.base + path for path in pages.answers)):
        with pytest.raises(UnreachableError):
            fetch(url, allow_private=True)
    with pytest.raises(UnreachableError):
        fetch("https://nobody.sample.example/", resolve=Names())


def test_an_error_status_is_an_answer(pages: WebPages) -> None:
    for status in (201, 204, 400, 404, 410, 429, 500, 503):
        page = fetch(pages.put(f"/{status}", status=status), allow_private=True)
        assert page.status == status
        assert page.body == b""


def test_charset_and_headers_are_those_of_the_answer(pages: WebPages) -> None:
    pages.put_answer(
        "/",
        Answer(
            headers=(
                ("Content-Type", "text/html; Charset=ISO-8859-1"),
                ("Link", "</a>; rel=a"),
                ("LINK", "</b>; rel=b"),
            ),
            pieces=("ü".encode("latin-1"),),
        ),
    )
    pages.redirect("/old", "/")
    page = fetch(pages.base + "/old", allow_private=True)
    assert (page.url, page.charset, page.body) == (pages.base + "/", "iso-8859-1", b"\xfc")
    assert page.headers["link"] == "</a>; rel=a, </b>; rel=b"
