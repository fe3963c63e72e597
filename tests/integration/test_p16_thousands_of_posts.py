"""P16 where prompts are posted: thousands of answers on each network, whatever goes wrong.

The real command polls a server on loopback and is killed in the midst of reading; the server
limits, fails, is silent and cuts, and gives answers late or out of order. Each of these is counted,
and has to have happened. What is stored is what was sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from collector.polling import poll_all
from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.clock import system_clock
from ledger.database import Ledger
from ledger.model import Channel
from ledger.prompts import begin_prompt, mark_posted
from ledger.settings import load_settings
from tests.commands import Instance
from tests.molds import open_new
from tests.servers import bluesky_faults, mastodon_http, x_http
from tests.servers.bluesky_faults import FaultyBluesky
from tests.servers.comment_blog import BEGAN, CommentBlog
from tests.servers.mastodon_api import MastodonApi
from tests.servers.x import ME, XServer
from tests.servers.x_account import OAUTH2

#: How many answers come in. P16_ANSWERS=10000 in the environment makes it as many everywhere, for
#: mails and files as well (test_p16_nothing_lost.py): what serves them is slower than what reads
#: them, and costs minutes then.
ANSWERS = {
    Channel.X: 10_000,
    Channel.MASTODON: 2_000,
    Channel.BLUESKY: 3_000,
    Channel.COMMENTS: 1_000,
}
if "P16_ANSWERS" in os.environ:
    ANSWERS = dict.fromkeys(ANSWERS, int(os.environ["P16_ANSWERS"]))
WAVES, KILLED = 8, 3
MOST_POLLS = 400
LIST = "app.bsky.notification.listNotifications"
#: Seconds that our side waits for an answer, and that a silent server keeps it waiting.
PATIENCE, SILENCE = 0.5, 0.8
#: What has to happen, at each network. A wave meets one of the first five, in turn.
TROUBLES = ("429", "500", "503", "cut", "silence")
KILL, OUT_OF_ORDER = "kill", "out of order"


class Place(Protocol):
    channel: Channel
    options: dict[str, Any]
    secret: str
    prompt: str

    def arrive(self, numbers: list[int], chance: random.Random) -> None: ...

    def spoil(self, trouble: str) -> None: ...

    def left(self) -> int:
        """How many of the faults nothing has met yet."""

    def asked(self) -> int:
        """How many requests there were for the list that the answers stand in."""

    def disorder(self) -> int:
        """How often something came late, or before what was there before it."""


class AtX:
    """Answers to the prompt, found by the search: mentions are listed up to the latest 800.

    The search is late with some that mention us, and each list is in an order of its own. What is
    late and mentions nobody X itself shows to nobody who reads on from the newest.
    """

    channel = Channel.X

    def __init__(self, server: XServer) -> None:
        self.server, self.secret = server, json.dumps(OAUTH2)
        self.options = {"base_url": server.url, "messages": "no"}
        self.people = [server.add_user(f"person{n}_example") for n in range(50)]
        self.prompt = str(server.add_post("Leadership is ___?", author=ME, mentions=False)["id"])
        self.late: list[dict[str, Any]] = []
        server.shuffle = random.Random(16)

    def arrive(self, numbers: list[int], chance: random.Random) -> None:
        for post in self.late:
            del post["_unindexed"]
        self.late.clear()
        for number in numbers:
            is_late = number in numbers[-9:-1]
            post = self.server.add_post(
                f"lamp {number}",
                author=chance.choice(self.people),
                answers=self.prompt,
                mentions=is_late,
            )
            if is_late:
                post["_unindexed"] = True
                self.late.append(post)

    def spoil(self, trouble: str) -> None:
        reset = {"x-rate-limit-reset": str(int(time.time()) + 1)}
        fault = {
            "429": x_http.Fault(429, b"{}", reset),
            "500": x_http.Fault(500),
            "503": x_http.Fault(503, b"<html>"),
            "cut": x_http.Fault(cut="after"),
            "silence": x_http.Fault(seconds=SILENCE),
        }[trouble]
        self.server.spoil("/2/tweets/search/recent", fault)

    def left(self) -> int:
        return len(self.server.faults["/2/tweets/search/recent"])

    def asked(self) -> int:
        return len(self.server.requests("/2/tweets/search/recent"))

    def disorder(self) -> int:
        return self.server.shuffled


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
        self.overtaken = 0

    def arrive(self, numbers: list[int], chance: random.Random) -> None:
        for status, place in self.late:
            self.overtaken += any(known > place for known, _ in self.server.notifications)
            self.server.notify(status, at=place)
        self.late.clear()
        for number in numbers:
            status = self.server.add_status(chance.choice(self.people), f"lamp {number}")
            if number in numbers[-3:-1]:
                self.late.append((status, self.server.reserve()))
            else:
                self.server.notify(status)

    def spoil(self, trouble: str) -> None:
        soon = mastodon_http.iso(system_clock())
        fault = {
            "429": mastodon_http.Fault(status=429, headers={"X-RateLimit-Reset": soon}),
            "500": mastodon_http.Fault(status=500),
            "503": mastodon_http.Fault(status=503, body=b"<html>"),
            "cut": mastodon_http.Fault(cut="after"),
            "silence": mastodon_http.Fault(wait=SILENCE),
        }[trouble]
        fault.path = "notifications"
        self.server.faults.append(fault)

    def left(self) -> int:
        return sum(fault.times for fault in self.server.faults)

    def asked(self) -> int:
        return sum(seen.path.endswith("/notifications") for seen in list(self.server.requests))

    def disorder(self) -> int:
        return self.overtaken


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
        self.dated_back = 0

    def arrive(self, numbers: list[int], chance: random.Random) -> None:
        newest = max(self.taken, default=0)
        self.now += 100 * len(numbers)
        for number in chance.sample(numbers, len(numbers)):
            back = 60_000 if chance.random() < 0.05 else 50 * len(numbers)
            at = self.now - chance.randrange(back)
            while at in self.taken:
                at -= 1
            self.taken.add(at)
            # Older than what had been there, and perhaps been read, in the wave before.
            self.dated_back += at < newest
            self.server.arrive(f"lamp {number}", at)

    def spoil(self, trouble: str) -> None:
        nsid = LIST
        soon = {"ratelimit-reset": str(int(time.time()) + 1)}
        fault = {
            "429": bluesky_faults.Fault(nsid, 429, b"{}", soon),
            "500": bluesky_faults.Fault(nsid, 500),
            "503": bluesky_faults.Fault(nsid, 503, b"<html>"),
            "cut": bluesky_faults.Fault(nsid, 0),
            "silence": bluesky_faults.Fault(nsid, 200, b"{}", silence=SILENCE),
        }[trouble]
        self.server.faults.append(fault)

    def left(self) -> int:
        return len(self.server.faults)

    def asked(self) -> int:
        return list(self.server.asked).count(LIST)

    def disorder(self) -> int:
        return self.dated_back


class BelowABlogPost:
    """Comments in a feed of many pages; some are let through late, and stand among older ones."""

    channel = Channel.COMMENTS
    secret, prompt = "", "the-question"

    def __init__(self, blog: CommentBlog) -> None:
        self.blog = blog
        self.options = {"address": blog.feed}
        self.late: list[tuple[str, datetime]] = []
        self.overtaken = 0

    def arrive(self, numbers: list[int], chance: random.Random) -> None:
        for text, at in self.late:
            self.blog.write(text, at=at)
            self.overtaken += 1
        self.late.clear()
        for number in numbers:
            at = BEGAN + timedelta(seconds=number)
            if number in numbers[-3:-1]:
                self.late.append((f"lamp {number}", at))
            else:
                self.blog.write(f"lamp {number}", at=at)

    def spoil(self, trouble: str) -> None:
        fault = {
            "429": mastodon_http.Fault(status=429, headers={"Retry-After": "1"}),
            "500": mastodon_http.Fault(status=500),
            "503": mastodon_http.Fault(status=503),
            "cut": mastodon_http.Fault(cut="after"),
            "silence": mastodon_http.Fault(wait=SILENCE),
        }[trouble]
        self.blog.faults.append(fault)

    def left(self) -> int:
        return sum(fault.times for fault in self.blog.faults)

    def asked(self) -> int:
        return len(self.blog.seen)

    def disorder(self) -> int:
        return self.overtaken


@pytest.fixture(params=["x", "mastodon", "bluesky", "comments"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with contextlib.ExitStack() as stack:
        if request.param == "x":
            yield AtX(stack.enter_context(XServer(system_clock)))
        elif request.param == "mastodon":
            yield AtMastodon(stack.enter_context(MastodonApi()))
        elif request.param == "comments":
            yield BelowABlogPost(stack.enter_context(CommentBlog(pages=True, lists=25)))
        else:
            yield AtBluesky(stack.enter_context(FaultyBluesky()))


def test_p16_thousands_of_answers_through_all_that_can_go_wrong(
    place: Place, tmp_path: Path
) -> None:
    instance, chance, met = Instance(tmp_path / "home"), random.Random(16), Counter[str]()
    answers = ANSWERS[place.channel]
    ledger = open_new(load_settings({}, home=instance.home))
    with contextlib.closing(ledger):
        _account(ledger, place)
        # At Bluesky what is dated back is found behind 500 others (MOST_REMEMBERED), not more.
        waves = max(WAVES, answers // 400) if place.channel is Channel.BLUESKY else WAVES
        each = answers // waves
        for wave in range(waves):
            place.arrive(list(range(wave * each, (wave + 1) * each)), chance)
            if wave < KILLED:
                met[KILL] += _killed_while_reading(instance, place, chance.randrange(1, 4))
            trouble = TROUBLES[wave % len(TROUBLES)]
            place.spoil(trouble)
            while place.left():
                poll_all(ledger)
            met[trouble] += 1
            poll_all(ledger)
        place.arrive([], chance)  # what was late is there by now
        for _ in range(MOST_POLLS):
            stored = _texts(ledger)
            if len(stored) >= answers:
                break
            poll_all(ledger)
        met[OUT_OF_ORDER] = place.disorder()
        assert all(met[kind] for kind in (*TROUBLES, KILL, OUT_OF_ORDER)), met
        assert sorted(stored) == sorted(f"lamp {number}" for number in range(answers))
        with ledger.read() as connection:
            skipped = connection.exec_driver_sql("SELECT external_id, reason FROM skipped_items")
            # The prompt's thread is asked for as well; one of these servers has none to show.
            assert [row for row in skipped if row.external_id != place.prompt] == []


def _killed_while_reading(instance: Instance, place: Place, requests: int) -> bool:
    """Whether the command was still at it when it was killed, some requests after its start."""
    before, deadline = place.asked(), time.monotonic() + 60
    process = instance.start("poll")
    while place.asked() < before + requests and process.poll() is None:
        if time.monotonic() > deadline:
            break
        time.sleep(0.002)
    got_so_far = process.poll() is None and place.asked() >= before + requests
    process.send_signal(signal.SIGKILL)
    process.wait()
    return got_so_far


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
        number = place.prompt
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
