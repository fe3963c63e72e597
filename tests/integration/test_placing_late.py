"""An upgrade places many replies at once, and lets others write in between."""

from __future__ import annotations

import time

from sqlalchemy import Connection, event, func, select, update

from collector.read import OPENING, read_new
from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.database import WRITE, Ledger
from ledger.model import Channel, IncomingReply
from ledger.replies import store_replies
from ledger.tables import replies
from ledger.threads import BATCH


def test_who_waits_to_write_finds_an_opening_between_two_batches(any_ledger: Ledger) -> None:
    ledger, now = any_ledger, any_ledger.clock()
    with ledger.write() as connection:
        campaign = add_campaign(connection, now, prompt="Courage is ___?")
        account = add_account(
            connection, ledger.keys, channel=Channel.EMAIL, name="us", campaign_id=campaign.id
        )
        many = [
            IncomingReply(f"<{n}@a.example>", f"p{n}@a.example", f"answer {n}")
            for n in range(2 * BATCH + 1)
        ]
        store_replies(connection, account, many, now)
        connection.execute(update(replies).values(kind="other"))
    openings: list[float] = []
    ended = 0.0

    def begins(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITE) and ended:
            openings.append(time.monotonic() - ended)

    def ends(connection: Connection) -> None:
        nonlocal ended
        if connection.get_execution_options().get(WRITE):
            ended = time.monotonic()

    event.listen(ledger.engine, "begin", begins)
    event.listen(ledger.engine, "commit", ends)
    read_new(ledger)
    assert len(openings) == 2
    assert min(openings) >= OPENING >= 0.1
    with ledger.read() as connection:
        left = select(func.count()).where(replies.c.thread_id.is_(None))
        assert connection.execute(left).scalar_one() == 0
