"""Telling: pages that our posts quote hear of them by webmention, and of their end (W3C, 3.1)."""

from __future__ import annotations

from datetime import timedelta

from collector import safe_fetch
from collector.webmention.page import read_apart
from collector.webmention.sending import NO_ENDPOINT, Fetch, Post, Read, SendOutcome, send_mention
from ledger.database import Ledger
from ledger.paused import paused
from ledger.told_pages import ToldPage, ToldState, due_pages, forget_failed, settle_told

#: Per turn of the worker: each takes two requests of 5 seconds at most.
MOST_PER_TURN = 5
#: Twice as long each time, at most six hours: given up after about a day.
FIRST_WAIT = timedelta(minutes=1)
MOST_WAIT = timedelta(hours=6)
MOST_ATTEMPTS = 12


def tell_pages(
    ledger: Ledger,
    fetch: Fetch = safe_fetch.fetch,
    post: Post = safe_fetch.post_form,
    read: Read = read_apart,
) -> int:
    """Tell the pages that are due; returns how many are settled. A paused instance tells none.

    No claim is needed before the network call, as for messages: a page that is told twice looks
    at our post once more, and finds what it has found before.
    """
    with ledger.read() as connection:
        if paused(connection):
            return 0
        waiting = due_pages(connection, ledger.keys, ledger.clock(), MOST_PER_TURN)
    settled = 0
    for told in waiting:
        outcome = send_mention(told.post, told.page, fetch=fetch, post=post, read=read)
        settled += _settle(ledger, told, outcome)
    return settled


def _settle(ledger: Ledger, told: ToldPage, outcome: SendOutcome) -> bool:
    now = ledger.clock()
    with ledger.write() as connection:
        forget_failed(connection, now)
        if outcome.is_temporary and told.attempts + 1 < MOST_ATTEMPTS:
            due_at = now + min(FIRST_WAIT * (1 << told.attempts), MOST_WAIT)
            state = ToldState.WAITING
            settle_told(connection, told, state, now, error=outcome.reason, due_at=due_at)
            return False
        state = _state(outcome)
        error = outcome.reason if state is ToldState.FAILED else ""
        return settle_told(connection, told, state, now, error=error)


def _state(outcome: SendOutcome) -> ToldState:
    if outcome.is_sent:
        return ToldState.TOLD
    return ToldState.DEAF if outcome.reason == NO_ENDPOINT else ToldState.FAILED
