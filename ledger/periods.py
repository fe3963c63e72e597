"""The periods that editions gather, in UTC: weeks of ISO 8601, months, quarters and years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)


class Every(StrEnum):
    """How often a campaign gathers an edition; never by itself when empty."""

    NEVER = ""
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class Period(NamedTuple):
    """From `since` on, and before `until`."""

    since: datetime
    until: datetime

    @property
    def slug(self) -> str:
        """As it stands in an address: 2026, 2026-03, 2026-q1 or 2026-w10."""
        since, days = self.since, (self.until - self.since).days
        if days < 28:
            return f"{since.isocalendar().year}-w{since.isocalendar().week:02}"
        if days < 32:
            return f"{since:%Y-%m}"
        return f"{since:%Y}-q{(since.month + 2) // 3}" if days < 100 else f"{since:%Y}"

    @property
    def words(self) -> str:
        """As it stands in a title: 2026, March 2026, quarter 1 of 2026 or week 10 of 2026."""
        kind, year = self.slug.partition("-")[2], self.slug[:4]
        if kind.startswith("w"):
            return f"week {int(kind[1:])} of {year}"
        if kind.startswith("q"):
            return f"quarter {kind[1:]} of {year}"
        return f"{MONTHS[int(kind) - 1]} {year}" if kind else year


def period_with(every: Every, moment: datetime) -> Period:
    """The period that a moment lies in.

    >>> period_with(Every.MONTH, datetime(2026, 12, 31, tzinfo=UTC)).words
    'December 2026'
    """
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if every is Every.WEEK:
        since = day - timedelta(days=day.weekday())
        return Period(since, since + timedelta(days=7))
    length = 3 if every is Every.QUARTER else 1
    first = (day.month - 1) // length * length
    after = day.year * 12 + first + length
    since = day.replace(month=first + 1, day=1)
    return Period(since, since.replace(year=after // 12, month=after % 12 + 1))


def period_before(every: Every, moment: datetime) -> Period:
    """The last period that is over at a moment."""
    return period_with(every, period_with(every, moment).since - timedelta(days=1))


def year(number: int) -> Period:
    return Period(datetime(number, 1, 1, tzinfo=UTC), datetime(number + 1, 1, 1, tzinfo=UTC))
