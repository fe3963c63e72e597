"""Webmentions that were sent to us: their sources are looked at, and what became of them is kept.

It runs in the worker. A mention that comes again says that its source was changed or deleted
(Webmention, 3.2.3 and 3.2.4).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from collector import safe_fetch
from collector.connector import SourceState
from collector.webmention.look import Fetch, Finding, Outcome, Read, look
from collector.webmention.page import read_apart
from ledger.accounts import ensure_account, note_read
from ledger.database import Ledger
from ledger.mentions import (
    MentionState,
    SentMention,
    campaign_of,
    drop,
    due,
    forget_refused,
    links_elsewhere,
    settle,
)
from ledger.model import Account, Channel, Skipped
from ledger.profile_pictures import note_profile_pictures
from ledger.replies import store_replies, store_skipped
from ledger.sources import apply_tombstones, note_edit, note_edited, note_gone
from ledger.suppressed import part_erased
from ledger.tables import replies

#: Per turn of the worker: each takes 5 seconds at most to fetch.
MOST_PER_TURN = 10
FIRST_WAIT = timedelta(minutes=1)
MOST_WAIT = timedelta(hours=6)
#: A source that could not be reached for so long is given up.
MOST_TRYING = timedelta(days=1)


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
        finding = look(mention.source, [mention.target], fetch, read)
        with ledger.write() as connection:
            settled += _settle(connection, ledger, mention, finding)
            forget_refused(connection, ledger.clock())
    return settled


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
    if finding.reply is not None:
        _, erased = part_erased(connection, ledger.keys, [finding.reply])
        if erased:
            store_skipped(connection, account, erased, now)
            return drop(connection, mention)
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
    refused = finding.outcome in (Outcome.REFUSED, Outcome.NO_WORDS) or not known
    return MentionState.REFUSED if refused else MentionState.GONE


def _apply(
    connection: Connection, account: Account, mention: SentMention, finding: Finding, now: datetime
) -> int:
    """Store, change or hold the reply; returns how many are new."""
    if finding.reply is not None:
        stored = store_replies(connection, account, [finding.reply], now)
        shown = [(finding.reply.address, finding.reply.author_picture)]
        note_profile_pictures(connection, Channel.WEBMENTION, shown, now)
        apply_tombstones(connection, account, [mention.source], now)
        if not stored:
            note_edit(connection, account, finding.reply, now)
        return stored
    if finding.outcome is Outcome.NO_WORDS:
        note_edited(connection, account, mention.source, now)
    elif finding.outcome is Outcome.PROTECTED:
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
