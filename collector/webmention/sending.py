"""Tell a page that we mention it: find its webmention endpoint and send (W3C, 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from collector import safe_fetch
from collector.safe_fetch import FetchedPage
from collector.webmention.page import MentionPage, read_apart
from ledger.errors import DefinedbyError, TemporaryError

Fetch = Callable[[str], FetchedPage]
Post = Callable[[str, Mapping[str, str]], FetchedPage]
Read = Callable[[FetchedPage], MentionPage]
NO_ENDPOINT = "The page takes no webmentions."
_TEMPORARY = frozenset({408, 425, 429})


@dataclass(frozen=True)
class SendOutcome:
    """What came of telling one page. Sending again is harmless: it says that we changed.

    `endpoint` is empty when the page takes no webmentions; `status_url` is where the receiver
    says how it stands (201 Created).
    """

    endpoint: str
    is_sent: bool
    reason: str
    is_temporary: bool = False
    status_url: str = ""


def discover(url: str, fetch: Fetch = safe_fetch.fetch, read: Read = read_apart) -> str | None:
    """The page's webmention endpoint; None when it takes none.

    The first Link header with rel=webmention wins, else the first <link> or <a> of the page.
    Raises FetchError and UnreachableError as fetching does.
    """
    page = fetch(url)
    if not 200 <= page.status < 300:
        if page.status in _TEMPORARY or page.status >= 500:
            raise safe_fetch.UnreachableError(
                f"The page {url[:200]} answered with status {page.status}.",
                "It can be tried again later.",
            )
        return None
    for target, rels in _header_links(page.headers.get("link", "")):
        if "webmention" in rels:
            return _joined(page.url, target)
    return read(page).endpoint if page.is_html else None


def send_mention(
    source: str,
    target: str,
    *,
    fetch: Fetch = safe_fetch.fetch,
    post: Post = safe_fetch.post_form,
    read: Read = read_apart,
) -> SendOutcome:
    """Tell `target` that our page `source` links to it. Never raises."""
    endpoint = ""
    try:
        endpoint = discover(target, fetch, read) or ""
        if not endpoint:
            return SendOutcome("", is_sent=False, reason=NO_ENDPOINT)
        answer = post(endpoint, {"source": source, "target": target})
    except DefinedbyError as error:
        return SendOutcome(
            endpoint,
            is_sent=False,
            reason=error.what,
            is_temporary=isinstance(error, TemporaryError),
        )
    place = answer.headers.get("location", "") if answer.status == 201 else ""
    return SendOutcome(
        endpoint,
        is_sent=200 <= answer.status < 300,
        reason=f"The endpoint answered with status {answer.status}.",
        is_temporary=answer.status in _TEMPORARY or answer.status >= 500,
        status_url=_joined(answer.url, place) or "" if place else "",
    )


def _joined(base: str, link: str) -> str | None:
    try:
        return urljoin(base, link)
    except ValueError:
        return None


def _header_links(header: str) -> list[tuple[str, list[str]]]:
    """Targets and relation types of a Link header (RFC 8288, 3), each read once."""
    found = []
    for part in _split(header, ","):
        target, *parameters = _split(part, ";")
        target = target.strip()
        if not (target.startswith("<") and target.endswith(">")):
            continue
        named: dict[str, str] = {}
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            # Of a parameter that is given twice the first counts (RFC 8288, 3.3).
            named.setdefault(name.strip().lower(), value.strip().strip('"'))
        if "anchor" not in named:  # with it, the link is about another page
            found.append((target[1:-1].strip(), named.get("rel", "").lower().split()))
    return found


def _split(text: str, separator: str) -> list[str]:
    """Divide at a separator that stands neither in quotes nor in angle brackets."""
    parts, start, closing, escaped = [], 0, "", False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif closing:
            escaped = char == "\\" and closing == '"'
            closing = "" if char == closing else closing
        elif char in '<"':
            closing = ">" if char == "<" else '"'
        elif char == separator:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]
