"""A sender's date proves nothing: our clock says when somebody wrote, and one date is shown."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from collector.read import read_new
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.contributors import find_or_add_handle
from ledger.conversation import conversation
from ledger.database import Ledger
from ledger.facts import facts_of
from ledger.model import Account, Campaign, Channel, IncomingReply
from ledger.newcomers import facts_of_newcomer
from ledger.outbox import add_draft, approve, claim, mark_sent
from ledger.person import FoundPerson, PersonFacts
from ledger.replies import store_replies
from ledger.tables import replies
from ledger.threads import find_thread
from tests.conftest import SteppingClock
from tests.visiting import application, owner

ADA = "ada@a.example"


def writes(
    ledger: Ledger, campaign: Campaign, channel: Channel, words: str, written_at: datetime
) -> Account:
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, channel, campaign.slug, campaign.id)
        reply = IncomingReply(words, ADA, words, "Ada", written_at=written_at)
        store_replies(connection, account, [reply], ledger.clock())
    read_new(ledger)
    return account


@pytest.mark.parametrize(
    ("channel", "says", "counts"),
    [
        (Channel.EMAIL, timedelta(days=300), timedelta()),
        (Channel.EMAIL, timedelta(days=-300), timedelta()),
        (Channel.PASTE, timedelta(days=-300), timedelta(days=-300)),
        (Channel.IMPORT, timedelta(days=-300), timedelta(days=-300)),
        (Channel.IMPORT, timedelta(days=300), timedelta()),
    ],
)
def test_p13_a_date_that_a_sender_gives_unlocks_nothing(
    any_ledger: Ledger, channel: Channel, says: timedelta, counts: timedelta
) -> None:
    """Only what an editor brought from earlier days counts as from then."""
    now, keys = any_ledger.clock(), any_ledger.keys
    with any_ledger.write() as connection:
        campaign = add_campaign(connection, now, prompt="Courage is ___?")
    account = writes(any_ledger, campaign, channel, "What is this?", now + says)
    stranger: PersonFacts
    with any_ledger.write() as connection:
        stranger = facts_of_newcomer(connection, keys, now, account, campaign.id, FoundPerson(ADA))
        _, handle = find_or_add_handle(connection, keys, now, channel=channel, address=ADA)
        known = facts_of(
            connection, keys, now, campaign_id=campaign.id, channel=channel,
            contributor_id=handle.contributor_id,
        )  # fmt: skip
        arrived = connection.execute(select(func.max(replies.c.received_at))).scalar_one()
    for facts in (stranger, known):
        assert facts.messages == 1
        assert facts.last_wrote_at == arrived + counts
        assert not facts.wrote_since(arrived)


def test_a_conversation_is_sorted_by_the_dates_that_it_shows(
    ledger: Ledger, campaign: Campaign, clock: SteppingClock
) -> None:
    editor = owner(application(ledger), ledger)
    account = writes(ledger, campaign, Channel.EMAIL, "From the future", clock() + timedelta(9))
    with ledger.write() as connection:
        _, handle = find_or_add_handle(
            connection, ledger.keys, clock(), channel=Channel.EMAIL, address=ADA
        )
        message = add_draft(
            connection, ledger.keys, clock(), account_id=account.id, recipient=ADA, subject="?",
            contributor_id=handle.contributor_id, body="To whom?", domain="blog.example",
        )  # fmt: skip
        approve(connection, message, "Olu")
    clock.pass_time(hours=1)
    writes(ledger, campaign, Channel.EMAIL, "Between the two", clock())
    clock.pass_time(hours=1)
    with ledger.write() as connection:
        assert claim(connection, ledger.keys, clock()) is not None
        mark_sent(connection, message, clock())
    clock.pass_time(hours=1)
    writes(ledger, campaign, Channel.EMAIL, "Slow mail", clock() - timedelta(minutes=30))
    with ledger.read() as connection:
        thread = find_thread(connection, 1)
        assert thread is not None
        entries = conversation(connection, ledger.keys, thread)
    words = [entry.reply.text if entry.reply else entry.said.words for entry in entries]  # type: ignore[union-attr]
    assert words == ["From the future", "Between the two", "To whom?", "Slow mail"]
    page = editor.go("/desk/threads/1").partition('class="turn')[2]
    shown = re.findall(r'<time datetime="([^"]+)">([^<]+)</time>', page)
    assert [at for at, _ in shown] == sorted(at for at, _ in shown)
    assert [at for at, _ in shown] == [entry.at.isoformat() for entry in entries]
    assert all(f"{entry.at:%H:%M}" in text for entry, (_, text) in zip(entries, shown, strict=True))
