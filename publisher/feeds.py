"""Atom feeds (RFC 4287), the sitemap (sitemaps.org 0.9) and robots.txt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from publisher.escaping import showable
from publisher.render import encoded_path, site_templates
from publisher.shown import Shown

MOST_ENTRIES = 50
#: The most addresses that one sitemap may list.
SITEMAP_ADDRESSES = 50_000
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def atom(
    *, title: str, base: str, path: str, page: str, shown: Sequence[Shown], author: str
) -> bytes:
    """A feed of the newest of `shown`, which are sorted newest first.

    Nothing in it tells when it was built, so that the same posts give the same bytes.
    """
    from feedgen.feed import FeedGenerator

    feed = FeedGenerator()
    feed.id(base + encoded_path(page))
    feed.title(_for_xml(title))
    feed.author({"name": _for_xml(author)})
    feed.link(href=base + encoded_path(path), rel="self", type="application/atom+xml")
    feed.link(href=base + encoded_path(page), rel="alternate", type="text/html")
    feed.updated(max((one.granted_at for one in shown), default=NEVER))
    for one in shown[:MOST_ENTRIES]:
        _add_entry(feed, one, base)
    made: bytes = feed.atom_str(pretty=True)
    return made


def _add_entry(feed: Any, one: Shown, base: str) -> None:
    address = base + encoded_path(one.address)
    entry = feed.add_entry(order="append")
    entry.id(address)
    entry.title(_for_xml(one.title))
    entry.link(href=address, rel="alternate", type="text/html")
    author = {"name": one.quote.credit.display_name}
    if one.quote.url:
        author["uri"] = one.quote.url
    entry.author(author)
    entry.published(one.granted_at)
    entry.updated(one.granted_at)
    template = site_templates().get_template("_quote.html")
    entry.content(str(template.module.feed_quote(one.quote)), type="html")  # type: ignore[attr-defined]


def sitemap(base: str, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """sitemap.xml, in several files when there are more addresses than one may list."""
    addresses = [base + encoded_path(path) for path in paths]
    if len(addresses) <= SITEMAP_ADDRESSES:
        yield "sitemap.xml", _listing("urlset", "url", addresses)
        return
    parts: list[str] = []
    for start in range(0, len(addresses), SITEMAP_ADDRESSES):
        name = f"sitemap-{len(parts) + 1}.xml"
        parts.append(f"{base}/{name}")
        yield name, _listing("urlset", "url", addresses[start : start + SITEMAP_ADDRESSES])
    yield "sitemap.xml", _listing("sitemapindex", "sitemap", parts)


def _listing(outer: str, inner: str, addresses: Iterable[str]) -> bytes:
    lines = "".join(f"<{inner}><loc>{escape(one)}</loc></{inner}>\n" for one in addresses)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{outer} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</{outer}>\n'
    ).encode()


def robots(base: str) -> bytes:
    """The blog is for everybody; personal pages, the desk and the form's steps are not."""
    names = ("answer/", "desk", "me", "p/", "unsubscribe/", "welcome/")
    closed = "".join(f"Disallow: /{name}\n" for name in names)
    return f"User-agent: *\n{closed}Sitemap: {base}/sitemap.xml\n".encode()


def _for_xml(text: str) -> str:
    """An editor's text without characters that XML can't hold."""
    return "".join(c for c in text if showable(c))
