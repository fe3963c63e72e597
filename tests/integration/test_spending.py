"""The spend meter: a cap that is never exceeded, and no unit charged twice a day."""

from __future__ import annotations

import pytest

from collector.meter import AccountMeter
from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.model import Account, Channel
from ledger.spending import spent
from tests.conftest import SteppingClock

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


def test_the_same_post_costs_once_a_day(
    any_ledger: Ledger, account: Account, clock: SteppingClock
) -> None:
    meter = AccountMeter(any_ledger, account, PRICES)
    meter.charge("mention", ["1", "2", "2"])
    meter.charge("mention", ["2", "3"])
    assert cost(any_ledger, account) == 3_000
    clock.pass_time(days=1)
    meter.charge("mention", ["3"])
    assert cost(any_ledger, account) == 4_000


def test_room_shrinks_to_nothing_and_a_new_month_opens_it(
    any_ledger: Ledger, account: Account, clock: SteppingClock
) -> None:
    meter = AccountMeter(any_ledger, account, PRICES)
    assert meter.room_for("mention", 100) == 10
    assert meter.room_for("post", 1) == 0
    meter.charge("mention", [str(number) for number in range(8)])
    assert meter.room_for("mention", 100) == 2
    meter.charge("mention", ["8", "9"])
    assert meter.room_for("mention", 100) == 0
    error = meter.capped()
    assert not error.permanent
    assert error.retry_after is not None
    clock.now += error.retry_after
    assert (clock.now.day, clock.now.hour) == (1, 0)
    assert meter.room_for("mention", 100) == 10


def test_without_a_cap_it_only_counts(any_ledger: Ledger, account: Account) -> None:
    free = Account(account.id, Channel.X, account.name, account.campaign_id, {})
    meter = AccountMeter(any_ledger, free, PRICES)
    assert meter.room_for("mention", 100) == 100
    meter.charge("mention", ["1"])
    assert cost(any_ledger, account) == 1_000
