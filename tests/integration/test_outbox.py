"""The outbox's states, on each database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.accounts import add_account
from ledger.campaigns import add_campaign
from ledger.contributors import add_contributor, stop_contact
from ledger.database import Ledger
from ledger.model import Channel
from ledger.outbox import (
    STOPPED,
    MessageState,
    abandon_claims,
    add_draft,
    approve,
    claim,
    mark_sent,
    postpone,
    settle_unknown,
)
from ledger.sent import are_ours, messages_in
from tests.conftest import SteppingClock

Outbox = tuple[Ledger, str, int]


@pytest.fixture
def outbox(any_ledger: Ledger) -> Outbox:
    """A ledger, a contributor, and the number of a draft to them."""
    ledger, now = any_ledger, any_ledger.clock()
    with ledger.write() as connection:
        campaign = add_campaign(connection, now, prompt="Thought leadership is ___?")
        account = add_account(
            connection, ledger.keys, channel=Channel.EMAIL, name="a", campaign_id=campaign.id
        )
        contributor = add_contributor(connection, ledger.keys, now)
        draft = add_draft(
            connection,
            ledger.keys,
            now,
            account_id=account.id,
            contributor_id=contributor,
            recipient="ada@sample.example",
            subject="May I?",
            body="the secret link",
            domain="blog.example",
        )
    return ledger, contributor, draft


def test_nothing_leaves_without_approval(outbox: Outbox) -> None:
    ledger, _, draft = outbox
    with ledger.write() as connection:
        assert claim(connection, ledger.keys, ledger.clock()) is None
        assert approve(connection, draft, "editor@blog.example")
        assert not approve(connection, draft, "editor@blog.example")
        taken = claim(connection, ledger.keys, ledger.clock())
        assert taken is not None
        assert taken.body == "the secret link"
        assert are_ours(connection, [taken.message_id], 0)
        assert claim(connection, ledger.keys, ledger.clock()) is None


def test_a_sent_message_forgets_its_words(outbox: Outbox) -> None:
    ledger, _, draft = outbox
    with ledger.write() as connection:
        approve(connection, draft, "editor@blog.example")
        claim(connection, ledger.keys, ledger.clock())
        mark_sent(connection, draft, ledger.clock())
        stored = connection.exec_driver_sql("SELECT sealed_body FROM outbox").scalar()
    assert stored == ""


def test_words_wait_encrypted(outbox: Outbox) -> None:
    ledger, _, _ = outbox
    with ledger.read() as connection:
        stored = connection.exec_driver_sql("SELECT sealed_body FROM outbox").scalar()
    assert "secret" not in stored


def test_who_stopped_is_not_written_to(outbox: Outbox) -> None:
    ledger, contributor, draft = outbox
    with ledger.write() as connection:
        approve(connection, draft, "editor@blog.example")
        stop_contact(connection, contributor, ledger.clock())
    with ledger.write() as connection:
        assert claim(connection, ledger.keys, ledger.clock()) is None
        (refused,) = messages_in(connection, MessageState.FAILED)
    assert refused.error == STOPPED


def test_a_postponed_message_waits_its_time(outbox: Outbox, clock: SteppingClock) -> None:
    ledger, _, draft = outbox
    with ledger.write() as connection:
        approve(connection, draft, "editor@blog.example")
        claim(connection, ledger.keys, clock())
        postpone(connection, draft, "busy", clock() + timedelta(minutes=1))
        assert claim(connection, ledger.keys, clock()) is None
    clock.pass_time(minutes=1)
    with ledger.write() as connection:
        again = claim(connection, ledger.keys, clock())
    assert again is not None
    assert again.attempts == 2


def test_a_claim_nobody_settled_waits_for_a_human(outbox: Outbox, clock: SteppingClock) -> None:
    ledger, _, draft = outbox
    with ledger.write() as connection:
        approve(connection, draft, "editor@blog.example")
        claim(connection, ledger.keys, clock())
        assert abandon_claims(connection, clock(), timedelta(minutes=10)) == 0
    clock.pass_time(minutes=10)
    with ledger.write() as connection:
        assert abandon_claims(connection, clock(), timedelta(minutes=10)) == 1
        assert claim(connection, ledger.keys, clock()) is None
        assert settle_unknown(connection, draft, clock(), left=False)
        assert not settle_unknown(connection, draft, clock(), left=True)
        assert claim(connection, ledger.keys, clock()) is not None
