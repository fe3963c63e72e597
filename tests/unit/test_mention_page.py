"""What a page says about us: links, words and author, from well and badly made pages alike."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from collector.safe_fetch import MOST_BYTES, FetchedPage
from collector.web_address import FetchError
from collector.webmention.page import MOST_WORDS_CHARACTERS, MentionPage, read_apart, read_page

SOURCE = "https://ada.example/notes/1"
TARGET = "https://blog.example/courage/"
LINK = f'<a class="u-in-reply-to" href="{TARGET}">re</a>'

CARD = """<div class="p-author h-card"><b class="p-name">Ada</b>
<a class="u-url" href="https://ada.example/me"></a></div>"""


def read(html: str, target: str = TARGET, url: str = SOURCE) -> MentionPage:
    return read_page(html.encode(), url=url, targets=[target])


def entry(inner: str) -> MentionPage:
    return read(f'<article class="h-entry">{LINK}{inner}</article>')


@pytest.mark.parametrize(
    "html",
    [
        f'<a href="{TARGET}">x</a>',
        f"<A HREF='{TARGET}'>x</A>",
        f"<a href={TARGET}>x</a>",
        f'<a href=" {TARGET}\n">x</a>',
        f'<a href="{TARGET}#definition">x</a>',
        '<a href="https://BLOG.example:443/courage/">x</a>',
        '<a href="//blog.example/courage/">x</a>',
        '<a href="https&#58;//blog.example/courage/">x</a>',
        '<base href="https://blog.example/"><a href="courage/">x</a>',
        f'<map><area href="{TARGET}"></map>',
        f'<img src="{TARGET}">',
        f'<video src="{TARGET}"></video>',
        f'<audio><source src="{TARGET}"></audio>',
        f'<blockquote cite="{TARGET}">x</blockquote>',
        f'<p><b><a href="{TARGET}">unclosed',
        f'<noscript><a href="{TARGET}">x</a></noscript>',
    ],
)
def test_a_link_counts(html: str) -> None:
    assert read(html).links


@pytest.mark.parametrize(
    "html",
    [
        "",
        TARGET,
        f"<p>{TARGET}</p>",
        f'<!-- <a href="{TARGET}">x</a> -->',
        f'<a title="{TARGET}">x</a>',
        f'<p data-href="{TARGET}" href="{TARGET}">x</p>',
        f'&lt;a href="{TARGET}"&gt;x&lt;/a&gt;',
        f"<script>var x = '<a href=\"{TARGET}\">x</a>';</script>",
        f"<style>a{{background:url({TARGET})}}</style>",
        f'<textarea><a href="{TARGET}">x</a></textarea>',
        f'<template><a href="{TARGET}">x</a></template>',
        f'<a href="{TARGET}more">x</a>',
        f'<a href="{TARGET}?x=1">x</a>',
        '<a href="https://blog.example/courage">x</a>',
        '<a href="http://blog.example/courage/">x</a>',
        '<a href="https://blog.example.evil.example/courage/">x</a>',
        '<a href="https://blog.example@evil.example/courage/">x</a>',
        f'<a href="https://evil.example/?{TARGET}">x</a>',
        f'<a href="javascript:{TARGET}">x</a>',
        '<a href="http://[">x</a><a href="https://blog.example:x/">x</a>',
    ],
)
def test_what_only_looks_like_a_link_does_not(html: str) -> None:
    assert not read(html).links


def test_other_letters_match_in_any_spelling() -> None:
    target = "https://blog.example/%C3%BCbung/"
    for link in ("https://blog.example/übung/", "https://blog.example/%c3%bcbung/", "/übung/"):
        found = read(
            f'<meta charset=utf-8><a href="{link}">x</a>', target, "https://blog.example/x"
        )
        assert found.links, link


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ('<div class="e-content"><p>Going <b>first</b>.</p><p>Then on.</p></div>',
         "Going first.\n\nThen on."),
        ('<div class="e-content">One<br>two</div>', "One\ntwo"),
        ('<p class="p-content">Going  first.</p>', "Going first."),
        ('<p class="p-summary">Short.</p>', "Short."),
        ('<h1 class="p-name">A title</h1>', "A title"),
        ('<h1 class="p-name">A title</h1><p class="p-summary">Short.</p>', "Short."),
        ('<p class="p-summary">S</p><div class="e-content">C</div>', "C"),
        ('<p class="p-summary">S</p><div class="e-content"> </div>', "S"),
        ('<div class="e-content">&lt;b&gt; &amp; 😀 é</div>', "<b> & 😀 é"),
        ('<div class="e-content"><script>x()</script>Words</div>', "Words"),
        ('<div class="e-content"><blockquote>Theirs</blockquote>Mine</div>', "> Theirs\n> \nMine"),
    ],
)  # fmt: skip
def test_words_are_the_authors(inner: str, words: str) -> None:
    assert [line for line in entry(inner).words.split("\n") if line] == [
        line for line in words.split("\n") if line
    ]


@pytest.mark.parametrize("kind", ["like-of", "repost-of", "bookmark-of"])
def test_a_like_has_no_words_of_its_own(kind: str) -> None:
    """A like is never a yes, and a repost repeats somebody else."""
    html = f'<div class="h-entry"><a class="u-{kind}" href="{TARGET}">likes</a> \
<p class="e-content">Somebody else\'s words</p></div>'
    found = read(html)
    assert found.links
    assert found.words == ""


def test_an_article_gives_its_summary_and_is_never_cut() -> None:
    long = "word " * MOST_WORDS_CHARACTERS
    assert entry(f'<p class="p-summary">S</p><div class="e-content">{long}</div>').words == "S"
    assert entry(f'<h1 class="p-name">N</h1><div class="e-content">{long}</div>').words == "N"


def test_without_an_entry_the_title_stands_in() -> None:
    found = read(f"<title>Courage\n is  going first</title>{LINK}")
    assert (found.words, found.author_name, found.author_url) == ("Courage is going first", "", "")


@pytest.mark.parametrize(
    ("html", "name", "url"),
    [
        ('<a class="p-author h-card" href="/">Ada</a>', "Ada", "https://ada.example/"),
        (CARD, "Ada", "https://ada.example/me"),
        ('<span class="p-author">Ada  Sample</span>', "Ada Sample", ""),
        ('<a class="u-author" href="/about"></a>', "", "https://ada.example/about"),
        ('<a class="p-author h-card" href="javascript:alert(1)">Ada</a>', "Ada", ""),
        ('<a class="p-author h-card" href="data:text/html,x">Ada</a>', "Ada", ""),
        ('<a class="p-author h-card" href="https://a@b.example/">Ada</a>', "Ada", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_the_author_is_the_one_stated(html: str, name: str, url: str) -> None:
    found = entry(f'{html}<p class="p-content">Words</p>')
    assert (found.author_name, found.author_url) == (name, url)


def test_the_author_may_stand_elsewhere_on_the_page() -> None:
    words = f'<article class="h-entry">{LINK}<p class="p-content">W</p>%s</article>'
    card = '<a class="h-card" href="/me">Ada</a>'
    ada = ("Ada", "https://ada.example/me")
    feed = '<div class="h-feed"><a class="p-author h-card" href="/me">Ada</a>%s</div>'
    for html in (
        card + words % '<a class="u-author" href="/me"></a>',
        card + words % "",
        card
        + '<a class="h-card" href="/eve">Eve</a><a rel="author" href="/me">me</a>'
        + words % "",
        feed % (words % ""),
    ):
        found = read(html)
        assert (found.author_name, found.author_url) == ada, html
    two = read(card + '<a class="h-card" href="/eve">Eve</a>' + words % "")
    assert (two.author_name, two.author_url) == ("", "")


def test_of_many_entries_the_one_that_mentions_us_counts() -> None:
    one = '<div class="h-entry"><p class="p-content">{0}</p>{1}</div>'
    found = read(one.format("First", "") + one.format("Second", LINK) + one.format("Third", ""))
    assert found.words == "Second"
    linked = f'<div class="h-entry"><p class="e-content">Fourth <a href="{TARGET}">x</a></p></div>'
    feed = f'<div class="h-feed">{one.format("First", "")}{linked}</div>'
    assert read(feed).words == "Fourth x"


def test_what_was_found_is_kept_as_it_was() -> None:
    found = entry('<p class="p-content">W</p><time class="dt-published">2026-01-04</time>')
    assert json.loads(found.raw)["properties"]["content"] == ["W"]
    assert found.published == "2026-01-04"


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("é".encode("latin-1"), "iso-8859-1"),
        (b'<meta charset="iso-8859-1">\xe9', ""),
        ("é".encode(), "utf-8"),
        ("é".encode(), ""),
        (b"\xef\xbb\xbf\xc3\xa9", ""),
        ("<p>é".encode("utf-16"), ""),
        ("é".encode(), "no-such-charset"),
    ],
)
def test_letters_arrive_in_every_encoding(body: bytes, charset: str) -> None:
    encoding = "utf-16-le" if body.startswith(b"\xff\xfe") else "ascii"
    tail = f'<div class="h-entry">{LINK}<p class="p-content">'.encode(encoding)
    end = "</p></div>".encode(encoding)
    letter = b"\xc3\xa9" if charset != "iso-8859-1" else b"\xe9"
    if b"iso-8859-1" in body:
        letter = b"\xe9"
    if encoding == "utf-16-le":
        letter = "é".encode(encoding)
    found = read_page(body + tail + letter + end, url=SOURCE, targets=[TARGET], charset=charset)
    assert found.words == "é"


def test_a_nul_does_not_end_the_page() -> None:
    assert read(f"<p>x\0y</p>{LINK}").links


@pytest.mark.parametrize(
    ("name", "html"),
    [
        ("deep", "<div>" * 200_000),
        ("deep entries", '<div class="h-entry">' * 40_000),
        ("open comments", "<!--" * 200_000),
        ("open tags", "<a " * 300_000),
        ("attributes", "<a " + "x=y " * 200_000),
        ("entities", "&" * 1_000_000),
        ("formatting", "<p><b><i>" * 100_000),
        ("tables", "<table><tr><td>" * 60_000),
        ("nothing", "\0" * 1_000_000),
        ("base", '<base href="http://[">'),
    ],
)
def test_hostile_pages_are_read_or_refused_in_time(
    name: str, html: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.webmention.page.MOST_SECONDS", 3)
    began = time.monotonic()
    with contextlib.suppress(FetchError):
        found = read_apart(FetchedPage(SOURCE, 200, body=html.encode()[:MOST_BYTES]), TARGET)
        assert not found.links
    assert time.monotonic() - began < 8


def test_reading_apart_gives_the_same() -> None:
    body = f'<div class="h-entry">{LINK}<p class="p-content">é 😀</p></div>'.encode()
    apart = read_apart(FetchedPage(SOURCE, 200, body=body, charset="utf-8"), TARGET)
    assert apart == read_page(body, url=SOURCE, targets=[TARGET], charset="utf-8")
    assert apart.words == "é 😀"
