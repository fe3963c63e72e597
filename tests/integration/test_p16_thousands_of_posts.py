"""P16 where prompts are posted: 10,000 answers on X, thousands elsewhere, whatever goes wrong.

The real command polls a server on loopback and is killed again and again; the server limits, fails,
is silent and cuts, and gives some answers late or out of order. What is stored is what was sent.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from collector.polling import poll_all
from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.clock import system_clock
from ledger.database import Ledger, open_ledger
from ledger.model import Channel
from ledger.prompts import begin_prompt, mark_posted
from ledger.settings import load_settings
from tests.commands import Instance
from tests.servers import bluesky_faults, mastodon_http, x_http
from tests.servers.bluesky_faults import FaultyBluesky
from tests.servers.mastodon_api import MastodonApi
from tests.servers.x import ME, XServer
from tests.servers.x_account import OAUTH2

#: How many answers come in. Mail has 10,000, too (test_p16_nothing_lost.py); the servers for these
#: two are slower than what reads from them, and fewer tell as much.
ANSWERS = {Channel.X: 10_000, Channel.MASTODON: 2_000, Channel.BLUESKY: 3_000}
WAVES, KILLED = 8, 3
MOST_POLLS = 400
#: Seconds that our side waits for an answer, and that a silent server keeps it waiting.
PATIENCE, SILENCE = 0.5, 0.8


class Place(Protocol):
    channel: Channel
    options: dict[str, Any]
    secret: str

    def arrive(self, numbers: list[int], chance: random.Random) -> None: ...

    def trouble(self, chance: random.Random) -> None: ...


class AtX:
    """Answers to the prompt, found by the search: mentions are listed up to the latest 800."""

    channel = Channel.X

    def __init__(self, server: XServer) -> None:
        self.server, self.secret = server, json.dumps(OAUTH2)
        self.options = {"base_url": server.url, "messages": "no"}
        self.people = [server.add_user(f"person{n}_example") for n in range(50)]
        self.prompt = str(server.add_post("Leadership is ___?", author=ME, mentions=False)["id"])

    def arrive(self, numbers: list[int], chance: random.Random) -> None:
        for number in numbers:
            author = chance.choice(self.people)
            self.server.add_post(
                f"lamp {number}", author=author, answers=self.prompt, mentions=False
            )

    def trouble(self, chance: random.Random) -> None:
        fault = chance.choice(
            [
                x_http.Fault(429, b"{}", {"x-rate-limit-reset": str(int(time.time()) + 1)}),
                x_http.Fault(500),
                x_http.Fault(503, b"<html>"),
                x_http.Fault(cut="after"),
                x_http.Fault(seconds=SILENCE),
            ]
        )
        self.server.spoil("/2/tweets/search/recent", fault)


class AtMastodon:
    """Mentions; some notifications show up only after later ones, as when they were queued."""

    channel = Channel.MASTODON

    def __init__(self, server: MastodonApi) -> None:
        self.server, self.secret = server, server.token
        self.options = {"base_url": server.url}
        self.people = [server.add_person(f"person{n}@far.example") for n in range(50)]
        self.prompt = str(server.add_status(server.own_id, "Leadership is ___?"))
        server.allowed = 10**9
        self.late: list[tuple[int, int]] = []

    def arrive(self, numbers: list[int], chance: random.Random) -> None:
        for status, place in self.late:
            self.server.notify(status, at=place)
        self.late.clear()
        for number in numbers:
            status = self.server.add_status(chance.choice(self.people), f"lamp {number}")
            if number in numbers[-3:-1]:
                self.late.append((status, self.server.reserve()))
            else:
                self.server.notify(status)

    def trouble(self, chance: random.Random) -> None:
        soon = mastodon_http.iso(system_clock())
        fault = chance.choice(
            [
                mastodon_http.Fault(status=429, headers={"X-RateLimit-Reset": soon}),
                mastodon_http.Fault(status=500),
                mastodon_http.Fault(status=503, body=b"<html>"),
                mastodon_http.Fault(cut="after"),
                mastodon_http.Fault(wait=SILENCE),
            ]
        )
        fault.path = "notifications"
        self.server.faults.append(fault)


class AtBluesky:
    """Answers by people whose clocks differ: each wave comes shuffled, some of it dated back."""

    channel = Channel.BLUESKY

    def __init__(self, server: FaultyBluesky) -> None:
        self.server = server
        self.secret = json.dumps({"password": bluesky_faults.PASSWORD, "session": ""})
        self.options = {"handle": bluesky_faults.OWN_HANDLE, "base_url": server.base_url}
        self.prompt = f"at://{bluesky_faults.OWN_DID}/app.bsky.feed.post/3kprompt"
        self.now = int(time.time() * 1000) - 100 * ANSWERS[self.channel]
        self.taken: set[int] = set()

    def arrive(self, numbers: list[int], chance: random.Random) -> None:
        self.now += 100 * len(numbers)
        for number in chance.sample(numbers, len(numbers)):
            back = 60_000 if chance.random() < 0.05 else 50 * len(numbers)
            at = self.now - chance.randrange(back)
            while at in self.taken:
                at -= 1
            self.taken.add(at)
            self.server.arrive(f"lamp {number}", at)

    def trouble(self, chance: random.Random) -> None:
        nsid = "app.bsky.notification.listNotifications"
        soon = {"ratelimit-reset": str(int(time.time()) + 1)}
        fault = chance.choice(
            [
                bluesky_faults.Fault(nsid, 429, b"{}", soon),
                bluesky_faults.Fault(nsid, 500),
                bluesky_faults.Fault(nsid, 503, b"<html>"),
                bluesky_faults.Fault(nsid, 0),
                bluesky_faults.Fault(nsid, 200, b"{}", silence=SILENCE),
            ]
        )
        self.server.faults.append(fault)


@pytest.fixture(params=["x", "mastodon", "bluesky"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with contextlib.ExitStack() as stack:
        if request.param == "x":
            yield AtX(stack.enter_context(XServer(system_clock)))
        elif request.param == "mastodon":
            yield AtMastodon(stack.enter_context(MastodonApi()))
        else:
            yield AtBluesky(stack.enter_context(FaultyBluesky()))


def test_p16_thousands_of_answers_through_all_that_can_go_wrong(
    place: Place, tmp_path: Path
) -> None:
    instance, chance = Instance(tmp_path / "home"), random.Random(16)
    answers = ANSWERS[place.channel]
    ledger = open_ledger(load_settings({}, home=instance.home), create=True)
    with contextlib.closing(ledger):
        _account(ledger, place)
        each = answers // WAVES
        for wave in range(WAVES):
            place.arrive(list(range(wave * each, (wave + 1) * each)), chance)
            place.trouble(chance)
            if wave < KILLED:
                process = instance.start("poll")
                time.sleep(chance.uniform(1.5, 4))
                process.send_signal(signal.SIGKILL)
                process.wait()
            else:
                poll_all(ledger)
        place.arrive([], chance)  # what was late is there by now
        for _ in range(MOST_POLLS):
            stored = _texts(ledger)
            if len(stored) >= answers:
                break
            if chance.random() < 0.2:
                place.trouble(chance)
            poll_all(ledger)
        assert sorted(stored) == sorted(f"lamp {number}" for number in range(answers))
        with ledger.read() as connection:
            skipped = connection.exec_driver_sql("SELECT external_id, reason FROM skipped_items")
            assert [row for row in skipped if row.external_id != place_prompt(place)] == []


def place_prompt(place: Place) -> str:
    """Its thread is asked for as well; one of these servers has no thread to show."""
    return str(getattr(place, "prompt", ""))


def _account(ledger: Ledger, place: Place) -> None:
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Leadership is ___?")
        account = add_account(
            connection,
            ledger.keys,
            channel=place.channel,
            name="us",
            campaign_id=campaign.id,
            options={"timeout": PATIENCE, **place.options},
            secret=place.secret,
        )
        prompt = begin_prompt(
            connection,
            ledger.clock(),
            campaign_id=campaign.id,
            account_id=account.id,
            text=campaign.prompt,
            posted_by="robin@blog.example",
        )
        number = place_prompt(place)
        mark_posted(
            connection,
            prompt.id,
            external_id=number,
            url="",
            thread_id=number,
            at=ledger.clock(),
        )


def _texts(ledger: Ledger) -> list[str]:
    with ledger.read() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT text FROM replies")]
