"""Periods and the titles that follow from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.edition_titles import in_a_sentence, title_by_rule, title_of_the_best
from ledger.periods import Every, period_before, period_with, year

WHEN = datetime(2026, 3, 4, 10, tzinfo=UTC)
REAL = [one for one in Every if one]


@pytest.mark.parametrize(
    ("every", "slug", "words"),
    [
        (Every.WEEK, "2026-w10", "week 10 of 2026"),
        (Every.MONTH, "2026-03", "March 2026"),
        (Every.QUARTER, "2026-q1", "quarter 1 of 2026"),
    ],
)
def test_what_a_period_is_called(every: Every, slug: str, words: str) -> None:
    period = period_with(every, WHEN)
    assert (period.slug, period.words) == (slug, words)


def test_a_week_of_two_years_is_named_as_the_standard_names_it() -> None:
    assert period_with(Every.WEEK, datetime(2027, 1, 2, tzinfo=UTC)).slug == "2026-w53"


@given(st.integers(0, 900 * 366 * 24), st.sampled_from(REAL))
def test_periods_follow_each_other_without_a_gap(hours: int, every: Every) -> None:
    moment = datetime(1971, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    now, before = period_with(every, moment), period_before(every, moment)
    assert now.since <= moment < now.until
    assert before.until == now.since
    assert period_with(every, now.until).since == now.until
    assert period_with(every, now.until - timedelta(microseconds=1)) == now


def test_titles_by_rule() -> None:
    term = "Thought leadership"
    assert title_by_rule(term, "en", 33) == "33 people define thought leadership"
    assert title_by_rule(term, "en", 1) == "One person defines thought leadership"
    assert title_by_rule(term, "en", 0) == "Definitions of thought leadership"
    assert (
        title_by_rule(term, "en", 4, theme="silence")
        == "4 people define thought leadership: silence"
    )
    assert (
        title_by_rule(term, "en", 4, period=period_with(Every.MONTH, WHEN))
        == "4 people define thought leadership, March 2026"
    )
    assert (
        title_of_the_best(term, "en", year(2026))
        == "The best definitions of thought leadership, 2026"
    )


def test_capitals_that_mean_something_stay() -> None:
    assert in_a_sentence("Kubernetes", "en") == "Kubernetes"
    assert in_a_sentence("Web AI", "en") == "Web AI"
    assert in_a_sentence("Gute Führung", "de") == "Gute Führung"
