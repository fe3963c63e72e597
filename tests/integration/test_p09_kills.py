"""P09: workers killed at every step and at random while they send, on every channel.

Each kill is a SIGKILL of a process that does what `definedby worker --once` does. CI tries every
fifth step (see tests/killing.py), and five moments at random, on each channel, with PostgreSQL on
one of them. The full run tries every step, and 1,000 moments at random, on each channel with each
database:

    DEFINEDBY_TEST_KILLS=1000 pytest -s tests/integration/test_p09_kills.py
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from collector.dispatch import dispatch
from ledger.campaigns import add_campaign
from ledger.contributors import add_contributor
from ledger.database import Ledger
from ledger.outbox import MessageState, add_draft, approve, settle_unknown
from ledger.tables import outbox
from tests.conftest import SteppingClock
from tests.killing import Killer
from tests.sending_houses import HOUSES, ROBIN, House, MailHouse

KILLS = int(os.environ.get("DEFINEDBY_TEST_KILLS", "5"))
IS_FULL = "DEFINEDBY_TEST_KILLS" in os.environ
STRIDE = 1 if IS_FULL else 5
#: Longer than a claim lasts, and than the lease of a worker that was killed.
PATIENCE = 11


@pytest.fixture
def house(request: pytest.FixtureRequest, any_ledger: Ledger) -> Iterator[House]:
    ledger = any_ledger
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
    if request.param == "email":
        server = request.getfixturevalue("mail_server")
        letters = MailHouse(ledger, campaign, server, "p09")
        letters.move_in()
        yield letters
        return
    built = HOUSES[request.param](ledger, campaign)
    with built.server:
        built.move_in()
        yield built


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with Killer() as running:
        yield running


class Post:
    """One message after the other to one person, each known by its own words."""

    def __init__(self, house: House, *, private: bool) -> None:
        self.house, self.private, self.count = house, private, 0
        self.recipient, self.in_reply_to = house.writer(private=private)
        with house.ledger.write() as connection:
            self.person = add_contributor(connection, house.ledger.keys, house.ledger.clock())

    def add(self) -> None:
        self.count += 1
        ledger = self.house.ledger
        with ledger.write() as connection:
            message = add_draft(
                connection,
                ledger.keys,
                ledger.clock(),
                account_id=self.house.account.id,
                contributor_id=self.person,
                recipient=self.recipient,
                subject="May I?",
                body=f"message {self.count:05} to you",
                domain="blog.example",
                in_reply_to=self.in_reply_to,
                private=self.private,
            )
            approve(connection, message, ROBIN)

    def arrived(self) -> Counter[int]:
        numbers = (text.partition("message ")[2][:5] for text in self.house.sent())
        return Counter(int(number) for number in numbers if number.isdecimal())

    def wait_for(self, count: int) -> None:
        """Mail takes its time from server to server."""
        until = time.monotonic() + 20
        while sum(self.arrived().values()) < count and time.monotonic() < until:
            time.sleep(0.05)

    def settle(self) -> None:
        """Until what was handed to a server has arrived, or will not."""
        before = -1
        while isinstance(self.house, MailHouse) and before != (now := len(self.house.sent())):
            before = now
            time.sleep(1)

    def states(self) -> dict[int, MessageState]:
        with self.house.ledger.read() as connection:
            rows = connection.execute(outbox.select().order_by(outbox.c.id)).all()
        return {row.id: MessageState(row.state) for row in rows}


def send_the_rest(post: Post, clock: SteppingClock) -> None:
    """What is left is sent by a worker that lives, and a person says what became of the unknown."""
    ledger = post.house.ledger
    for _ in range(3):
        clock.pass_time(minutes=PATIENCE)
        while dispatch(ledger).sent:
            pass
        post.settle()
        arrived = post.arrived()
        with ledger.write() as connection:
            for known, state in post.states().items():
                if state is MessageState.UNKNOWN:
                    settle_unknown(connection, known, clock(), left=arrived[known] > 0)


def check(post: Post) -> None:
    """Nothing twice; what the server has is not forgotten; what it has not is not called sent."""
    post.settle()
    arrived, states = post.arrived(), post.states()
    assert [known for known, times in arrived.items() if times > 1] == []
    safe = (MessageState.SENT, MessageState.UNKNOWN, MessageState.CLAIMED)
    assert [known for known in arrived if states[known] not in safe] == []
    called_sent = {known for known, state in states.items() if state is MessageState.SENT}
    assert called_sent <= set(arrived)


SENDING = (
    ("email", True),
    ("mastodon", True),
    ("mastodon", False),
    ("bluesky", True),
    ("bluesky", False),
    ("x", True),
    ("x", False),
)


def cases() -> Iterator[Any]:
    for database in ("sqlite", "postgres"):
        for channel, private in SENDING:
            if database == "sqlite" or (channel == "mastodon" and private) or IS_FULL:
                marks = [pytest.mark.postgres] if database == "postgres" else []
                marks += [pytest.mark.mail] if channel == "email" else []
                yield pytest.param(database, channel, private, marks=marks)


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    ("any_ledger", "house", "private"), list(cases()), indirect=["any_ledger", "house"]
)
def test_p09_killed_anywhere_nothing_is_sent_twice_or_forgotten(
    house: House, private: bool, clock: SteppingClock, killer: Killer
) -> None:
    post = Post(house, private=private)
    chance = random.Random(9)
    kills = 0

    def work(**when: float) -> dict[str, Any]:
        clock.pass_time(minutes=PATIENCE)
        post.add()
        return killer.dispatch(house.ledger.settings, clock(), **when)

    work()  # signs in, where that is done once
    usual = work()
    post.wait_for(2)
    assert not usual["killed"]
    for step in range(chance.randrange(STRIDE), usual["steps"], STRIDE):
        kills += work(step=step)["killed"]
        if not isinstance(house, MailHouse):
            check(post)
    at_steps = kills
    assert at_steps >= usual["steps"] // STRIDE // 2
    for _ in range(KILLS):
        kills += work(seconds=chance.uniform(0, usual["seconds"]))["killed"]
    check(post)
    print(f"{house.channel}: {kills} kills, {at_steps} of them at steps; {post.count} messages")
    send_the_rest(post, clock)
    post.wait_for(post.count)
    assert post.arrived() == dict.fromkeys(range(1, post.count + 1), 1)
    assert set(post.states().values()) == {MessageState.SENT}
