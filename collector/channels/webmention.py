"""Webmention: people answer on pages of their own, and their server tells us (W3C, 2017).

What was sent is kept by web/webmentions.py; here its source is fetched and looked at, in the
worker. A mention that comes again says that its source was changed or deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import Connection, select

from collector import safe_fetch
from collector.channels.form import Unpolled
from collector.connector import Connector, Context, SourceState
from collector.mention_page import MentionPage, read_apart
from collector.safe_fetch import FetchedPage
from collector.web_address import normal_url, read_address
from ledger.accounts import ensure_account, note_read
from ledger.database import Ledger
from ledger.errors import DefinedbyError, TemporaryError
from ledger.mentions import (
    MentionState,
    SentMention,
    campaign_of,
    due,
    forget_refused,
    links_elsewhere,
    settle,
)
from ledger.model import Account, Channel, IncomingReply, SkipKind, Skipped, clean_name
from ledger.replies import store_replies, store_skipped
from ledger.sources import apply_tombstones, note_edit, note_gone
from ledger.tables import replies

#: Per turn of the worker: each takes 5 seconds at most to fetch.
MOST_PER_TURN = 10
FIRST_WAIT = timedelta(minutes=1)
MOST_WAIT = timedelta(hours=6)
#: A source that could not be reached for so long is given up.
MOST_TRYING = timedelta(days=1)
MOST_NAME_CHARACTERS = 120
MOST_ADDRESS_CHARACTERS = 320
_GONE = frozenset({404, 410})
_PROTECTED = frozenset({401, 403, 451})
_TEMPORARY = frozenset({408, 425, 429})

Fetch = Callable[[str], FetchedPage]
Read = Callable[[FetchedPage, str], MentionPage]


class Outcome(Enum):
    SAYS = "says"
    GONE = "gone"
    PROTECTED = "protected"
    NO_LINK = "no link"
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


def check_mentions(
    ledger: Ledger,
    fetch: Fetch = safe_fetch.fetch,
    limit: int = MOST_PER_TURN,
    read: Read = read_apart,
) -> int:
    """Look at the sources of mentions that are due; returns how many were settled.

    No transaction is open while a source is fetched. What was found out about a mention that
    came again meanwhile is dropped, and it is looked at again in the next turn.
    """
    with ledger.read() as connection:
        waiting = due(connection, ledger.clock(), limit)
    settled = 0
    for mention in waiting:
        finding = look(mention, fetch, read)
        with ledger.write() as connection:
            settled += _settle(connection, ledger, mention, finding)
            forget_refused(connection, ledger.clock())
    return settled


def look(mention: SentMention, fetch: Fetch, read: Read) -> Finding:
    """Fetch the source and see whether it links to its target, and what it says. Never raises."""
    try:
        page = fetch(mention.source)
        early = _of_status(page)
        return early or _of_page(mention, read(page, mention.target))
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


def _of_page(mention: SentMention, page: MentionPage) -> Finding:
    if not page.links:
        return Finding(Outcome.NO_LINK, f"The page has no link to {mention.target}.")
    if not page.words:
        return Finding(Outcome.REFUSED, "The page has no words of its author's own, or too many.")
    name = clean_name(page.author_name)
    return Finding(
        Outcome.SAYS,
        reply=IncomingReply(
            external_id=mention.source,
            address=author_address(mention.source, page.author_url),
            text=page.words,
            author_name=name if len(name) <= MOST_NAME_CHARACTERS else "",
            author_url=page.author_url,
            source_url=mention.source,
            written_at=_moment(page.published),
            in_reply_to=(mention.target,),
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


def _settle(connection: Connection, ledger: Ledger, mention: SentMention, finding: Finding) -> bool:
    now = ledger.clock()
    if finding.outcome is Outcome.LATER and now - mention.received_at < MOST_TRYING:
        again = now + min(FIRST_WAIT * (1 << min(mention.attempts, 10)), MOST_WAIT)
        settle(connection, mention, mention.state, now, error=finding.reason, due_at=again)
        return False
    campaign = campaign_of(connection, mention.target)
    if campaign is None:
        reason = "The page that it mentions belongs to no campaign any more."
        return settle(connection, mention, MentionState.REFUSED, now, error=reason)
    account = ensure_account(
        connection, ledger.keys, Channel.WEBMENTION, campaign.slug, campaign.id
    )
    known = _is_known(connection, account, mention.source)
    if finding.reply is not None and not campaign.is_open and not known:
        finding = Finding(Outcome.REFUSED, f"The campaign '{campaign.slug}' is closed.")
    state = _state(finding, known=known)
    if not settle(connection, mention, state, now, error=finding.reason):
        return False
    stored = _apply(connection, account, mention, finding, now) if known or finding.reply else 0
    unheard = not known and finding.reply is None
    if unheard:
        skipped = Skipped(mention.source, finding.reason, finding.skip_kind)
        store_skipped(connection, account, [skipped], now)
    note_read(
        connection,
        account.id,
        cursor="",
        now=now,
        next_poll_at=None,
        stored=stored,
        skipped=int(unheard),
    )
    return True


def _state(finding: Finding, *, known: bool) -> MentionState:
    if finding.outcome is Outcome.SAYS:
        return MentionState.TAKEN
    if finding.outcome is Outcome.LATER:
        return MentionState.GIVEN_UP
    refused = finding.outcome is Outcome.REFUSED or not known
    return MentionState.REFUSED if refused else MentionState.GONE


def _apply(
    connection: Connection, account: Account, mention: SentMention, finding: Finding, now: datetime
) -> int:
    """Store, change or hold the reply; returns how many are new."""
    if finding.reply is not None:
        stored = store_replies(connection, account, [finding.reply], now)
        apply_tombstones(connection, account, [mention.source], now)
        if not stored:
            note_edit(connection, account, finding.reply, now)
        return stored
    if finding.outcome is Outcome.PROTECTED:
        note_gone(connection, account, mention.source, SourceState.PROTECTED, now)
    elif finding.outcome is Outcome.GONE or (
        finding.outcome is Outcome.NO_LINK and not _mentions_otherwise(connection, account, mention)
    ):
        note_gone(connection, account, mention.source, SourceState.GONE, now)
    return 0


def _mentions_otherwise(connection: Connection, account: Account, mention: SentMention) -> bool:
    """Whether the source still links to another page of the same campaign, as far as we know."""
    others = (
        campaign_of(connection, other.target) for other in links_elsewhere(connection, mention)
    )
    return any(found is not None and found.id == account.campaign_id for found in others)


def _is_known(connection: Connection, account: Account, source: str) -> bool:
    row = connection.execute(
        select(replies.c.id).where(
            replies.c.account_id == account.id, replies.c.external_id == source
        )
    ).first()
    return row is not None


@dataclass(frozen=True)
class Webmentions(Unpolled):
    """The connector: mentions are brought to us, and their sources can be looked at again."""

    fetch_page: Fetch = safe_fetch.fetch

    def look_again(self, external_ids: Sequence[str]) -> dict[str, SourceState]:
        """How these pages stand now; one that can't be reached is not in the answer."""
        found = {source: self._state(source) for source in external_ids}
        return {source: state for source, state in found.items() if state is not None}

    def _state(self, source: str) -> SourceState | None:
        try:
            status = self.fetch_page(source).status
        except DefinedbyError:
            return None
        if status in _GONE:
            return SourceState.GONE
        if status in _PROTECTED:
            return SourceState.PROTECTED
        return SourceState.THERE if 200 <= status < 300 else None


def open_connector(account: Account, context: Context = Context()) -> Connector:  # noqa: ARG001, B008 - every one is the same; a Context is frozen
    """The connector of a webmention account."""
    return Webmentions(
        answer="The blog takes webmentions; what servers send is checked within minutes.",
        refusal="A webmention can't carry a message to the person who wrote the page.",
        mend="Write to an address that their page names, or answer on a page of the blog.",
    )
