"""Walking down a listing: the oldest first where that can be had, a gap remembered where not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collector.connector import ChannelError
from collector.x.errors import PlaceLost
from collector.x.walk import MOST_REQUESTS, Batch, Item, Listing, Mark, Taken, read_listing
from ledger.model import Skipped


def item(position: int, name: str = "") -> Item:
    return Item(position, Skipped(name or str(position), "Seen."))


def listing(newest: int, *, size: int = 1, by_token: bool = False) -> Listing:
    """Items from `newest` down to 1, in batches of `size`."""

    def ask(mark: Mark, token: str) -> Batch:
        top = int(token) if token else newest
        if mark.until and not by_token:
            top = min(top, mark.until - 1)
        low = max(top - size, 0)
        items = [item(position) for position in range(top, low, -1) if position > mark.since]
        return Batch(items, str(low) if low > mark.since else "")

    return Listing("sample", ask, by_token=by_token)


def positions(taken: Taken) -> list[int]:
    return [item.position for item in taken.items]


def failing(after: int, error: Callable[[], ChannelError]) -> Listing:
    """Gives that many batches of one, then fails."""
    good = listing(99)

    def ask(mark: Mark, token: str) -> Batch:
        if token and int(token) <= 99 - after:
            raise error()
        return good.ask(mark, token)

    return Listing("sample", ask)


def busy() -> ChannelError:
    return ChannelError("Busy.", permanent=False, mend="Wait.")


def test_what_can_be_reached_comes_oldest_first() -> None:
    first = read_listing(listing(8), Mark(), 3)
    assert (positions(first), first.mark, first.rest) == ([1, 2, 3], Mark(since=3), True)
    last = read_listing(listing(8), first.mark, 50)
    assert (positions(last), last.mark, last.rest) == ([4, 5, 6, 7, 8], Mark(since=8), False)


@pytest.mark.parametrize("by_token", [True, False])
def test_what_is_too_deep_leaves_a_gap_that_is_closed_later(by_token: bool) -> None:
    deep = listing(25, by_token=by_token)
    read: list[int] = []
    mark, rest, turns = Mark(), True, 0
    while rest:
        taken = read_listing(deep, mark, 4)
        read += positions(taken)
        mark, rest, turns = taken.mark, taken.rest, turns + 1
        if turns == 2:
            assert (mark.since, mark.newest) == (0, 25)
            deep = listing(27, by_token=by_token)  # two more came in
        assert turns < 50
    assert sorted(read) == list(range(1, 28))
    assert read[-2:] == [26, 27]
    assert mark == Mark(since=27)


def test_a_closed_gap_says_that_there_may_be_more_above_it() -> None:
    taken = read_listing(listing(9), Mark(since=2, until=5, newest=7), 50)
    assert (positions(taken), taken.mark, taken.rest) == ([3, 4], Mark(since=7), True)


def test_what_was_read_before_an_error_is_kept() -> None:
    taken = read_listing(failing(3, busy), Mark(), 50)
    assert positions(taken) == [97, 98, 99]
    assert taken.mark == Mark(since=0, until=97, newest=99)
    assert str(taken.error) == "Busy."
    below = read_listing(failing(3, busy), taken.mark, 50)
    assert (positions(below), below.mark) == ([96], Mark(since=0, until=96, newest=99))


def test_an_error_at_once_moves_nothing() -> None:
    def ask(_mark: Mark, _token: str) -> Batch:
        raise busy()

    mark = Mark(since=3, until=7, newest=9)
    taken = read_listing(Listing("sample", ask), mark, 50)
    assert (taken.items, taken.mark, str(taken.error)) == ((), mark, "Busy.")


def test_a_lost_place_is_looked_for_once() -> None:
    asked: list[str] = []

    def ask(_mark: Mark, token: str) -> Batch:
        asked.append(token)
        raise PlaceLost("Lost.", permanent=False, mend="Wait.")

    taken = read_listing(Listing("sample", ask, by_token=True), Mark(token="stale"), 5)
    assert asked == ["stale", ""]
    assert isinstance(taken.error, PlaceLost)
    assert (taken.items, taken.mark.token) == ((), "")


def test_empty_pages_are_followed_and_at_last_said() -> None:
    def ask(_mark: Mark, token: str) -> Batch:
        return Batch((), f"{token}x")

    by_id = read_listing(Listing("sample", ask), Mark(since=3), 5)
    assert (by_id.mark, str(by_id.error)) == (Mark(since=3), "X answers with empty pages only.")
    by_token = read_listing(Listing("sample", ask, by_token=True), Mark(since=3), 5)
    assert (by_token.mark.token, by_token.error) == ("x" * MOST_REQUESTS, None)


def test_items_at_one_position_are_not_parted() -> None:
    def ask(_mark: Mark, _token: str) -> Batch:
        return Batch([item(3), item(2, "a"), item(2, "b"), item(2, "c"), item(1)])

    taken = read_listing(Listing("sample", ask), Mark(), 2)
    assert positions(taken) == [1, 2, 2, 2]
    assert positions(read_listing(Listing("sample", ask), taken.mark, 2)) == [3]


def test_a_mark_survives_its_json_and_an_odd_one_starts_anew() -> None:
    mark = Mark(since=1 << 62, until=7, newest=9, token="t")
    assert Mark.of(mark.as_json()) == mark
    assert Mark.of(Mark().as_json()) == Mark()
    for odd in (None, 5, [], {"since": "x"}, {"since": None}, {"since": []}):
        assert Mark.of(odd) == Mark()
