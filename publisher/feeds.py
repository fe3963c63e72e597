"""Atom feeds (RFC 4287), sitemaps (sitemaps.org 0.9) and robots.txt.

Written by hand: feedgen builds a tree for each entry, which took more time than all other outputs
of a change together. What is written here is read back by feedparser in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

from publisher.escaping import showable
from publisher.render import encoded_path, quote_macros
from publisher.site.entries import Entry

MOST_ENTRIES = 50
NEVER = "1970-01-01T00:00:00+00:00"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def atom(
    *, title: str, base: str, path: str, page: str, entries: Sequence[Entry], author: str
) -> bytes:
    """A feed of `entries`, which are the newest and sorted newest first.

    Nothing in it tells when it was built, so that the same posts give the same bytes.
    """
    own, home = base + encoded_path(path), base + encoded_path(page)
    newest = _seconds(entries[0].granted_at) if entries else NEVER
    head = (
        f'{_HEAD}<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>{escape(home)}</id>\n<title>{escape(_for_xml(title))}</title>\n"
        f"<updated>{newest}</updated>\n"
        f"<author><name>{escape(_for_xml(author))}</name></author>\n"
        f'<link href={quoteattr(own)} rel="self" type="application/atom+xml"/>\n'
        f'<link href={quoteattr(home)} rel="alternate" type="text/html"/>\n'
    )
    return "".join([head, *(_entry(one, base) for one in entries), "</feed>\n"]).encode()


@lru_cache(maxsize=512)
def _entry(one: Entry, base: str) -> str:
    """One entry; a worker that goes on running makes it once."""
    address = base + encoded_path(one.address)
    uri = f"<uri>{escape(one.url)}</uri>" if one.url else ""
    at = _seconds(one.granted_at)
    content = one.body if one.is_piece else str(quote_macros().feed_quote(one))
    return (
        f"<entry>\n<id>{escape(address)}</id>\n<title>{escape(_for_xml(one.title))}</title>\n"
        f'<link href={quoteattr(address)} rel="alternate" type="text/html"/>\n'
        f"<author><name>{escape(one.name)}</name>{uri}</author>\n"
        f"<published>{at}</published>\n<updated>{at}</updated>\n"
        f'<content type="html">{escape(content)}</content>\n'
        "</entry>\n"
    )


def _seconds(at: str) -> str:
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
