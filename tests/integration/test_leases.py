"""Leases and fences, on each database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.database import Ledger
from ledger.leases import LeaseLostError, acquire, check_fence, release, renew
from tests.conftest import SteppingClock

LENGTH = timedelta(seconds=10)


def test_one_holder_at_a_time(any_ledger: Ledger, clock: SteppingClock) -> None:
    with any_ledger.write() as connection:
        first = acquire(connection, "worker", "one", clock(), LENGTH)
        assert first is not None
        assert acquire(connection, "worker", "two", clock(), LENGTH) is None
        clock.pass_time(seconds=9)
        renew(connection, first, clock(), LENGTH)
        clock.pass_time(seconds=9)
        assert acquire(connection, "worker", "two", clock(), LENGTH) is None
        release(connection, first, clock())
        assert acquire(connection, "worker", "two", clock(), LENGTH) is not None


def test_a_frozen_holder_is_stopped_by_its_fence(any_ledger: Ledger, clock: SteppingClock) -> None:
    with any_ledger.write() as connection:
        frozen = acquire(connection, "worker", "one", clock(), LENGTH)
        assert frozen is not None
        check_fence(connection, frozen)
        clock.pass_time(seconds=11)
        newer = acquire(connection, "worker", "two", clock(), LENGTH)
        assert newer is not None
        with pytest.raises(LeaseLostError):
            check_fence(connection, frozen)
        with pytest.raises(LeaseLostError):
            renew(connection, frozen, clock(), LENGTH)
        release(connection, frozen, clock())
        check_fence(connection, newer)
