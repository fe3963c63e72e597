"""When mentions are looked at, how often, and in which order: P06, P16, P41."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from collector.safe_fetch import FetchedPage
from collector.webmention.checking import MOST_TRYING
from ledger.accounts import ensure_account
from ledger.database import Ledger
from ledger.errors import TemporaryError
from ledger.mentions import (
    KEPT,
    MOST_WAITING,
    MentionState,
    due,
    receive,
    recent,
    settle,
)
from ledger.model import Campaign, Channel
from tests.conftest import SteppingClock
from tests.mentioning import account, check, near, note, outcome, send, skipped, standing, stored
from tests.servers.web_pages import WebPages

TARGET = "https://blog.example/thought-leadership/"


@pytest.fixture
def elsewhere() -> Iterator[WebPages]:
    with WebPages() as server:
        yield server


@pytest.fixture(autouse=True)
def _campaign(campaign: Campaign) -> None:
    """Every test has the question that is mentioned."""


def test_what_can_be_had_later_is_tried_for_a_day_ever_more_slowly(
    ledger: Ledger, elsewhere: WebPages, clock: SteppingClock
) -> None:
    source = elsewhere.put("/1", status=503)
    send(ledger, source)
    began, tries = clock.now, []
    while clock.now - began < 2 * MOST_TRYING:
        before = len(elsewhere.seen)
        settled = check(ledger, near)
        if len(elsewhere.seen) > before:
            tries.append(clock.now - began)
        if settled:
            break
        assert outcome(ledger) == (MentionState.WAITING, "The page answered with status 503.")
        clock.pass_time(minutes=5)
    waits = [later - sooner for sooner, later in itertools.pairwise(tries)]
    assert waits == sorted(waits)
    assert 8 <= len(tries) <= 16
    assert MOST_TRYING <= tries[-1] < 1.5 * MOST_TRYING
    assert outcome(ledger) == (MentionState.GIVEN_UP, "The page answered with status 503.")
    assert skipped(ledger) == ["The page answered with status 503."]


def test_what_comes_back_in_time_is_taken(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages, clock: SteppingClock
) -> None:
    send(ledger, elsewhere.put("/1", status=503))
    check(ledger, near)
    elsewhere.put("/1", note(TARGET))
    clock.pass_time(minutes=2)
    assert check(ledger, near) == 1
    assert len(stored(ledger, campaign)) == 1


def test_p06_the_newest_look_wins_in_every_order(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    """A check that saw the page is overtaken by its deletion, at each point it can be."""
    source = elsewhere.put("/1", note(TARGET))

    def delete_while_fetching(url: str) -> FetchedPage:
        page = near(url)
        elsewhere.put("/1", status=410)
        send(ledger, source)
        return page

    def deleted_and_checked_while_fetching(url: str) -> FetchedPage:
        page = delete_while_fetching(url)
        assert check(ledger, near) == 1
        return page

    send(ledger, source)
    assert check(ledger, delete_while_fetching) == 0
    assert stored(ledger, campaign) == []
    assert check(ledger, near) == 1
    assert stored(ledger, campaign) == []

    elsewhere.put("/1", note(TARGET))
    send(ledger, source)
    assert check(ledger, deleted_and_checked_while_fetching) == 0
    assert stored(ledger, campaign) == []

    elsewhere.put("/1", note(TARGET))
    send(ledger, source)
    assert check(ledger, near) == 1
    elsewhere.put("/1", note(TARGET, "Changed."))
    send(ledger, source)
    assert check(ledger, deleted_and_checked_while_fetching) == 0
    assert standing(ledger) == [("gone", "")]


def test_two_workers_at_once_store_one_reply(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    for number in range(6):
        send(ledger, elsewhere.put(f"/{number}", note(TARGET, f"Going {number}.")))
    settled: list[int] = []
    together = threading.Barrier(2)

    def work() -> None:
        together.wait()
        settled.append(check(ledger, near))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(settled) == 6
    assert sorted(reply.text for reply in stored(ledger, campaign)) == [
        f"Going {number}." for number in range(6)
    ]
    assert account(ledger).stored == 6


def test_no_transaction_is_open_while_a_page_is_fetched(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    def fetch_and_write(url: str) -> FetchedPage:
        with ledger.write() as connection:
            ensure_account(connection, ledger.keys, Channel.IMPORT, "other", campaign.id)
        return near(url)

    send(ledger, elsewhere.put("/1", note(TARGET)))
    assert check(ledger, fetch_and_write) == 1


def test_a_turn_takes_a_few_and_the_next_one_the_rest(ledger: Ledger, elsewhere: WebPages) -> None:
    for number in range(5):
        send(ledger, elsewhere.put(f"/{number}", note(TARGET)))
    assert [check(ledger, near, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_the_waiting_room_is_not_endless(ledger: Ledger) -> None:
    with ledger.write() as connection:
        for number in range(MOST_WAITING):
            receive(connection, f"https://spam.example/{number}", TARGET, ledger.clock())
    with pytest.raises(TemporaryError, match="Too many"):
        send(ledger, "https://ada.example/1")


def test_what_brought_nothing_is_forgotten_after_a_while(
    ledger: Ledger, elsewhere: WebPages, clock: SteppingClock
) -> None:
    send(ledger, elsewhere.put("/taken", note(TARGET)))
    send(ledger, elsewhere.put("/refused", "<p>no link</p>"))
    assert check(ledger, near) == 2
    for days, kept in (
        (KEPT.days - 1, ["/taken", "/refused", "/new"]),
        (2, ["/taken", "/new"]),
    ):
        clock.pass_time(days=days)
        send(ledger, elsewhere.put("/new", note(TARGET)))
        check(ledger, near)
        with ledger.read() as connection:
            sources = {one.source.removeprefix(elsewhere.base) for one in recent(connection)}
        assert sources == set(kept)


def test_rows_are_kept_on_each_database(any_ledger: Ledger, clock: SteppingClock) -> None:
    """Received twice, due once; settled by whoever read it last."""
    for _ in range(2):
        send(any_ledger, "https://ada.example/1")
    with any_ledger.read() as connection:
        (first,) = due(connection, clock(), 10)
    assert (first.times, first.attempts, first.received_at) == (2, 0, clock())
    later = clock.now.replace(hour=23)
    with any_ledger.write() as connection:
        assert settle(connection, first, first.state, clock(), error="busy", due_at=later)
        assert not settle(connection, first, MentionState.TAKEN, clock())
        assert due(connection, clock(), 10) == []
        (second,) = due(connection, later, 10)
    send(any_ledger, "https://ada.example/1")
    with any_ledger.write() as connection:
        assert not settle(connection, second, MentionState.TAKEN, clock())
        (third,) = due(connection, clock(), 10)
        assert settle(connection, third, MentionState.TAKEN, clock())
        assert due(connection, later, 10) == []
        assert [one.state for one in recent(connection)] == [MentionState.TAKEN]
