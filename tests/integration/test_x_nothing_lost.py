"""P16 on X, which gives the newest first: what was sent is what is read, whatever happens."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.connector import ChannelError, PromptPost
from ledger.model import IncomingReply
from tests.conftest import SteppingClock
from tests.servers.x import ME, XServer
from tests.servers.x_account import connector_at, prompt_at
from tests.servers.x_http import Fault

#: Far more fetches than any of these needs; a bound for a cursor that turns in circles.
MOST_FETCHES = 600
PATHS = (f"/2/users/{ME}/mentions", "/2/tweets/search/recent", "/2/dm_events")


class World:
    """A server on which things happen between pages, until `arrivals` are used up."""

    def __init__(self, server: XServer, chance: random.Random, arrivals: list[int]) -> None:
        self.server, self.chance, self.arrivals = server, chance, arrivals
        self.prompt: PromptPost = prompt_at(server)
        self.sent: set[str] = set()
        self.writer = server.add_user("writer_example")
        server.between_pages = self.arrive

    def arrive(self) -> None:
        for _ in range(self.arrivals.pop() if self.arrivals else 0):
            text, kind = f"a lamp {len(self.sent)}", self.chance.randrange(4)
            if kind == 0:
                self.server.add_message(text, sender=self.writer)
            elif kind == 1:
                self.server.add_post(text, author=self.writer)
            else:
                self.server.add_post(
                    text,
                    author=self.writer,
                    answers=self.prompt.external_id,
                    mentions=kind == 2,
                )
            self.sent.add(text)

    def trouble(self) -> None:
        """Now and then something fails on the next request."""
        if self.chance.random() < 0.3:
            fault = self.chance.choice([Fault(429), Fault(500), Fault(cut="after"), Fault(403)])
            self.server.spoil(self.chance.choice(PATHS), fault)


def read_all(world: World, limits: list[int], kills: random.Random) -> dict[str, IncomingReply]:
    """Fetch until nothing is left. A kill forgets the page and its cursor, and the connector."""
    stored: dict[str, IncomingReply] = {}
    cursor, turn = "", 0
    for turn in range(MOST_FETCHES):
        connector = connector_at(world.server, prompts=(world.prompt,))
        world.trouble()
        # What comes in while this is read may wait for the next time.
        is_quiet = not world.arrivals
        limit = limits[turn % len(limits)]
        try:
            page = connector.fetch(cursor, limit)
        except ChannelError:
            continue
        assert len(page.replies) + len(page.skipped) <= limit
        assert page.skipped == ()
        if kills.random() < 0.2:
            continue
        cursor = page.next_cursor
        stored |= {reply.external_id: reply for reply in page.replies}
        if not page.more and is_quiet:
            return stored
    pytest.fail(f"The cursor never came to an end: {cursor}")


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 2**32),
    page_size=st.integers(1, 6),
    arrivals=st.lists(st.integers(0, 9), min_size=1, max_size=10),
    limits=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    at_first=st.integers(0, 60),
)
def test_p16_what_was_sent_is_read_whatever_happens(
    seed: int, page_size: int, arrivals: list[int], limits: list[int], at_first: int
) -> None:
    with XServer(SteppingClock()) as server:
        server.page_size = page_size
        chance = random.Random(seed)
        world = World(server, chance, [*arrivals, at_first])
        world.arrive()
        stored = read_all(world, limits, random.Random(seed + 1))
        assert sorted(reply.text for reply in stored.values()) == sorted(world.sent)


def test_p16_a_place_that_x_forgets_is_found_again() -> None:
    """A backlog of messages too long for one turn, and paging tokens that end in between."""
    with XServer(SteppingClock()) as server:
        server.page_size = 3
        writer = server.add_user("writer_example")
        sent = {server.add_message(f"a lamp {n}", sender=writer)["text"] for n in range(100)}
        read: list[str] = []
        cursor = ""
        for turn in range(60):
            if turn in (1, 2):
                server.spoil("/2/dm_events", Fault(400, b'{"detail": "not a valid token"}'))
            page = connector_at(server).fetch(cursor, 20)
            read += [reply.text for reply in page.replies]
            cursor = page.next_cursor
            if not page.more:
                break
        assert sorted(read) == sorted(sent)
