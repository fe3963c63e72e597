"""Writers take turns on both databases: no circle of waits, and a frozen one holds nobody up."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ledger import database
from ledger.database import Ledger
from ledger.errors import TemporaryError
from ledger.leases import acquire
from ledger.settings import load_settings
from ledger.tables import leases
from tests.molds import open_new

LENGTH = timedelta(minutes=5)


def two_rows(ledger: Ledger) -> None:
    with ledger.write() as connection:
        for name in ("one", "other"):
            acquire(connection, name, "", ledger.clock(), LENGTH)


def holders(ledger: Ledger) -> dict[str, str]:
    with ledger.read() as connection:
        found = connection.execute(select(leases.c.name, leases.c.holder)).all()
    return {row.name: row.holder for row in found}


def test_two_that_change_the_same_rows_in_opposite_order_both_get_through(
    any_ledger: Ledger,
) -> None:
    two_rows(any_ledger)
    failures: list[BaseException] = []

    def rewrite(names: tuple[str, ...]) -> None:
        try:
            for turn in range(25):
                with any_ledger.write() as connection:
                    for name in names:
                        connection.execute(
                            update(leases).where(leases.c.name == name).values(holder=str(turn))
                        )
        except BaseException as error:
            failures.append(error)

    running = [
        threading.Thread(target=rewrite, args=(names,))
        for names in (("one", "other"), ("other", "one"))
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
    assert not failures
    assert holders(any_ledger) == {"one": "24", "other": "24"}


@pytest.mark.postgres
def test_who_freezes_in_the_middle_loses_the_turn(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = database._ONE_WRITER.replace("'30s'", "'1s'")
    assert short != database._ONE_WRITER
    monkeypatch.setattr(database, "_ONE_WRITER", short)
    settings = load_settings({}, home=tmp_path / "home", database_url=postgres_url)
    ledger = open_new(settings)
    two_rows(ledger)
    froze, thawed = threading.Event(), threading.Event()
    told: list[str] = []

    def freeze() -> None:
        try:
            with ledger.write() as connection:
                connection.execute(update(leases).values(holder="frozen"))
                froze.set()
                thawed.wait(30)
                connection.execute(update(leases).values(holder="thawed"))
        except TemporaryError as error:
            told.append(str(error))

    frozen = threading.Thread(target=freeze)
    frozen.start()
    froze.wait(30)
    with ledger.write() as connection:  # waits until the server has ended the frozen one's turn
        connection.execute(update(leases).values(holder="awake"))
    thawed.set()
    frozen.join(30)
    assert len(told) == 1
    assert holders(ledger) == {"one": "awake", "other": "awake"}
    ledger.close()
