"""P30 over TLS: the checked number is connected to, and yet the name's certificate is asked for."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.safe_fetch import Fetcher, UnreachableError
from tests.servers.certificates import Authority
from tests.servers.web_pages import Answer, Names, WebPages

NAMES = Names({"ada.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]})


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def asked_for() -> list[str | None]:
    """The names that clients said they want (SNI)."""
    return []


@pytest.fixture
def pages(authority: Authority, asked_for: list[str | None]) -> Iterator[WebPages]:
    tls = authority.serving("ada.example")
    tls.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with WebPages(tls=tls) as server:
        server.put("/", "<p>here</p>")
        yield server


def fetcher(tls: ssl.SSLContext | None) -> Fetcher:
    return Fetcher(resolve=NAMES, allow_private=True, tls=tls)


def test_name_and_certificate_are_those_of_the_address(
    pages: WebPages, authority: Authority, asked_for: list[str | None]
) -> None:
    url = f"https://ada.example:{pages.port}/"
    page = fetcher(authority.trusting()).fetch(url)
    assert (page.url, page.body) == (url, b"<p>here</p>")
    assert asked_for == ["ada.example"]
    assert pages.seen[0].headers["Host"] == f"ada.example:{pages.port}"


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_a_certificate_for_another_name_is_not_taken(
    pages: WebPages, authority: Authority, host: str
) -> None:
    with pytest.raises(UnreachableError, match=r"(?i)mismatch|not valid for"):
        fetcher(authority.trusting()).fetch(f"https://{host}:{pages.port}/")
    assert pages.seen == []


def test_by_default_only_public_authorities_are_believed(pages: WebPages) -> None:
    with pytest.raises(UnreachableError, match="certificate verify failed"):
        fetcher(None).fetch(f"https://ada.example:{pages.port}/")
    assert pages.seen == []


def test_p30_a_trickle_over_tls_ends_in_time(
    pages: WebPages, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.safe_fetch.MOST_SECONDS", 1.0)
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    pages.put_answer("/", Answer(raw=True, pieces=(head, *[b"x"] * 100), pause=0.1))
    with pytest.raises(UnreachableError, match="not within"):
        fetcher(authority.trusting()).fetch(f"https://ada.example:{pages.port}/")
