"""Reading Bluesky loses nothing: whatever arrives whenever, read set equals sent set (P16)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.bluesky.seen import MOST_REMEMBERED, OVERLAP, Entry, Seen, Standing
from collector.channels.bluesky import BlueskyConnector
from collector.connector import Context, PromptPost
from ledger.model import Page
from tests.servers.bluesky_faults import FaultyBluesky, moment

NOON = 1_767_614_400_000  # 2026-01-05T12:00Z in milliseconds
MINUTE = 60_000
MOST_PAGES = 200


@pytest.fixture
def server() -> Iterator[FaultyBluesky]:
    with FaultyBluesky() as started:
        yield started


@pytest.fixture(scope="module")
def shared_server() -> Iterator[FaultyBluesky]:
    with FaultyBluesky() as started:
        yield started


def connector(server: FaultyBluesky, per_request: int = 100, **more: Any) -> BlueskyConnector:
    context = Context(clock=lambda: datetime(2026, 1, 7, tzinfo=UTC), **more)
    return BlueskyConnector(server.account(), context, per_request=per_request)


def read_all(reader: BlueskyConnector, cursor: str = "", limit: int = 500) -> list[Page]:
    pages = []
    for _ in range(MOST_PAGES):
        pages.append(reader.fetch(cursor, limit))
        cursor = pages[-1].next_cursor
        if not pages[-1].more:
            return pages
    pytest.fail("It never said that there is no more.")


def texts(pages: list[Page]) -> list[str]:
    return [reply.text for page in pages for reply in page.replies]


arrivals = st.lists(
    st.tuples(
        st.integers(0, 20),  # minutes by which the author's clock is behind, ties included
        st.sampled_from(["reply", "mention", "quote", "like"]),
    ),
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    turns=st.lists(arrivals, min_size=1, max_size=5),
    limit=st.integers(1, 7),
    per_request=st.integers(2, 6),
    crashes=st.sets(st.integers(0, 30)),
)
def test_p16_whatever_arrives_is_read(
    shared_server: FaultyBluesky,
    turns: list[list[tuple[int, str]]],
    limit: int,
    per_request: int,
    crashes: set[int],
) -> None:
    """New posts arrive between pages, some dated back; a crash forgets a page and its cursor."""
    shared_server.notifications.clear()
    reader, cursor = connector(shared_server, per_request), ""
    read: set[str] = set()
    sent: set[str] = set()
    taken: Counter[int] = Counter()
    for number in range(MOST_PAGES):
        for late, reason in turns.pop(0) if turns else ():
            at = NOON + (number - late) * MINUTE
            # Bluesky's cursors are times: it can't page through more of one millisecond itself.
            at = next(ms for ms in range(at, at + MINUTE) if taken[ms] < per_request - 1)
            taken[at] += 1
            item = shared_server.arrive(f"lamp {number}", at, reason=reason)
            if reason != "like":
                sent.add(item["uri"])
        page = reader.fetch(cursor, limit)
        assert len(page.replies) <= limit
        if number in crashes:
            continue
        new = [reply.external_id for reply in page.replies]
        assert read.isdisjoint(new), "read twice without a crash"
        read.update(new)
        cursor = page.next_cursor
        if not (turns or page.more or new):
            break
    assert read == sent


def test_p16_many_replies_arrive_once_and_oldest_first(server: FaultyBluesky) -> None:
    for number in range(2500):
        server.arrive(f"lamp {number}", NOON + number // 3)
    pages = read_all(connector(server), limit=250)
    assert texts(pages) == sorted(texts(pages), key=lambda text: int(text[5:]) // 3)
    assert len(set(texts(pages))) == 2500
    # Down once and up once, not once more for every page.
    assert server.asked.count("app.bsky.notification.listNotifications") < 80
    assert len(pages[-1].next_cursor) < 25_000


def test_more_posts_of_one_millisecond_than_a_request_brings(server: FaultyBluesky) -> None:
    for number in range(7):
        server.arrive(f"early {number}", NOON + number)
    for number in range(5):
        server.arrive(f"tied {number}", NOON + 100)
    found = texts(read_all(connector(server, per_request=6)))
    assert len(found) == len(set(found)) == 12


def test_a_post_dated_back_within_a_day_is_found(server: FaultyBluesky) -> None:
    server.arrive("in time", NOON)
    reader = connector(server)
    cursor = read_all(reader)[-1].next_cursor
    server.arrive("late", NOON - OVERLAP + MINUTE)
    assert texts(read_all(reader, cursor)) == ["late"]


def test_an_edited_post_comes_again_as_edited(server: FaultyBluesky) -> None:
    item = server.arrive("A lamp", NOON)
    reader = connector(server)
    cursor = read_all(reader)[-1].next_cursor
    item["cid"], item["record"]["text"] = "bafyother", "Two lamps"
    page = reader.fetch(cursor, 5)
    assert page.replies == ()
    assert [(one.external_id, one.text) for one in page.edited] == [(item["uri"], "Two lamps")]
    assert reader.fetch(page.next_cursor, 5).edited == ()


def test_own_posts_are_left_out(server: FaultyBluesky) -> None:
    item = server.arrive("Our own", NOON)
    item["uri"] = "at://did:plc:owner/app.bsky.feed.post/3kaaaaaaaaaaa"
    item["author"] = {"did": "did:plc:owner", "handle": "owner.test"}
    page = connector(server).fetch("", 5)
    assert (page.replies, page.skipped, page.more) == ((), (), False)


@pytest.mark.parametrize(
    "spoil",
    [
        {"record": None},
        {"record": {"text": 7}},
        {"uri": None},
        {"author": None},
        {"author": {"did": 7}, "indexedAt": "yesterday"},
        {"indexedAt": "9999-12-31T23:59:59.999Z", "record": []},
    ],
)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_p17_a_malformed_item_is_skipped_once_and_stops_nothing(
    server: FaultyBluesky, spoil: dict[str, Any], place: int
) -> None:
    for number in range(5):
        item = server.arrive(f"lamp {number}", NOON + number)
        if number == place:
            item.update(_sort=moment(NOON + number), **spoil)
    pages = read_all(connector(server, per_request=2), limit=2)
    pages += read_all(connector(server), pages[-1].next_cursor)
    assert sorted(texts(pages)) == [f"lamp {number}" for number in range(5) if number != place]
    (skipped,) = [one for page in pages for one in page.skipped]
    assert skipped.external_id
    server.arrive("one more", NOON + 10)
    assert texts(read_all(connector(server), pages[-1].next_cursor)) == ["one more"]


def test_the_thread_brings_what_notifications_left_out(server: FaultyBluesky) -> None:
    noticed, deep = server.arrive("noticed", NOON), server.arrive("deep", NOON + 1)
    silent = server.arrive("silent", NOON + 2)
    server.notifications = [noticed]
    root = "at://did:plc:owner/app.bsky.feed.post/3kaaaaaaaaaaa"
    server.threads[root] = {
        "post": {"uri": root},
        "replies": [
            {"post": noticed, "replies": [{"post": deep, "replies": []}]},
            {"$type": "app.bsky.feed.defs#blockedPost", "uri": "at://x", "blocked": True},
            {"post": silent},
            None,
        ],
    }
    reader = connector(server, prompts=(PromptPost(root, "", datetime(2026, 1, 5, tzinfo=UTC)),))
    pages = read_all(reader)
    assert sorted(texts(pages)) == ["deep", "noticed", "silent"]
    assert texts(read_all(reader, pages[-1].next_cursor)) == []
    one_by_one = read_all(reader, limit=1)
    assert set(texts(one_by_one)) == {"deep", "noticed", "silent"}


def test_a_prompt_that_is_gone_is_reported_once(server: FaultyBluesky) -> None:
    root = "at://did:plc:owner/app.bsky.feed.post/3kaaaaaaaaaaa"
    reader = connector(server, prompts=(PromptPost(root, "", datetime(2026, 1, 5, tzinfo=UTC)),))
    page = reader.fetch("", 5)
    assert [(one.external_id, one.reason) for one in page.skipped] == [
        (root, "The prompt's post is not on Bluesky any more.")
    ]
    assert reader.fetch(page.next_cursor, 5).skipped == ()


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", '{"of":"did:plc:someone-else"}'])
def test_a_cursor_of_nobody_here_reads_from_the_beginning(
    server: FaultyBluesky, cursor: str
) -> None:
    server.arrive("A lamp", NOON)
    assert texts([connector(server).fetch(cursor, 5)]) == ["A lamp"]


def test_what_was_read_is_forgotten_below_the_floor_and_never_above() -> None:
    seen = Seen()
    entries = [Entry(NOON + number, f"u{number}", "v", None) for number in range(900)]
    for entry in entries:
        seen.add(entry)
    seen.raise_floor()
    assert len(seen.ids) == MOST_REMEMBERED
    kept = Seen.of(json.loads(json.dumps(seen.as_json())))
    assert all(kept.standing(entry) is Standing.KNOWN for entry in entries)
    assert kept.standing(Entry(NOON + 899, "other", "v", None)) is Standing.NEW
    assert kept.standing(Entry(NOON + 899, "u899", "w", None)) is Standing.EDITED
