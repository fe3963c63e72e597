"""The spend meter of an account whose channel charges by use: a cap that is never exceeded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from collector.connector import LOOK, ChannelError, Held
from ledger.clock import Clock, system_clock
from ledger.database import Ledger
from ledger.model import Account
from ledger.sources import uses_sources
from ledger.spending import charge, hold, let_go, month_of, spent, spent_on

DOLLAR = 1_000_000
#: This part of the cap is only for looking again at posts that are used (promise P38).
KEPT_FOR_LOOKING = 0.25
CAP_REACHED = "The monthly cap of"


def cap_of(options: Mapping[str, Any]) -> float | None:
    """The most that an account with these options may cost a month, in dollars; None: no cap."""
    cap = options.get("monthly_cap")
    return None if cap in (None, "") else float(cap)


class AccountMeter:
    """Counts against `options["monthly_cap"]`, in dollars; no cap: counts only.

    `prices` are dollars per unit by kind; an account's `options["prices"]` wins over them.
    """

    def __init__(self, ledger: Ledger, account: Account, prices: Mapping[str, float]) -> None:
        self.ledger = ledger
        self.account = account
        self.prices = _prices(account.options, prices)
        cap = cap_of(account.options)
        self.cap = None if cap is None else round(cap * DOLLAR)

    def hold(self, kind: str, count: int) -> Held:
        price, now = self.prices.get(kind, 0), self.ledger.clock()
        if self.cap is None or price == 0:
            return Held(kind, count)
        with self.ledger.write() as connection:
            cap = self.cap
            if kind != LOOK and uses_sources(connection, self.account.id):
                looked = spent_on(connection, self.account.id, LOOK, now)
                cap -= max(0, round(cap * KEPT_FOR_LOOKING) - looked)
            count = hold(connection, self.account.id, count, price, cap, now)
        return Held(kind, count, month_of(now))

    def settle(self, held: Held, ids: Sequence[str]) -> None:
        price, now = self.prices.get(held.kind, 0), self.ledger.clock()
        with self.ledger.write() as connection:
            if held.month:
                let_go(connection, self.account.id, held.month, held.count * price)
            if ids:
                charge(connection, self.account.id, held.kind, ids, price, now)

    def left(self) -> float | None:
        if self.cap is None:
            return None
        with self.ledger.read() as connection:
            cost = spent(connection, self.account.id, self.ledger.clock())
        return max(0, self.cap - cost) / DOLLAR

    def capped(self) -> ChannelError:
        return cap_reached((self.cap or 0) / DOLLAR, self.ledger.clock())


class TrialMeter:
    """For an account that is tried before it is kept; `charge_to` counts it once it is."""

    def __init__(
        self,
        options: Mapping[str, Any],
        prices: Mapping[str, float],
        clock: Clock = system_clock,
    ) -> None:
        self.clock = clock
        self.prices = _prices(options, prices)
        self.cap = cap_of(options)
        self.charged: list[tuple[str, Sequence[str]]] = []

    def hold(self, kind: str, count: int) -> Held:
        price, left = self.prices.get(kind, 0), self.left()
        if left is None or price == 0:
            return Held(kind, count)
        return Held(kind, min(count, round(left * DOLLAR) // price))

    def settle(self, held: Held, ids: Sequence[str]) -> None:
        if ids:
            self.charged.append((held.kind, ids))

    def left(self) -> float | None:
        if self.cap is None:
            return None
        cost = sum(self.prices.get(kind, 0) * len(ids) for kind, ids in self.charged)
        return max(0.0, self.cap - cost / DOLLAR)

    def capped(self) -> ChannelError:
        return cap_reached(self.cap or 0, self.clock())

    def charge_to(self, meter: AccountMeter) -> None:
        """Count what the trial cost against the account that came of it."""
        for kind, ids in self.charged:
            meter.settle(Held(kind, 0), ids)


def cap_reached(cap: float, now: datetime) -> ChannelError:
    """The error to raise when nothing fits under a cap (dollars) before the next month."""
    first = (now.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    return ChannelError(
        f"{CAP_REACHED} ${cap:.2f} is reached; nothing more is read or sent this month.",
        permanent=False,
        mend="Raise the account's monthly cap, or wait for the first of the month.",
        retry_after=first - now,
    )


def _prices(options: Mapping[str, Any], prices: Mapping[str, float]) -> dict[str, int]:
    own = options.get("prices") or {}
    return {kind: round(price * DOLLAR) for kind, price in {**prices, **own}.items()}
