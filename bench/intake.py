"""Taking in replies (parse, dedupe, store, cursor), against the bare driver in the same run.

Ours reads a JSON Lines file as `definedby import` does: each page and its cursor in one
transaction. The driver (sqlite3's or psycopg's `executemany`) is given the very rows that ours
stored, in the same table with the same indexes, batches and transactions, with nothing to parse.
The target counts replies per second of our own CPU; on PostgreSQL the server's comes on top.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from collector.channels.importing import open_source
from collector.imports.file import import_file
from ledger.campaigns import add_campaign, need_campaign
from ledger.database import Ledger, open_ledger
from ledger.inserting import BATCH
from ledger.settings import load_settings
from ledger.tables import replies

ROWS = 20_000
ROUNDS = 3
#: Replies per CPU second.
TARGETS = {"sqlite": 15_000, "postgresql": 10_000}


def compare() -> Iterator[str]:
    yield f"intake: this machine now: {_yardstick():.0f} ms of CPU for a million empty turns"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.jsonl"
        _write(file)
        for name, urls in _databases():
            if not urls:
                yield f"intake: {name} is not installed here, so it was not measured"
                continue
            ours, bare = zip(
                *(_round(Path(folder) / name / str(n), url, file) for n, url in enumerate(urls)),
                strict=True,
            )
            best, rival = max(ours), max(bare)
            met = "met" if best >= TARGETS[name] else "MISSED"
            yield (
                f"intake: {name}: {best:,.0f} replies per CPU second"
                f" (median {statistics.median(ours):,.0f}); target {TARGETS[name]:,}: {met}"
            )
            yield (
                f"intake: {name}: the bare driver stores {rival:,.0f} of the same rows;"
                f" reading, checking and storing take {rival / best:.1f} times its CPU"
            )


def _yardstick() -> float:
    """What this machine takes now, in milliseconds of CPU, for a million empty turns of a loop.

    Targets are for a quiet one, where it is 25 to 30; a shared one may take three times as long.
    """
    began = time.process_time()
    for _ in range(1_000_000):
        pass
    return (time.process_time() - began) * 1000


def _write(file: Path) -> None:
    with file.open("w", encoding="utf-8") as opened:
        for number in range(ROWS):
            row = {"id": str(number), "text": f"answer {number}", "name": f"Person {number}"}
            opened.write(json.dumps(row) + "\n")


def _databases() -> Iterator[tuple[str, list[str]]]:
    """Empty databases, one for each round."""
    yield "sqlite", [""] * ROUNDS
    from tests.servers import postgres

    if postgres.why_unavailable():
        yield "postgresql", []
        return
    with postgres.PostgresServer() as server:
        yield "postgresql", [server.url(server.new_database()) for _ in range(ROUNDS)]


def _round(home: Path, url: str, file: Path) -> tuple[float, float]:
    """Replies per CPU second: ours, and the bare driver's."""
    home.mkdir(parents=True)
    ledger = open_ledger(load_settings({}, home=home, database_url=url), create=True)
    with contextlib.closing(ledger):
        with ledger.write() as connection:
            add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
            campaign = need_campaign(connection, "")
        start = time.process_time()
        report = import_file(ledger, campaign, open_source(file, mapping={}), file.name)
        spent = time.process_time() - start
        assert report.stored == ROWS
        return ROWS / spent, ROWS / _bare(ledger)


def _bare(ledger: Ledger) -> float:
    """CPU seconds of the driver for the same rows, once more into the same, now empty, table."""
    columns = [column.name for column in replies.columns]
    with ledger.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        cursor = driver.cursor()
        cursor.execute(f"SELECT {', '.join(columns)} FROM replies ORDER BY id")
        stored = dict(zip(columns, zip(*cursor.fetchall(), strict=True), strict=True))
        # Nulls come by themselves, and the driver of SQLite is slow at taking them.
        filled = {n: values for n, values in stored.items() if any(v is not None for v in values)}
        rows = [tuple(map(_plain, row)) for row in zip(*filled.values(), strict=True)]
        names = ", ".join(filled)
        is_sqlite = connection.dialect.name == "sqlite"
        marks = ", ".join(["?" if is_sqlite else "%s"] * len(filled))
        insert = f"INSERT INTO replies ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        cursor.execute("DELETE FROM replies")
        driver.commit()
        start = time.process_time()
        for at in range(0, len(rows), BATCH):
            if is_sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany(insert, rows[at : at + BATCH])
            driver.commit()
        spent = time.process_time() - start
        assert len(connection.execute(select(replies.c.id)).all()) == ROWS
    return spent


def _plain(value: object) -> object:
    """What psycopg read as JSON goes back as the text that it was."""
    return json.dumps(value) if isinstance(value, list) else value
