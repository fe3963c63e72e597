"""P38: one deletion among hundreds of sources, at a platform in trouble, is noticed in a day."""

from __future__ import annotations

import json
from datetime import timedelta

from collector.source_check import EVERY, MOST_SOURCES, check_sources
from ledger import sources
from ledger.accounts import add_account, all_accounts
from ledger.database import Ledger
from ledger.definitions import take_definition
from ledger.model import Campaign, Channel, IncomingReply
from ledger.replies import find_reply, store_replies
from tests.conftest import SteppingClock
from tests.servers.x import XServer
from tests.servers.x_account import OAUTH2
from tests.servers.x_http import Fault
from web.work import TASKS

USED = MOST_SOURCES + 40


def test_p38_a_deletion_is_noticed_within_a_day_whatever_fails_meanwhile(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    (turn,) = [task.seconds for task in TASKS if task.name == "sources"]
    with XServer(clock) as server:
        with ledger.write() as connection:
            account = add_account(
                connection,
                ledger.keys,
                channel=Channel.X,
                name="@asker_example",
                campaign_id=campaign.id,
                options={"base_url": server.url, "timeout": 5},
                secret=json.dumps(OAUTH2),
            )
            posts = [server.add_post(f"lamp {number}")["id"] for number in range(USED)]
            incoming = [IncomingReply(post, f"@p{post}", "a lamp") for post in posts]
            store_replies(connection, account, incoming, clock())
            for number in range(1, USED + 1):
                reply = find_reply(connection, number)
                assert reply is not None
                take_definition(connection, ledger.keys, clock(), reply, "en")
        # All have just been looked at: the worst moment to be deleted.
        while check_sources(ledger) or _waiting(ledger, clock):
            clock.pass_time(seconds=turn)
        assert not _held(ledger, USED)
        deleted_at = clock()
        server.deleted.add(posts[-1])
        clock.pass_time(hours=8)
        server.spoil("/2/tweets", Fault(500), Fault(429), Fault(cut="before"), Fault(200, b"no"))
        while not _held(ledger, USED):
            check_sources(ledger)
            clock.pass_time(seconds=turn)
            assert clock() - deleted_at <= timedelta(days=1)
        assert server.faults["/2/tweets"] == [], "all of that was met on the way"
        with ledger.read() as connection:
            held = [n for n in range(1, USED + 1) if sources.held_source(connection, n)]
        assert held == [USED]


def _waiting(ledger: Ledger, clock: SteppingClock) -> bool:
    with ledger.read() as connection:
        (account,) = all_accounts(connection, ledger.keys)
        return bool(sources.sources_to_check(connection, account, clock() - EVERY, 1))


def _held(ledger: Ledger, reply_id: int) -> bool:
    with ledger.read() as connection:
        return sources.held_source(connection, reply_id) is not None
