"""A look at a page that is said to link to one of ours: whether it does, and what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from collector.safe_fetch import FetchedPage
from collector.web_address import normal_url, read_address
from collector.webmention.page import MentionPage
from ledger.errors import DefinedbyError, TemporaryError
from ledger.model import IncomingReply, SkipKind, clean_name

MOST_NAME_CHARACTERS = 120
MOST_ADDRESS_CHARACTERS = 320
_GONE = frozenset({404, 410})
_PROTECTED = frozenset({401, 403, 451})
_TEMPORARY = frozenset({408, 425, 429})

Fetch = Callable[[str], FetchedPage]
#: Called as read(page, *targets).
Read = Callable[..., MentionPage]


class Outcome(Enum):
    SAYS = "says"
    GONE = "gone"
    PROTECTED = "protected"
    NO_LINK = "no link"
    NO_WORDS = "no words"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True)
class Finding:
    """What a look at a source brought; `reason` is a sentence wherever nothing was taken in."""

    outcome: Outcome
    reason: str = ""
    reply: IncomingReply | None = None

    @property
    def skip_kind(self) -> SkipKind:
        """Why nothing was taken in, for programs."""
        if self.outcome is Outcome.NO_LINK:
            return SkipKind.FILTERED
        is_shut = self.outcome in (Outcome.PROTECTED, Outcome.GONE)
        return SkipKind.PROTECTED if is_shut else SkipKind.MALFORMED


def look(source: str, targets: Sequence[str], fetch: Fetch, read: Read) -> Finding:
    """Fetch the source and see whether it links to one of these, and what it says. Never raises."""
    try:
        page = fetch(source)
        early = _of_status(page)
        return early or _of_page(source, targets, read(page, *targets))
    except TemporaryError as error:
        return Finding(Outcome.LATER, error.what)
    except DefinedbyError as error:
        return Finding(Outcome.REFUSED, error.what)


def author_address(source: str, author_url: str) -> str:
    """Who wrote a page: the author's own page on the same host, else the page itself.

    A page may name anybody as its author, and one host may serve many people: only a host's own
    word about its authors makes two pages one person's.
    """
    page = read_address(source)
    named = normal_url(author_url)
    own = read_address(named) if named else page
    known = own if own.host_header == page.host_header else page
    address = (known.host_header + known.path).rstrip("/")
    if len(address) <= MOST_ADDRESS_CHARACTERS:
        return address
    ending = hashlib.blake2s(address.encode(), digest_size=16).hexdigest()
    return f"{address[: MOST_ADDRESS_CHARACTERS - len(ending) - 1]}~{ending}"


def _of_status(page: FetchedPage) -> Finding | None:
    """What the status alone decides."""
    said = f"The page answered with status {page.status}."
    if page.status in _GONE:
        return Finding(Outcome.GONE, said)
    if page.status in _PROTECTED:
        return Finding(Outcome.PROTECTED, said)
    if page.status in _TEMPORARY or page.status >= 500:
        return Finding(Outcome.LATER, said)
    if not 200 <= page.status < 300:
        return Finding(Outcome.REFUSED, said)
    if not page.body.strip():  # more likely a hiccup than a page that lost its link
        return Finding(Outcome.LATER, "The page was empty.")
    if not page.is_html:
        return Finding(Outcome.REFUSED, "It is not an HTML page.")
    return None


def _of_page(source: str, targets: Sequence[str], page: MentionPage) -> Finding:
    if not page.links:
        return Finding(Outcome.NO_LINK, f"The page has no link to {' or '.join(targets)[:500]}.")
    if not page.words:
        reason = "The page has no words of its author's own, or too many."
        return Finding(Outcome.NO_WORDS, reason)
    name = clean_name(page.author_name)
    return Finding(
        Outcome.SAYS,
        reply=IncomingReply(
            external_id=source,
            address=author_address(source, page.author_url),
            text=page.words,
            author_name=name if len(name) <= MOST_NAME_CHARACTERS else "",
            author_url=page.author_url,
            author_picture=page.author_picture,
            source_url=source,
            written_at=_moment(page.published),
            in_reply_to=(page.target,),
            raw=page.raw,
        ),
    )


def _moment(published: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(published)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
