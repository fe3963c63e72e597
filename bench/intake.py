"""Taking in replies (parse, dedupe, store, cursor), against what an ORM would do row by row."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, registry

from collector.channels.importing import open_source
from collector.import_file import import_file
from ledger.accounts import ensure_account
from ledger.campaigns import add_campaign, need_campaign
from ledger.database import Ledger, open_ledger
from ledger.model import Channel
from ledger.settings import load_settings
from ledger.tables import replies

ROWS = 20_000
RIVAL_ROWS = 2_000


def compare() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        ours = _ours(Path(folder))
        rival = _rival(Path(folder))
    yield f"intake: {ours:,.0f} replies per CPU second (SQLite, WAL, synchronous=FULL)"
    yield f"intake: {ours / rival:.1f} times an ORM that selects, then adds ({rival:,.0f}/s)"


def _ledger(home: Path) -> Ledger:
    ledger = open_ledger(load_settings({}, home=home), create=True)
    with ledger.write() as connection:
        add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
    return ledger


def _ours(folder: Path) -> float:
    file = folder / "answers.jsonl"
    with file.open("w", encoding="utf-8") as opened:
        for number in range(ROWS):
            row = {"id": str(number), "text": f"answer {number}", "name": f"Person {number}"}
            opened.write(json.dumps(row) + "\n")
    ledger = _ledger(folder / "ours")
    with ledger.read() as connection:
        campaign = need_campaign(connection, "")
    start = time.process_time()
    report = import_file(ledger, campaign, open_source(file, format="", mapping={}), file.name)
    spent = time.process_time() - start
    assert report.stored == ROWS
    ledger.close()
    return ROWS / spent


class _Row:
    """A mapped reply, as the rival sees it."""

    def __init__(self, **columns: object) -> None:
        for name, value in columns.items():
            setattr(self, name, value)


def _rival(folder: Path) -> float:
    mapping = registry()
    mapping.map_imperatively(_Row, replies)
    ledger = _ledger(folder / "rival")
    with ledger.read() as connection:
        campaign = need_campaign(connection, "")
    with ledger.write() as connection:
        account = ensure_account(connection, ledger.keys, Channel.IMPORT, "a", campaign.id)
    start = time.process_time()
    with ledger.write() as connection, Session(bind=connection) as session:
        for number in range(RIVAL_ROWS):
            known = session.scalar(
                select(_Row).where(
                    replies.c.account_id == account.id, replies.c.external_id == str(number)
                )
            )
            if known is None:
                session.add(
                    _Row(
                        channel="import",
                        account_id=account.id,
                        external_id=str(number),
                        campaign_id=campaign.id,
                        address=f"person{number}",
                        text=f"answer {number}",
                        in_reply_to=[],
                        automatic=False,
                        received_at=ledger.clock(),
                        state="new",
                        spans=[],
                    )
                )
        session.flush()
    spent = time.process_time() - start
    ledger.close()
    return RIVAL_ROWS / spent
