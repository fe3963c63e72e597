"""A feed document, RSS or Atom, taken apart: RSS 2.0 (rssboard.org), RSS 1.0, RFC 4287, RFC 4685.

By lxml, which takes strangers' bytes in linear time. (feedparser looks for an e-mail address in
each author's name; for a name of 100,000 characters that takes minutes.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from collector.connector import ChannelError
from collector.safe_fetch import FetchedPage
from collector.web_address import normal_url
from ledger.model import clean_name

#: Where older items are: the next page, or the archive before this document (RFC 5005, 3 and 4).
_OLDER = ("next", "prev-archive")
#: Without one of these near its end a broken document was cut, and so may its last item be.
_END = re.compile(rb"</\s*(?:\w+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_NEAR_END = 4096
_ROOTS = frozenset({"rss", "feed", "RDF"})
#: Namespaces that matter, by the prefix they mostly have; what has none is "".
_PREFIXES = {
    "http://www.w3.org/2005/Atom": "",
    "http://purl.org/rss/1.0/": "",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/syndication/thread/1.0": "thr:",
}


@dataclass(frozen=True)
class Item:
    """One item as the feed has it. `above` is what it answers, `site` what its author named."""

    id: str
    link: str
    author: str
    site: str
    published: str
    content: str
    is_html: bool
    above: str


@dataclass(frozen=True)
class Feed:
    """One page of a feed: its items as they are listed, mostly newest first.

    `older` is the address of the page with older ones; "" where the server names none.
    """

    title: str
    items: tuple[Item, ...]
    older: str


def read_feed(page: FetchedPage) -> Feed:
    """Read a fetched page of a feed. Raises ChannelError when it is none, or not whole."""
    root, is_broken = _parsed(page)
    if root is None or _name(root) not in _ROOTS:
        raise ChannelError(
            f"What is at {page.url[:200]} is no feed.",
            permanent=False,
            mend="Give the address of the comment feed: on WordPress that of the post with feed/ "
            "behind it. If it is that, it is tried again by itself.",
        )
    if is_broken and not _END.search(page.body[-_NEAR_END:]):
        raise ChannelError(
            "The comment feed ended too early.",
            permanent=False,
            mend="It is tried again by itself.",
        )
    channel = next((one for one in root if _name(one) == "channel"), root)
    # RSS 1.0 has its items beside the channel.
    found = [one for of in dict.fromkeys((channel, root)) for one in of]
    about = _children(channel)
    linked = {one.get("rel"): one for one in channel if _name(one) == "link"}
    older = next((linked[rel] for rel in _OLDER if rel in linked), None)
    return Feed(
        clean_name(_text(about.get("title")))[:100],
        tuple(_item(one) for one in found if _name(one) in ("item", "entry")),
        normal_url(_address(older, "href")),
    )


def _parsed(page: FetchedPage) -> tuple[Any, bool]:
    """The root element, or None, and whether the document is broken. Nothing else is loaded."""
    from lxml import etree

    options = {"resolve_entities": False, "load_dtd": False, "no_network": True}
    parser = etree.XMLParser(
        recover=True,
        remove_comments=True,
        remove_pis=True,
        encoding=page.charset or None,
        **options,
    )
    try:
        return etree.fromstring(page.body, parser, base_url=page.url), len(parser.error_log) > 0
    except (etree.XMLSyntaxError, ValueError):
        return None, True


def _item(element: Any) -> Item:
    has = _children(element)
    author, above = has.get("author"), has.get("thr:in-reply-to")
    inside = _children(author) if author is not None else {}
    content, is_html = _content(has)
    return Item(
        id=_text(has.get("id", has.get("guid"))),
        link=_link(element, has),
        author=_text(has.get("dc:creator", inside.get("name"))),
        site=_text(inside.get("uri")),
        published=_text(
            next(
                (
                    has[name]
                    for name in ("published", "pubDate", "dc:date", "updated")
                    if name in has
                ),
                None,
            )
        ),
        content=content,
        is_html=is_html,
        above=above.get("ref") or "" if above is not None else "",
    )


def _content(has: dict[str, Any]) -> tuple[str, bool]:
    """What was written, whole where the feed has it, and whether that is HTML."""
    from lxml import etree

    names = ("content:encoded", "content", "description", "summary")
    found = next((has[name] for name in names if name in has), None)
    if found is None:
        return "", True
    kind = found.get("type") or (
        "html" if _name(found) in ("content:encoded", "description") else ""
    )
    if kind == "xhtml":
        return str(etree.tostring(found, encoding="unicode", with_tail=False)), True
    return _text(found), kind in ("html", "text/html")


def _link(element: Any, has: dict[str, Any]) -> str:
    """The web page that shows the item."""
    for one in element:
        if _name(one) == "link" and one.get("rel", "alternate") == "alternate":
            return _address(one, "href") if one.get("href") else _joined(one, _text(one))
    named = has.get("guid")
    return _text(named) if named is not None and named.get("isPermaLink") != "false" else ""


def _address(element: Any, attribute: str) -> str:
    return "" if element is None else _joined(element, element.get(attribute) or "")


def _joined(element: Any, address: str) -> str:
    """An address that stands in an element, whole; "" for what is none."""
    try:
        return urljoin(element.base or "", address)
    except ValueError:
        return ""


def _children(element: Any) -> dict[str, Any]:
    """The children of an element by name, the first of each."""
    return {_name(one): one for one in reversed(element)}


def _name(element: Any) -> str:
    """The name with the usual prefix of its namespace; "" for what is no element."""
    if not isinstance(element.tag, str):
        return ""
    space, _, name = element.tag.rpartition("}")
    return _PREFIXES.get(space[1:], "other:" if space else "") + name


def _text(element: Any) -> str:
    return "" if element is None else "".join(element.itertext()).strip()
