"""Atom feeds (RFC 4287), sitemaps (sitemaps.org 0.9) and robots.txt.

Written by hand: feedgen builds a tree for each entry, which took more time than all other outputs
of a change together. What is written here is read back by feedparser in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

from publisher.escaping import showable
from publisher.render import encoded_path, quote_macros
from publisher.site.entries import Entry

MOST_ENTRIES = 50
NEVER = "1970-01-01T00:00:00+00:00"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class Feed:
    """One document of a feed: `entries` newest first, `path` its own, `page` what it is a feed of.

    `older` is the key of the document with what comes before, or empty. With `is_archive` it is
    such a document itself; a `complete` feed has all there is (RFC 5005, 2).
    """

    title: str
    base: str
    path: str
    page: str
    entries: Sequence[Entry]
    author: str
    older: str = ""
    is_archive: bool = False
    complete: bool = False

    def older_path(self, extension: str) -> str:
        return f"/feeds{self.page}{self.older}.{extension}"


def key_of(granted_at: str, definition_id: str) -> str:
    """The key of the document with what is older than this definition, in the same month."""
    time = f"{granted_at[11:13]}{granted_at[14:16]}{granted_at[17:26]}"
    return f"{granted_at[:10]}T{time}-{definition_id[:8]}"


def atom(feed: Feed) -> bytes:
    """The feed in Atom, with the links and marks of RFC 5005 (Feed Paging and Archiving).

    Nothing in it tells when it was built, so that the same posts give the same bytes.
    """
    own, home = feed.base + encoded_path(feed.path), feed.base + encoded_path(feed.page)
    newest = seconds(_newest(feed)) if feed.entries else NEVER
    id_ = own if feed.is_archive else home
    history = ""
    if feed.is_archive:
        current = "/feed.xml" if feed.page == "/" else f"{feed.page}feed.xml"
        if feed.page.startswith("/people/"):
            current = f"/feeds{current}"
        history += "<fh:archive/>\n" + _link(feed.base + encoded_path(current), "current")
    if feed.complete:
        history += "<fh:complete/>\n"
    if feed.older:
        history += _link(feed.base + encoded_path(feed.older_path("xml")), "prev-archive")
    head = (
        f'{_HEAD}<feed xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:fh="http://purl.org/syndication/history/1.0">\n'
        f"<id>{escape(id_)}</id>\n<title>{escape(_for_xml(feed.title))}</title>\n"
        f"<updated>{newest}</updated>\n"
        f"<author><name>{escape(_for_xml(feed.author))}</name></author>\n"
        f"{_link(own, 'self')}{_link(home, 'alternate', 'text/html')}{history}"
    )
    return "".join([head, *(_entry(one, feed.base) for one in feed.entries), "</feed>\n"]).encode()


def _newest(feed: Feed) -> str:
    """When the newest was granted; only a complete feed is in another order."""
    if feed.complete:
        return max(one.granted_at for one in feed.entries)
    return feed.entries[0].granted_at


def _link(href: str, rel: str, media_type: str = "application/atom+xml") -> str:
    return f'<link href={quoteattr(href)} rel="{rel}" type="{media_type}"/>\n'


@lru_cache(maxsize=512)
def content_of(one: Entry) -> str:
    """Its words and credit as HTML, as feeds carry them; of a piece, the whole of it."""
    return one.body if one.is_piece else str(quote_macros().feed_quote(one))


@lru_cache(maxsize=512)
def _entry(one: Entry, base: str) -> str:
    """One entry; a worker that goes on running makes it once."""
    address = base + encoded_path(one.address)
    at = seconds(one.granted_at)
    return (
        f"<entry>\n<id>{escape(address)}</id>\n<title>{escape(_for_xml(one.title))}</title>\n"
        f'<link href={quoteattr(address)} rel="alternate" type="text/html"/>\n'
        f"{''.join(_author(*author) for author in one.authors)}"
        f"<published>{at}</published>\n<updated>{at}</updated>\n"
        f'<content type="html">{escape(content_of(one))}</content>\n'
        "</entry>\n"
    )


def _author(name: str, url: str) -> str:
    uri = f"<uri>{escape(url)}</uri>" if url else ""
    return f"<author><name>{escape(name)}</name>{uri}</author>\n"


def seconds(at: str) -> str:
    """A time to the second: feeds of ours never had fractions, and readers compare them."""
    return at[:19] + at[26:]


def sitemap(base: str, paths: Iterable[str]) -> bytes:
    return _listing("urlset", "url", base, paths)


def sitemap_index(base: str, names: Iterable[str]) -> bytes:
    return _listing("sitemapindex", "sitemap", f"{base}/", names)


def _listing(outer: str, inner: str, base: str, paths: Iterable[str]) -> bytes:
    # An encoded path holds nothing that would have to be escaped.
    before, after = f"<{inner}><loc>{escape(base)}", f"</loc></{inner}>\n"
    lines = "".join([f"{before}{encoded_path(path)}{after}" for path in paths])
    return (
        f'{_HEAD}<{outer} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</{outer}>\n'
    ).encode()


def robots(base: str) -> bytes:
    """The blog is for everybody; personal pages, the desk and the form's steps are not."""
    names = ("answer/", "desk", "me", "p/", "unsubscribe/", "welcome/")
    closed = "".join(f"Disallow: /{name}\n" for name in names)
    return f"User-agent: *\n{closed}Sitemap: {base}/sitemap.xml\n".encode()


def _for_xml(text: str) -> str:
    """An editor's text without characters that XML can't hold."""
    return text if showable(text) else "".join(c for c in text if showable(c))
