"""What a page on the web says about us: does it link to us, who wrote it, in which words.

Author and words come from the page's h-entry (microformats2). The page is parsed in a child
process that is ended when it takes too long: every tree-building HTML parser has pages that it
can't finish, 1 MiB of "<div>" among them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from collector.mail.html import visible_text
from collector.web_address import FetchError, normal_url

if TYPE_CHECKING:  # what the child does not need, it does not wait for
    from bs4 import BeautifulSoup, Tag

    from collector.safe_fetch import FetchedPage

#: Includes starting Python, which a busy machine makes slow.
MOST_SECONDS = 20
MOST_MEMORY = 1024 * 1024 * 1024
#: More is an article and no answer; its summary is taken instead.
MOST_WORDS_CHARACTERS = 20_000
MOST_RAW_CHARACTERS = 100_000
MOST_DEPTH = 20
_ROOT = Path(__file__).parent.parent
#: What counts as a link (Webmention, 3.2.2): attribute -> elements.
_LINKS = {
    "href": ["a", "area"],
    "src": ["img", "video", "audio", "source", "iframe", "embed"],
    "cite": ["blockquote", "q"],
    "data": ["object"],
}
#: Such an entry repeats or points at somebody else's words, and has none of its own.
_WORDLESS = ("like-of", "repost-of", "bookmark-of")

Item = dict[str, Any]


class Author(NamedTuple):
    """What a page says of its author; empty where it says nothing."""

    name: str = ""
    url: str = ""
    picture: str = ""


@dataclass(frozen=True)
class MentionPage:
    """`words` is empty when there are none of the author's own; `raw` is the entry as JSON.

    `target` is the first of those asked for that the page links to. `published` is as the page has
    it. `endpoint` is where the page takes webmentions itself.
    """

    links: bool = False
    target: str = ""
    words: str = ""
    author_name: str = ""
    author_url: str = ""
    author_picture: str = ""
    published: str = ""
    raw: str = ""
    endpoint: str | None = None


def read_apart(page: FetchedPage, *targets: str) -> MentionPage:
    """Read a fetched page in a process of its own. Raises FetchError when it can't be read."""
    head = json.dumps({"url": page.url, "targets": targets, "charset": page.charset})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "collector.webmention.page"],
            input=head.encode() + b"\n" + page.body,
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MOST_SECONDS,
            check=True,
        )
        return MentionPage(**json.loads(done.stdout))
    except (subprocess.SubprocessError, ValueError) as error:
        raise FetchError(
            f"The page {page.url[:200]} is too tangled to be read.",
            "Simplify its HTML, then send it again.",
        ) from error


def read_here(page: FetchedPage, *targets: str) -> MentionPage:
    """Read a fetched page in this process; only for pages that are known to be harmless."""
    return read_page(page.body, url=page.url, targets=targets, charset=page.charset)


def read_page(
    body: bytes, *, url: str, targets: Sequence[str] = (), charset: str = ""
) -> MentionPage:
    """Read the bytes of a page; what the child does."""
    from bs4.dammit import UnicodeDammit
    from mf2py import Parser

    known = UnicodeDammit(body, [charset] if charset else [], is_html=True)
    # lxml takes a NUL for the end.
    html = (known.unicode_markup or "").replace("\0", "\ufffd")
    soup = _soup(html)
    for unseen in soup.find_all("template"):
        unseen.decompose()
    base = _base(soup, url)
    endpoint = _endpoint(soup, base)
    target = _linked(soup, base, targets)
    if not target:
        return MentionPage(endpoint=endpoint)
    parsed = Parser(doc=soup, url=url).to_dict()
    entry, feed = _entry(parsed["items"], target)
    if entry is None:
        title = soup.title.get_text() if soup.title else ""
        return MentionPage(
            links=True, target=target, words=" ".join(title.split()), endpoint=endpoint
        )
    author = _author(entry, feed, parsed)
    raw = json.dumps(entry, ensure_ascii=True)
    return MentionPage(
        links=True,
        target=target,
        words=_words(entry["properties"]),
        author_name=" ".join(author.name.split()),
        author_url=author.url,
        author_picture=author.picture,
        published=_plain(entry["properties"].get("published")),
        raw=raw if len(raw) <= MOST_RAW_CHARACTERS else "",
        endpoint=endpoint,
    )


def _soup(html: str) -> BeautifulSoup:
    from bs4 import BeautifulSoup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wonders at pages that are one address, or XML
        return BeautifulSoup(html, "lxml")


def _base(soup: BeautifulSoup, url: str) -> str:
    tag = soup.find("base", href=True)
    return _joined(url, str(tag["href"])) or url if tag else url


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link.strip())
    except ValueError:
        return ""


def _endpoint(soup: BeautifulSoup, base: str) -> str | None:
    """The first <link> or <a> with rel=webmention in the order of the page; "" is an address."""
    for tag in soup.find_all(["link", "a"], href=True):
        rels = tag.get("rel") or ""
        words: list[str] = rels.split() if isinstance(rels, str) else rels
        if "webmention" in (word.lower() for word in words):
            return _joined(base, str(tag["href"])) or None
    return None


def _linked(soup: BeautifulSoup, base: str, targets: Sequence[str]) -> str:
    """The first of these that the page links to, or ""."""
    if not targets:
        return ""
    links = {normal_url(_joined(base, link)) for link in _links(soup)} - {""}
    return next((target for target in targets if normal_url(target) in links), "")


def _links(soup: BeautifulSoup | Tag) -> Iterator[str]:
    for attribute, names in _LINKS.items():
        for tag in soup.find_all(names, attrs={attribute: True}):
            yield str(tag[attribute])


def _entries(
    items: list[Any], feed: Item | None = None, depth: int = 0
) -> Iterator[tuple[Item, Item | None]]:
    """Every h-entry with the h-feed that it stands in, in the order of the page."""
    for item in items if depth < MOST_DEPTH else []:
        if not isinstance(item, dict):
            continue
        kinds = item.get("type", [])
        if "h-entry" in kinds:
            yield item, feed
        inner = item if "h-feed" in kinds else feed
        yield from _entries(item.get("children", []), inner, depth + 1)


def _entry(items: list[Any], target: str) -> tuple[Item | None, Item | None]:
    """The entry that mentions the target; where none says so itself, the page's first."""
    found = list(_entries(items))
    wanted = normal_url(target)
    for entry, feed in found:
        if any(_mentions(value, wanted, 0) for value in entry["properties"].values()):
            return entry, feed
    return found[0] if found else (None, None)


def _mentions(value: Any, wanted: str, depth: int) -> bool:
    if depth > MOST_DEPTH:
        return False
    if isinstance(value, str):
        return value.startswith("http") and normal_url(value) == wanted
    if isinstance(value, list):
        return any(_mentions(one, wanted, depth + 1) for one in value)
    if isinstance(value, dict):
        html = value.get("html")
        if isinstance(html, str):
            # mf2py has made its addresses whole.
            return any(normal_url(link) == wanted for link in _links(_soup(html)))
        return any(_mentions(one, wanted, depth + 1) for one in value.values())
    return False


def _words(properties: Item) -> str:
    """The author's words: content, else summary, else name; none of a like or a repost."""
    if any(properties.get(kind) for kind in _WORDLESS):
        return ""
    for field in ("content", "summary", "name"):
        words = _text((properties.get(field) or [""])[0])
        if words and len(words) <= MOST_WORDS_CHARACTERS:
            return words
    return ""


def _text(value: Any) -> str:
    """A value as plain text, its blocks on lines of their own and quotations marked."""
    if isinstance(value, dict):
        if isinstance(value.get("html"), str):
            return visible_text(value["html"]).strip()
        value = value.get("value", "")
    return value.strip() if isinstance(value, str) else ""


def _plain(values: Any) -> str:
    first = values[0] if isinstance(values, list) and values else ""
    return first.strip() if isinstance(first, str) else ""


def _author(entry: Item, feed: Item | None, parsed: Item) -> Author:
    """The author, as near to https://indieweb.org/authorship as one page is."""
    stated = entry["properties"].get("author") or (feed or {}).get("properties", {}).get("author")
    cards = {
        address: item
        for item in parsed["items"]
        if "h-card" in item.get("type", [])
        for address in item["properties"].get("url", [])
        if isinstance(address, str)
    }
    if not stated:
        rel = next(iter(parsed["rels"].get("author", [])), "")
        alone = list(cards.values())
        card = cards.get(rel) or (alone[0] if len(alone) == 1 and not rel else None)
        return _of_card(card) if card else Author(url=_web(rel))
    author = stated[0]
    if isinstance(author, dict):
        return _of_card(author)
    address = _web(author)
    if not address:
        return Author(str(author))
    return _of_card(cards[address]) if address in cards else Author(url=address)


def _of_card(card: Item) -> Author:
    properties = card.get("properties", {})
    addresses = (_web(value) for value in properties.get("url", []))
    # A photo with a text for those who don't see it is an object (microformats2 parsing, u-).
    photos = (
        _web(one.get("value") if isinstance(one, dict) else one)
        for one in properties.get("photo", [])
    )
    return Author(
        _plain(properties.get("name")),
        next(filter(None, addresses), ""),
        next(filter(None, photos), ""),
    )


def _web(value: Any) -> str:
    """An http or https address, or nothing: it will be shown as a link."""
    if not isinstance(value, str):
        return ""
    try:
        scheme = urlsplit(value.strip()).scheme
    except ValueError:
        return ""
    return normal_url(value.strip()) if scheme in ("http", "https") else ""


def main() -> None:
    """The child: one line of JSON and the page come in, one JSON object goes out."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    head, _, body = sys.stdin.buffer.read().partition(b"\n")
    sys.stdout.write(json.dumps(vars(read_page(body, **json.loads(head)))))


if __name__ == "__main__":
    main()
