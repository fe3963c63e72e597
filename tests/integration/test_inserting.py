"""Many rows at once by the driver itself: what is new counts, what is known stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import select

from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.inserting import BATCH, insert_new
from ledger.model import Channel
from ledger.tables import replies

EVENING = datetime(2026, 1, 5, 20, tzinfo=timezone(timedelta(hours=2)))


def columns(numbers: Sequence[int], text: str) -> dict[str, list[Any]]:
    return {
        "external_id": [f"r{number}" for number in numbers],
        "text": [f"{text} {number} % %s ? :x 'ünï'" for number in numbers],
        "in_reply_to": [
            [f"post-{number}", 'with "quotes"'] if number % 2 else [] for number in numbers
        ],
        "automatic": [number % 3 == 0 for number in numbers],
        "written_at": [EVENING if number % 2 else None for number in numbers],
        "spans": [[[0, number]] for number in numbers],
    }


def test_p16_only_what_is_new_is_stored_and_counted(any_ledger: Ledger) -> None:
    ledger = any_ledger
    with ledger.write() as connection:
        campaign = add_campaign(connection, ledger.clock(), prompt="Leadership is ___?")
        account = ensure_account(connection, ledger.keys, Channel.IMPORT, "a", campaign.id)
        same = {
            "channel": Channel.IMPORT.value,
            "account_id": account.id,
            "campaign_id": campaign.id,
            "address": "@ada",
            "received_at": EVENING,
            "state": "new",
        }
        first = columns([*range(BATCH + 7), 0], "lamp")
        assert insert_new(connection, replies, first, same) == BATCH + 7
        again = columns(range(BATCH, BATCH + 20), "door")
        assert insert_new(connection, replies, again, same) == 13
        assert insert_new(connection, replies, again, same) == 0
        assert insert_new(connection, replies, columns([], ""), same) == 0
    with ledger.read() as connection:
        stored = connection.execute(select(replies).order_by(replies.c.id)).all()
    assert len(stored) == BATCH + 20
    for number, row in enumerate(stored):
        word = "lamp" if number < BATCH + 7 else "door"
        assert row.text == f"{word} {number} % %s ? :x 'ünï'"
        assert row.in_reply_to == ([f"post-{number}", 'with "quotes"'] if number % 2 else [])
        assert row.spans == [[0, number]]
        assert row.automatic is (number % 3 == 0)
        assert row.written_at == (EVENING.astimezone(UTC) if number % 2 else None)
        assert (row.kind, row.reason, row.corrected, row.html) == ("", "", False, "")
