"""Poll: read accounts page by page; replies and cursor are stored in one transaction.

A kill at any point loses nothing: the cursor never moves before the rows are safe, and what is
read twice is stored once (promise P16).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from collector.channels import POLLED, open_connector
from collector.connector import ChannelError, SourceState
from collector.context import context_of
from ledger.accounts import account_by_id, note_failure, note_read
from ledger.database import Ledger
from ledger.keys import Keys
from ledger.leases import Lease, check_fence
from ledger.model import Account, Page
from ledger.profile_marks import note_marks
from ledger.profile_pictures import note_profile_pictures
from ledger.replies import store_replies, store_skipped
from ledger.sources import apply_tombstones, note_edit, note_gone
from ledger.suppressed import part_erased

#: Replies per page: one transaction each.
PAGE_SIZE = 500
#: Pages per turn, so that one busy account does not keep the others waiting.
MOST_PAGES = 20
#: After this long in one turn, the rest of an account waits for its next one.
LONGEST_TURN = timedelta(minutes=2)
FIRST_WAIT = timedelta(seconds=30)
MOST_WAIT = timedelta(hours=1)
#: A quiet account is read more and more rarely, at most this many times its usual interval.
MOST_PATIENCE = 10
GROWING = 1.5
#: A tenth more or less, so that many accounts do not knock at one moment.
JITTER = 0.1


@dataclass(frozen=True)
class PollReport:
    """What reading one account brought; `error` says what went wrong and how to mend it."""

    account: str
    channel: str
    stored: int = 0
    skipped: int = 0
    error: str = ""
    permanent: bool = False


def _not_given_up() -> bool:
    return False


def poll_account(
    ledger: Ledger,
    account: Account,
    lease: Lease | None = None,
    is_given_up: Callable[[], bool] = _not_given_up,
) -> PollReport:
    """Read one account until it has nothing more, or for `MOST_PAGES` pages.

    Never raises ChannelError: what goes wrong is kept with the account, with the time of the
    next try. Once `is_given_up`, nothing is kept any more: it is read again from where it was.
    """
    stored = skipped = 0
    until = ledger.clock() + LONGEST_TURN
    try:
        connector = open_connector(account, context_of(ledger, account))
        for _ in range(MOST_PAGES):
            page = connector.fetch(account.cursor, PAGE_SIZE)
            if is_given_up():
                break
            new = store_page(ledger, account, page, lease, found=stored > 0)
            stored, skipped = stored + new, skipped + len(page.skipped)
            if not page.more or ledger.clock() > until:
                break
            with ledger.read() as connection:
                account = account_by_id(connection, ledger.keys, account.id)
    except ChannelError as error:
        sentence = f"{error} {error.mend}".strip()
        if not is_given_up():
            wait = _wait_after_error(ledger, account, error)
            with ledger.write() as connection:
                if lease is not None:
                    check_fence(connection, lease)
                note_failure(
                    connection,
                    account.id,
                    error=sentence,
                    next_poll_at=ledger.clock() + wait,
                    needs_person=error.permanent,
                )
        return PollReport(account.name, account.channel, stored, skipped, sentence, error.permanent)
    return PollReport(account.name, account.channel, stored, skipped)


def store_page(
    ledger: Ledger,
    account: Account,
    page: Page,
    lease: Lease | None = None,
    *,
    found: bool = False,
) -> int:
    """Store a page and its cursor together; returns how many replies were new.

    `found`: earlier pages of this turn brought something, so that the next turn comes soon.
    """
    now = ledger.clock()
    with ledger.write() as connection:
        if lease is not None:
            check_fence(connection, lease)
        page = without_erased(connection, ledger.keys, page)
        stored = store_replies(connection, account, page.replies, now)
        marks = ((reply.address, reply.marks) for reply in page.replies)
        note_marks(connection, ledger.keys, account.channel, marks, now)
        shown = ((reply.address, reply.author_picture) for reply in page.replies)
        note_profile_pictures(connection, account.channel, shown, now)
        store_skipped(connection, account, page.skipped, now)
        _note_changes(connection, account, page, now)
        note_read(
            connection,
            account.id,
            cursor=page.next_cursor,
            now=now,
            next_poll_at=_next_turn(ledger, account, now, found=found or stored > 0),
            stored=stored,
            skipped=len(page.skipped),
            loaded=account,
        )
    return stored


def without_erased(connection: Connection, keys: Keys, page: Page) -> Page:
    """The page without anything of people who were erased; each is skipped with the reason."""
    replies, erased = part_erased(connection, keys, page.replies)
    edited, _ = part_erased(connection, keys, page.edited)
    return replace(page, replies=replies, edited=edited, skipped=(*page.skipped, *erased))


def _note_changes(connection: Connection, account: Account, page: Page, now: datetime) -> None:
    for external_id in page.gone:
        note_gone(connection, account, external_id, SourceState.GONE, now)
    for reply in page.edited:
        note_edit(connection, account, reply, now)
    apply_tombstones(connection, account, [reply.external_id for reply in page.replies], now)


def _next_turn(ledger: Ledger, account: Account, now: datetime, *, found: bool) -> datetime | None:
    """When to read again: soon after an answer, later when quiet.

    Never by itself where people bring the replies to us.
    """
    if account.channel not in POLLED:
        return None
    least = least_wait(ledger, account)
    usual = max(timedelta(seconds=ledger.settings.poll_seconds), least)
    wait = usual
    if not found and account.last_read_at and account.next_poll_at:
        last = account.next_poll_at - account.last_read_at
        wait = max(usual, min(last * GROWING, usual * MOST_PATIENCE))
    return now + max(_spread(wait), least)


def least_wait(ledger: Ledger, account: Account) -> timedelta:
    """The least time between two readings that the account's platform allows."""
    return timedelta(seconds=getattr(ledger.settings, f"{account.channel}_poll_seconds"))


def _wait_after_error(ledger: Ledger, account: Account, error: ChannelError) -> timedelta:
    """Until the platform's own reset time and a little more, else longer each time."""
    least = least_wait(ledger, account)
    if error.retry_after:
        # Later only: before the time it named, the platform would count it against us.
        return max(error.retry_after + _spread(least) * JITTER, least)
    return max(_spread(wait_after(account.failures, permanent=error.permanent)), least)


def _spread(wait: timedelta) -> timedelta:
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  spreads load only


def wait_after(failures: int, *, permanent: bool) -> timedelta:
    """Until the next try: twice as long each time, at most an hour.

    What needs a person is tried hourly all the same, so that a mended mailbox needs no restart.
    """
    if permanent:
        return MOST_WAIT
    return min(FIRST_WAIT * (1 << min(failures, 10)), MOST_WAIT)
