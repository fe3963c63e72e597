"""The spend meter: a cap that is never exceeded, and no unit charged twice a day."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from collector.connector import LOOK
from collector.meter import AccountMeter
from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.model import Account, Channel, IncomingReply, ReplyState
from ledger.replies import desk_replies, store_replies
from ledger.spending import spent
from tests.conftest import SteppingClock
from tests.people import define

PRICES = {"mention": 0.001, "post": 0.015}


@pytest.fixture
def account(any_ledger: Ledger) -> Account:
    with any_ledger.write() as connection:
        campaign = add_campaign(connection, any_ledger.clock(), prompt="A talk is ___?")
        return add_account(
            connection,
            any_ledger.keys,
            channel=Channel.X,
            name="@asker_example",
            campaign_id=campaign.id,
            options={"monthly_cap": 0.01},
        )


def cost(ledger: Ledger, account: Account) -> int:
    with ledger.read() as connection:
        return spent(connection, account.id, ledger.clock())


def charge(meter: AccountMeter, kind: str, *ids: str) -> None:
    held = meter.hold(kind, len(ids))
    assert held.count == len(ids)
    meter.settle(held, ids)


def test_the_same_post_costs_once_a_day(
    any_ledger: Ledger, account: Account, clock: SteppingClock
) -> None:
    meter = AccountMeter(any_ledger, account, PRICES)
    charge(meter, "mention", "1", "2", "2")
    charge(meter, "mention", "2", "3")
    assert cost(any_ledger, account) == 3_000
    clock.pass_time(days=1)
    charge(meter, "mention", "3")
    assert cost(any_ledger, account) == 4_000


def test_room_shrinks_to_nothing_and_a_new_month_opens_it(
    any_ledger: Ledger, account: Account, clock: SteppingClock
) -> None:
    meter = AccountMeter(any_ledger, account, PRICES)
    assert meter.hold("post", 1).count == 0
    charge(meter, "mention", *(str(number) for number in range(8)))
    held = meter.hold("mention", 100)
    assert held.count == 2
    assert meter.hold("mention", 100).count == 0  # somebody else's request is under way
    meter.settle(held, ())
    assert meter.left() == 0.002
    charge(meter, "mention", "8", "9")
    assert meter.hold("mention", 100).count == 0
    assert meter.left() == 0
    error = meter.capped()
    assert not error.permanent
    assert error.retry_after is not None
    clock.now += error.retry_after
    assert (clock.now.day, clock.now.hour) == (1, 0)
    assert meter.hold("mention", 100).count == 10


def test_without_a_cap_it_only_counts(any_ledger: Ledger, account: Account) -> None:
    free = Account(account.id, Channel.X, account.name, account.campaign_id, {})
    meter = AccountMeter(any_ledger, free, PRICES)
    charge(meter, "mention", *(str(number) for number in range(100)))
    assert cost(any_ledger, account) == 100_000
    assert meter.left() is None


def test_requests_side_by_side_never_exceed_the_cap(any_ledger: Ledger, account: Account) -> None:
    """Reading, sending and looking run in threads and processes of their own."""
    together = threading.Barrier(8)

    def one(number: int) -> int:
        meter = AccountMeter(any_ledger, account, PRICES)
        together.wait()
        done = 0
        for turn in range(5):
            held = meter.hold("mention", 1)
            if held.count:
                meter.settle(held, [f"{number}-{turn}"])
            done += held.count
        return done

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(one, range(8)))
    assert done == 10
    assert cost(any_ledger, account) == 10_000


def test_what_a_killed_request_held_counts_as_spent(any_ledger: Ledger, account: Account) -> None:
    AccountMeter(any_ledger, account, PRICES).hold("mention", 9)
    assert cost(any_ledger, account) == 9_000
    assert AccountMeter(any_ledger, account, PRICES).hold("mention", 9).count == 1


def test_p38_a_part_of_the_cap_is_kept_for_looking_at_what_is_used(
    any_ledger: Ledger, account: Account, clock: SteppingClock
) -> None:
    meter = AccountMeter(any_ledger, account, {**PRICES, LOOK: 0.001})
    with any_ledger.write() as connection:
        store_replies(
            connection, account, [IncomingReply("7", "ada_example", "A talk is a gift")], clock()
        )
        (reply,) = desk_replies(connection, account.campaign_id, ReplyState.NEW)
    define(any_ledger, reply)
    charge(meter, "mention", *(str(number) for number in range(7)))
    assert meter.hold("mention", 1).count == 0
    charge(meter, LOOK, "7", "8", "9")
    assert meter.hold(LOOK, 1).count == 0
    assert meter.hold("mention", 1).count == 0
