"""Webmention: people answer on pages of their own, and their server tells us (W3C, 2017).

What was sent is kept by web/webmentions.py, and what became of it by
collector/webmention/checking.py; here its source is fetched and looked at.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from collector import safe_fetch
from collector.channels.form import Unpolled
from collector.connector import Connector, Context, SourceState, mentions_nothing
from collector.safe_fetch import FetchedPage
from collector.turns import Turn
from collector.web_address import normal_url, read_address
from collector.webmention.page import MentionPage, read_apart
from ledger.errors import DefinedbyError, TemporaryError
from ledger.model import Account, IncomingReply, SkipKind, clean_name

MOST_NAME_CHARACTERS = 120
MOST_ADDRESS_CHARACTERS = 320
_GONE = frozenset({404, 410})
_PROTECTED = frozenset({401, 403, 451})
_TEMPORARY = frozenset({408, 425, 429})
#: Pages fetched at a time when they are looked at again; reading one takes a process of its own.
LOOKS_AT_ONCE = 4
#: Far beyond what a page may take. What is not known by then is left out.
LONGEST_SECONDS = 300.0

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


#: How a page stands of which nothing is taken in; the other outcomes tell nothing.
_STATES = {
    Outcome.GONE: SourceState.GONE,
    Outcome.NO_LINK: SourceState.GONE,
    Outcome.NO_WORDS: SourceState.EDITED,
    Outcome.PROTECTED: SourceState.PROTECTED,
}


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
            source_url=source,
            written_at=_moment(page.published),
            in_reply_to=(page.target,),
            raw=page.raw,
        ),
    )


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


def _moment(published: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(published)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


@dataclass(frozen=True)
class Webmentions(Unpolled):
    """The connector: mentions are brought to us, and their sources can be looked at again."""

    fetch_page: Fetch = safe_fetch.fetch
    read_page: Read = read_apart
    mentioned_by: Callable[[str], Sequence[str]] = mentions_nothing
    _words: dict[str, str] = field(default_factory=dict, compare=False)

    def look_again(self, external_ids: Sequence[str]) -> dict[str, SourceState]:
        """How these pages stand now; one that tells nothing is not in the answer.

        Several are fetched at a time, for each may take its 5 seconds. EDITED says that a page
        may read differently: one without an h-entry tells that only by its words.
        """
        left = deque(external_ids)
        targets = {one: self.mentioned_by(one.partition(" ")[0]) for one in external_ids}
        found: dict[str, SourceState] = {}

        def look_at_some(_turn: Turn[None]) -> None:
            while True:
                try:
                    one = left.popleft()
                except IndexError:
                    return
                state = self._state(one, targets[one])
                if state is not None:
                    found[one] = state

        turns = [Turn(look_at_some, "pages") for _ in range(LOOKS_AT_ONCE)]
        for turn in turns:
            if turn.wait(LONGEST_SECONDS):
                turn.result()
        return dict(found)

    def read_again(self, external_ids: Sequence[str]) -> dict[str, str]:
        """The words of those pages that were found edited."""
        return {one: self._words[one] for one in external_ids if one in self._words}

    def with_version(self, external_id: str, raw: str) -> str:
        return f"{external_id} {_version(raw)}" if raw else external_id

    def _state(self, asked: str, targets: Sequence[str]) -> SourceState | None:
        source, _, version = asked.partition(" ")
        finding = look(source, targets, self.fetch_page, self.read_page)
        if finding.reply is not None:
            if version == _version(finding.reply.raw):
                return SourceState.THERE
            self._words[source] = finding.reply.text
            return SourceState.EDITED
        if finding.outcome is Outcome.NO_LINK and not targets:
            return SourceState.THERE  # it answers, and more than that can't be told
        return _STATES.get(finding.outcome)


def _version(raw: str) -> str:
    return hashlib.blake2s(raw.encode(), digest_size=16).hexdigest()


def open_connector(account: Account, context: Context | None = None) -> Connector:  # noqa: ARG001 - every one is the same
    """The connector of a webmention account."""
    return Webmentions(
        answer="The blog takes webmentions; what servers send is checked within minutes.",
        refusal="A webmention can't carry a message to the person who wrote the page.",
        mend="Write to an address that their page names, or answer on a page of the blog.",
        mentioned_by=(context or Context()).mentioned_by,
    )
