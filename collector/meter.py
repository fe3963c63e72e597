"""The spend meter of an account whose channel charges by use: a cap that is never exceeded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from collector.connector import ChannelError
from ledger.database import Ledger
from ledger.model import Account
from ledger.spending import charge, spent

DOLLAR = 1_000_000


def cap_of(account: Account) -> float | None:
    """The most that this account may cost a month, in dollars; None: no cap."""
    cap = account.options.get("monthly_cap")
    return None if cap in (None, "") else float(cap)


class AccountMeter:
    """Counts against `options["monthly_cap"]`, in dollars; no cap: counts only.

    `prices` are dollars per unit by kind; an account's `options["prices"]` wins over them.
    """

    def __init__(self, ledger: Ledger, account: Account, prices: Mapping[str, float]) -> None:
        self.ledger = ledger
        self.account = account
        own = account.options.get("prices") or {}
        self.prices = {kind: round(price * DOLLAR) for kind, price in {**prices, **own}.items()}
        cap = cap_of(account)
        self.cap = None if cap is None else round(cap * DOLLAR)

    def charge(self, kind: str, ids: Sequence[str]) -> None:
        with self.ledger.write() as connection:
            charge(
                connection,
                self.account.id,
                kind,
                ids,
                self.prices.get(kind, 0),
                self.ledger.clock(),
            )

    def room_for(self, kind: str, count: int) -> int:
        price = self.prices.get(kind, 0)
        if self.cap is None or price == 0:
            return count
        with self.ledger.read() as connection:
            left = self.cap - spent(connection, self.account.id, self.ledger.clock())
        fitting: int = left // price
        return max(0, min(count, fitting))

    def capped(self) -> ChannelError:
        now = self.ledger.clock()
        first = (now.replace(day=1) + timedelta(days=32)).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        cap = 0.0 if self.cap is None else self.cap / DOLLAR
        return ChannelError(
            f"The monthly cap of ${cap:.2f} is reached; nothing more is read or sent this month.",
            permanent=False,
            mend="Raise the account's monthly cap, or wait for the first of the month.",
            retry_after=first - now,
        )
