"""P38 where sources are pages of strangers: those that hang must not hide the one that is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from collector.channels import open_connector
from collector.channels.webmention import LOOKS_AT_ONCE, Webmentions
from collector.connector import Connector, Context
from collector.safe_fetch import MOST_SECONDS, FetchedPage, fetch
from collector.source_check import AGAIN, AT_ONCE, Open, check_sources
from collector.webmention.look import Fetch
from collector.webmention.page import read_here
from ledger.accounts import add_account, ensure_account
from ledger.database import Ledger
from ledger.definitions import take_definition
from ledger.model import Account, Campaign, Channel, IncomingReply
from ledger.replies import find_reply, store_replies
from tests.conftest import SteppingClock
from tests.mentioning import standing
from tests.servers.mastodon_api import MastodonApi
from tests.servers.mastodon_http import Fault
from tests.servers.web_pages import HTML, Answer, WebPages

#: So many times as fast as the wall's, so that 5 seconds are soon over.
HURRY = 20
hurried = partial(fetch, allow_private=True, clock=lambda: time.monotonic() * HURRY)
near = partial(fetch, allow_private=True)
TURN = 600
#: Sends a little, then nothing for longer than we wait: by the hurried clock, and by the wall's.
LATE = Answer(200, (("Content-Type", HTML),), (b"<p>",), pause=MOST_SECONDS / HURRY * 1.5)
HANGS = Answer(200, (("Content-Type", HTML),), (b"<p>",), pause=3.0)


@pytest.fixture
def elsewhere() -> Iterator[WebPages]:
    with WebPages() as server:
        yield server


class Counted:
    """Fetches, and counts how many of its fetches go on at the same time."""

    def __init__(self) -> None:
        self.going = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, url: str) -> FetchedPage:
        with self.lock:
            self.going += 1
            self.most = max(self.most, self.going)
        try:
            return hurried(url)
        finally:
            with self.lock:
                self.going -= 1


def by(fetch_page: Fetch) -> Open:
    def open_one(account: Account, context: Context) -> Connector:
        opened = open_connector(account, context)
        assert isinstance(opened, Webmentions)
        return replace(opened, fetch_page=fetch_page, read_page=read_here)

    return open_one


def pages_of(ledger: Ledger, campaign: Campaign) -> Account:
    with ledger.write() as connection:
        return ensure_account(
            connection, ledger.keys, Channel.WEBMENTION, campaign.slug, campaign.id
        )


def used(ledger: Ledger, account: Account, sources: list[str]) -> None:
    """Replies from these sources, all of them shortlisted."""
    now = ledger.clock()
    with ledger.write() as connection:
        store_replies(connection, account, [IncomingReply(s, s, "a lamp") for s in sources], now)
        for number in range(1, len(sources) + 1):
            reply = find_reply(connection, number)
            assert reply is not None
            take_definition(connection, ledger.keys, now, reply, "en")


def test_p38_pages_that_hang_go_behind_in_the_line(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages, clock: SteppingClock
) -> None:
    hanging = [elsewhere.put_answer(f"/{number}", LATE) for number in range(AT_ONCE + 5)]
    gone = elsewhere.put("/gone", status=410)
    used(ledger, pages_of(ledger, campaign), [*hanging, gone])
    fetching = Counted()
    # No time for more than the first of them: what is left comes in the next turn.
    assert check_sources(ledger, enough_seconds=0, open_one=by(fetching)) == 0
    assert {one.path for one in elsewhere.seen} == {f"/{number}" for number in range(AT_ONCE)}
    assert fetching.most == LOOKS_AT_ONCE
    clock.pass_time(seconds=TURN)
    assert check_sources(ledger, enough_seconds=0, open_one=by(hurried)) == 1
    assert [state for state, _ in standing(ledger)] == [*[""] * len(hanging), "gone"]
    elsewhere.seen.clear()
    clock.pass_time(seconds=AGAIN.total_seconds() - TURN + 1)
    # An hour later they are asked again, long before the day is over.
    elsewhere.put("/0", status=404)
    assert check_sources(ledger, enough_seconds=0, open_one=by(hurried)) == 1
    assert standing(ledger)[0][0] == "gone"


def test_p38_a_turn_that_is_given_up_keeps_what_it_found_before(
    ledger: Ledger, campaign: Campaign, elsewhere: WebPages
) -> None:
    gone = [elsewhere.put(f"/{number}", status=410) for number in range(AT_ONCE)]
    used(ledger, pages_of(ledger, campaign), [*gone, elsewhere.put_answer("/hangs", HANGS)])
    assert check_sources(ledger, longest_seconds=2.5, open_one=by(near)) == 0
    assert [state for state, _ in standing(ledger)] == [*["gone"] * AT_ONCE, ""]


def test_p38_one_post_that_the_platform_stumbles_over_hides_no_other(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    with MastodonApi(clock) as server:
        people = [server.add_person(f"person{number}@far.example") for number in range(2)]
        first, second = (server.mention(person, "a lamp") for person in people)
        with ledger.write() as connection:
            account = add_account(
                connection,
                ledger.keys,
                channel=Channel.MASTODON,
                name="us",
                campaign_id=campaign.id,
                options={"base_url": server.url, "timeout": 5},
                secret=server.token,
            )
        used(ledger, account, [str(first), str(second)])
        server.delete(second)
        server.faults += [Fault(path=f"statuses/{first}", status=500) for _ in range(9)]
        assert check_sources(ledger) == 0
        clock.pass_time(seconds=TURN)
        assert check_sources(ledger) == 1
        assert [state for state, _ in standing(ledger)] == ["", "gone"]
