"""Accounts are read side by side: one that hangs, breaks or waits delays nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from collector.poll import _next_turn
from collector.polling import MOST_HANGING, Poller, poll_all
from ledger.accounts import add_account, all_accounts, set_reading
from ledger.clock import system_clock
from ledger.database import Ledger
from ledger.leases import LeaseLostError, acquire
from ledger.model import Account, Campaign, Channel, ReadingState
from ledger.settings import load_settings
from tests.conftest import SteppingClock
from tests.servers.mastodon_api import MastodonApi
from tests.servers.mastodon_http import Fault

#: Seconds until a turn is given up here.
LONGEST = 2.1


@pytest.fixture
def slow(clock: SteppingClock) -> Iterator[MastodonApi]:
    """A server that answers, but byte by byte, so that no time-out of a socket ever strikes."""
    with MastodonApi(clock) as running:
        running.faults.append(Fault(drip=5, times=1000))
        yield running


@pytest.fixture
def quick(clock: SteppingClock) -> Iterator[MastodonApi]:
    with MastodonApi(clock) as running:
        ada = running.add_person("ada@far.example")
        running.mention(ada, "a lamp")
        yield running


def kept(ledger: Ledger, campaign: Campaign, name: str, server: MastodonApi) -> Account:
    with ledger.write() as connection:
        return add_account(
            connection,
            ledger.keys,
            channel=Channel.MASTODON,
            name=name,
            campaign_id=campaign.id,
            options={"base_url": server.url, "timeout": 20},
            secret=server.token,
        )


def named(ledger: Ledger, name: str) -> Account:
    with ledger.read() as connection:
        return next(one for one in all_accounts(connection, ledger.keys) if one.name == name)


def test_an_account_that_hangs_delays_nobody_and_is_reported(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, slow: MastodonApi, quick: MastodonApi
) -> None:
    kept(ledger, campaign, "slow", slow)
    kept(ledger, campaign, "quick", quick)
    poller = Poller(3 * LONGEST)  # time for two turns of the other one, however busy the machine
    began = time.monotonic()
    poller.start_due(ledger)
    assert time.monotonic() - began < LONGEST, "the worker's own thread waits for nobody"
    wait_until(lambda: named(ledger, "quick").stored == 1)
    ada = next(who for who, one in quick.accounts.items() if one["acct"].startswith("ada"))
    quick.mention(ada, "a second lamp")

    def again() -> bool:
        """As the worker does: the first turn may not have ended quite when it asks."""
        clock.pass_time(minutes=2)
        poller.start_due(ledger)
        return named(ledger, "quick").stored == 2

    wait_until(again)
    (report,) = [one for one in poller.finish(ledger) if one.account == "slow"]
    assert "was given up" in report.error
    hung = named(ledger, "slow")
    assert hung.last_error == report.error
    assert hung.failures == 1
    assert not hung.needs_person
    assert hung.next_poll_at is not None
    assert hung.next_poll_at > clock()


def test_p16_what_a_given_up_turn_brings_at_last_is_read_again_and_stored_once(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, quick: MastodonApi
) -> None:
    account = kept(ledger, campaign, "late", quick)
    quick.faults.append(Fault(path="/notifications", wait=1.5))
    poller = Poller(0.4)
    poller.start(ledger, account)
    assert "was given up" in poller.finish(ledger)[0].error
    time.sleep(4.8)  # the turn ends now, and must keep nothing
    assert named(ledger, "late").cursor == ""
    assert named(ledger, "late").stored == 0
    assert poll_all(ledger)[0].stored == 1


def test_no_more_than_a_few_turns_of_one_account_hang(
    ledger: Ledger, campaign: Campaign, slow: MastodonApi
) -> None:
    account = kept(ledger, campaign, "slow", slow)
    poller = Poller(0.2)
    for _ in range(MOST_HANGING):
        poller.start(ledger, account)
        poller.finish(ledger)
    poller.start(ledger, account)
    assert poller.finish(ledger) == []
    turns = [one for one in threading.enumerate() if one.name == f"poll-{account.id}"]
    assert len(turns) == MOST_HANGING
    assert f"holds on to {MOST_HANGING} earlier tries" in named(ledger, "slow").last_error


def test_a_connector_that_breaks_ends_nobody_elses_turn(
    ledger: Ledger, campaign: Campaign, quick: MastodonApi
) -> None:
    kept(ledger, campaign, "good", quick)
    with ledger.write() as connection:
        add_account(
            connection,
            ledger.keys,
            channel=Channel.X,
            name="odd",
            campaign_id=campaign.id,
            options={"monthly_cap": "no number"},  # nothing that our own commands would write
            secret="{}",
        )
    reports = {report.account: report for report in poll_all(ledger)}
    assert reports["good"].stored == 1
    assert "nobody foresaw" in reports["odd"].error
    assert named(ledger, "odd").failures == 1


def test_the_platforms_reset_time_is_waited_for_and_a_little_longer(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, quick: MastodonApi
) -> None:
    kept(ledger, campaign, "capped", quick)
    quick.allowed = 0
    poll_all(ledger)
    planned = named(ledger, "capped").next_poll_at
    assert planned is not None
    wait = planned - clock()
    assert timedelta(minutes=4) < wait < timedelta(minutes=6)


@pytest.mark.parametrize(
    ("channel", "least"), [("email", 30), ("mastodon", 30), ("bluesky", 20), ("x", 90)]
)
def test_no_account_is_read_faster_than_its_platform_allows(channel: str, least: int) -> None:
    settings = load_settings({}, poll_seconds=1)
    ledger = Ledger(settings, None, None, system_clock)  # type: ignore[arg-type]  # only settings
    account = Account(1, Channel(channel), "a", "c")
    now = system_clock()
    for found in (True, False):
        for _ in range(50):
            planned = _next_turn(ledger, account, now, found=found)
            assert planned is not None
            assert timedelta(seconds=least) <= planned - now <= timedelta(seconds=least * 1.11)


def planned_wait(*, found: bool, last: timedelta | None) -> timedelta:
    """Until the next turn of a mailbox whose last interval was `last`; a minute is usual."""
    ledger = Ledger(load_settings({}, poll_seconds=60), None, None, system_clock)  # type: ignore[arg-type]
    now = system_clock()
    account = Account(1, Channel.EMAIL, "a", "c")
    if last is not None:
        account = replace(account, last_read_at=now - last, next_poll_at=now)
    planned = _next_turn(ledger, account, now, found=found)
    assert planned is not None
    return planned - now


def test_a_quiet_account_is_read_more_and_more_rarely_and_soon_again_after_an_answer() -> None:
    usual = timedelta(minutes=1)
    near = timedelta(seconds=7)  # a tenth more or less
    assert abs(planned_wait(found=False, last=None) - usual) < near
    assert abs(planned_wait(found=False, last=usual) - usual * 1.5) < near * 1.5
    assert abs(planned_wait(found=False, last=usual * 8) - usual * 10) < near * 10
    assert abs(planned_wait(found=False, last=usual * 10) - usual * 10) < near * 10
    assert abs(planned_wait(found=True, last=usual * 10) - usual) < near


def test_accounts_do_not_knock_at_one_moment() -> None:
    waits = {planned_wait(found=True, last=None).total_seconds() for _ in range(50)}
    assert max(waits) - min(waits) > 4
    assert 54 <= min(waits) <= max(waits) <= 66


def test_an_answer_on_an_earlier_page_brings_the_next_turn_soon(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, quick: MastodonApi
) -> None:
    """The last page of a turn is empty on Mastodon, whatever the ones before brought."""
    kept(ledger, campaign, "quick", quick)
    for _ in range(8):
        poll_all(ledger)
        clock.now = named(ledger, "quick").next_poll_at or clock.now
    poll_all(ledger)
    patient = (named(ledger, "quick").next_poll_at or clock.now) - clock()
    quick.mention(quick.add_person("ben@far.example"), "a candle")
    poll_all(ledger)
    assert named(ledger, "quick").stored == 2
    assert (named(ledger, "quick").next_poll_at or clock.now) - clock() < patient / 5


def test_what_rests_is_not_read(ledger: Ledger, campaign: Campaign, quick: MastodonApi) -> None:
    account = kept(ledger, campaign, "resting", quick)
    with ledger.write() as connection:
        set_reading(connection, account.id, ReadingState.PAUSED)
    assert poll_all(ledger) == []
    assert quick.requests == []


@pytest.mark.parametrize("fails", [False, True])
def test_a_turn_whose_lease_was_lost_keeps_nothing(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock, quick: MastodonApi, *, fails: bool
) -> None:
    kept(ledger, campaign, "quick", quick)
    if fails:
        quick.faults.append(Fault(status=500, times=9))
    with ledger.write() as connection:
        mine = acquire(connection, "worker", "me", clock(), timedelta(seconds=10))
        assert mine is not None
        clock.pass_time(minutes=1)
        assert acquire(connection, "worker", "you", clock(), timedelta(seconds=10))
    poller = Poller()
    poller.start_due(ledger, mine)
    with pytest.raises(LeaseLostError):
        poller.finish(ledger)
    account = named(ledger, "quick")
    assert (account.stored, account.failures, account.last_error) == (0, 0, "")


def wait_until(is_so: object) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if is_so():  # type: ignore[operator]
            return
        time.sleep(0.02)
    pytest.fail("it did not come to pass")
